//! Clients of Hocuspocus, of each version of its protocol, alone and beside those of y-websocket.

import assert from "node:assert/strict";
import { test } from "node:test";

import {
  areSame, content, docIs, HOCUSPOCUS, inSync, isKept, next, present, signed, token, until,
} from "../src/clients.js";
import { LIMIT, withPlayground } from "../src/suite.js";

const suite = withPlayground();

const hasText = (text) => (doc) => doc.getText("text").toString() === text;

/** Who may only read. */
const reading = (sub) => token({ sub, scope: "read" });

for (const version of Object.keys(HOCUSPOCUS)) {
  const open = (name, options) => suite.clients.hocuspocus(name, { version, ...options });

  test(`version ${version}: what one writes is kept and the other has it, whichever protocol it speaks`, LIMIT, async () => {
    const name = `both ${version}`;
    const one = open(name);
    assert.deepEqual(await next(one, "authenticated"), version === "2" ? undefined : { scope: "read-write" });
    assert.equal(one.authorizedScope, "read-write");
    await isKept(one);
    const [other, stock] = [open(name), suite.clients.websocket(name)];
    one.document.getText("text").insert(0, "from Hocuspocus");
    assert.equal(one.hasUnsyncedChanges, true);
    await isKept(one);
    await docIs(other.document, hasText("from Hocuspocus"));
    await docIs(stock.doc, hasText("from Hocuspocus"));
    stock.doc.getMap("map").set("from", "y-websocket");
    await docIs(one.document, (doc) => doc.getMap("map").get("from") === "y-websocket");
    await docIs(other.document, (doc) => areSame(doc, stock.doc));
    assert.deepEqual(content(one.document), content(stock.doc));
    // What came from others is nothing to be kept.
    assert.equal(one.unsyncedChanges, 0);
  });

  test(`version ${version}: as many changes are said to be kept as were made`, LIMIT, async () => {
    const one = open(`many ${version}`);
    await isKept(one);
    const seen = [];
    one.on("unsyncedChanges", () => seen.push(one.unsyncedChanges));
    for (let number = 0; number < 100; number += 1) one.document.getArray("array").push([number]);
    await isKept(one);
    const up = Array.from({ length: 100 }, (_, number) => number + 1);
    assert.deepEqual(seen, [...up, ...up.map((number) => 100 - number)]);
    one.forceSync();
    assert.equal(one.hasUnsyncedChanges, true);
    await isKept(one);
  });

  test(`version ${version}: who is there, until they leave`, LIMIT, async () => {
    const name = `here ${version}`;
    const [one, other, stock] = [open(name), open(name), suite.clients.websocket(name)];
    one.setAwarenessField("name", "one");
    other.setAwarenessField("name", "other");
    stock.awareness.setLocalStateField("name", "stock");
    await Promise.all([one, other, stock].map(({ awareness }) => present(awareness, ["one", "other", "stock"])));
    const late = open(name);
    await present(late.awareness, ["one", "other", "stock"]);
    other.configuration.websocketProvider.webSocket.terminate();
    other.configuration.websocketProvider.shouldConnect = false;
    one.destroy();
    await Promise.all([present(late.awareness, ["stock"]), present(stock.awareness, ["stock"])]);
  });

  test(`version ${version}: a session that may only read`, LIMIT, async () => {
    const name = `read ${version}`;
    const [writer, reader] = [open(name), open(name, { token: reading("cy") })];
    await Promise.all([isKept(writer), isKept(reader)]);
    assert.equal(reader.authorizedScope, "readonly");
    reader.document.getText("text").insert(0, "not taken");
    writer.document.getMap("map").set("taken", true);
    await docIs(reader.document, (doc) => doc.getMap("map").get("taken") === true);
    const late = open(name);
    await isKept(late);
    assert.deepEqual(content(late.document), { text: [], map: { taken: true }, array: [], xml: "" });
    assert.deepEqual(content(writer.document), content(late.document));
    assert.equal(reader.hasUnsyncedChanges, true);
  });

  test(`version ${version}: who may not come in is told why, and gets nothing`, LIMIT, async () => {
    const name = `closed ${version}`;
    const writer = open(name);
    writer.document.getText("text").insert(0, "secret");
    await isKept(writer);
    for (const [bad, reason] of [
      ["ada:nonsense", /^auth_invalid: /],
      [token({ sub: "ada", scope: "read" }, -10), /^auth_expired: /],
      [token({ sub: "ada", scope: "x" }), /^auth_forbidden: /],
      [token({ sub: "ada", scope: "read", documents: ["other*"] }), /^auth_forbidden: /],
    ]) {
      const refused = open(name, { token: bad });
      assert.match((await next(refused, "authenticationFailed")).reason, reason);
      // On the same connection nothing was told before this one has its own.
      const socket = refused.configuration.websocketProvider;
      const fine = open(`other ${version}`, { socket });
      await isKept(fine);
      assert.equal(content(refused.document).text.length, 0);
      assert.equal(refused.isAuthenticated, false);
    }
    const unnamed = open("x".repeat(257));
    assert.match((await next(unnamed, "authenticationFailed")).reason, /^invalid_documentId: |^invalid_document_id: /);
  });

  test(`version ${version}: many documents on one connection, each with its own token`, LIMIT, async () => {
    const socket = suite.clients.socket({ version });
    const names = Array.from({ length: 64 }, (_, number) => `of many ${version} ${number}`);
    const [reader, ...writers] = names.map((name, number) => {
      return open(name, { socket, token: number === 0 ? reading("cy") : signed(`user ${number}`) });
    });
    await Promise.all(writers.map(isKept));
    assert.equal(reader.authorizedScope, "readonly");
    const others = names.map((name) => suite.clients.websocket(name));
    for (const [number, writer] of writers.entries()) writer.document.getText("text").insert(0, `document ${number}`);
    await Promise.all(writers.map((_, number) => docIs(others[number + 1].doc, hasText(`document ${number}`))));
    for (const [number, other] of others.entries()) other.doc.getMap("map").set("number", number);
    const providers = [reader, ...writers];
    await Promise.all(providers.map(({ document }, at) => docIs(document, (doc) => doc.getMap("map").get("number") === at)));
    const tooMany = open(`one too many ${version}`, { socket });
    assert.match((await next(tooMany, "authenticationFailed")).reason, /^document_limit: .*64/);
    // Whoever leaves one has room for another.
    writers[0].destroy();
    await isKept(open(`one instead ${version}`, { socket }));
  });

  test(`version ${version}: what both wrote while they were away`, LIMIT, async () => {
    const name = `apart ${version}`;
    const [one, other] = [open(name), open(name)];
    one.document.getText("text").insert(0, "middle");
    await docIs(other.document, hasText("middle"));
    const sockets = [one, other].map((provider) => provider.configuration.websocketProvider);
    for (const socket of sockets) {
      const gone = next(socket, "close");
      socket.disconnect();
      await gone;
    }
    one.document.getText("text").insert(0, "from one, ");
    other.document.getText("text").insert(6, ", from other");
    for (const socket of sockets) socket.connect();
    const both = hasText("from one, middle, from other");
    await Promise.all([docIs(one.document, both), docIs(other.document, both)]);
    await Promise.all([isKept(one), isKept(other)]);
  });

  test(`version ${version}: a document's token that expires ends that document alone`, LIMIT, async () => {
    const socket = suite.clients.socket({ version });
    const name = `expiry ${version}`;
    const watcher = suite.clients.websocket(name);
    const short = open(name, { socket, token: token({ sub: "cy", scope: "read write" }, 2) });
    const long = open(`${name} long`, { socket });
    await Promise.all([isKept(short), isKept(long)]);
    short.setAwarenessField("name", "short");
    await present(watcher.awareness, ["short"]);
    const closed = version === "4" && next(short, "close");
    assert.equal((await next(short, "authenticationFailed")).reason, "expired");
    // Earlier versions say nothing else of it.
    if (closed) assert.deepEqual((await closed).event, { code: 1000, reason: "expired" });
    await present(watcher.awareness, []);
    short.document.getText("text").insert(0, "too late");
    long.document.getText("text").insert(0, "still here");
    await isKept(long);
    assert.equal(content(watcher.doc).text.length, 0);
  });
}

for (const version of ["3", "4"]) {
  test(`version ${version}: a new token is asked for before the old one expires`, LIMIT, async () => {
    let asked = 0;
    let thrice;
    const askedThrice = new Promise((resolve) => {
      thrice = resolve;
    });
    const fresh = () => {
      asked += 1;
      if (asked === 3) thrice();
      return token({ sub: "cy", scope: asked < 3 ? "read" : "read write" }, 3);
    };
    const provider = suite.clients.hocuspocus(`renewed ${version}`, { version, token: fresh });
    let closed = 0;
    provider.on("close", () => {
      closed += 1;
    });
    await next(provider, "authenticated");
    assert.equal(provider.authorizedScope, "readonly");
    await askedThrice;
    await until(provider, ["authenticated"], () => provider.authorizedScope === "read-write");
    await isKept(provider);
    provider.document.getText("text").insert(0, "with the third token");
    await isKept(provider);
    assert.equal(closed, 0);
  });
}

test("two providers of one document on one connection", LIMIT, async () => {
  const socket = suite.clients.socket();
  const [one, other] = ["one", "other"].map((name) => {
    const provider = suite.clients.hocuspocus("twice", { socket, sessionAwareness: true });
    provider.setAwarenessField("name", name);
    return provider;
  });
  await Promise.all([one, other].map(({ awareness }) => present(awareness, ["one", "other"])));
  one.document.getText("text").insert(0, "to the other");
  await docIs(other.document, hasText("to the other"));
  await Promise.all([isKept(one), isKept(other)]);
  one.destroy();
  await present(other.awareness, ["other"]);
});

test("a batch of changes is one that is kept", LIMIT, async () => {
  const provider = suite.clients.hocuspocus("batch", { flushDelay: 20 });
  await isKept(provider);
  for (let number = 0; number < 50; number += 1) provider.document.getArray("array").push([number]);
  await isKept(provider);
  const late = suite.clients.websocket("batch");
  await inSync(late);
  assert.equal(late.doc.getArray("array").length, 50);
});

test("what is written of another's that the server has not is asked for, and kept", LIMIT, async () => {
  const alone = suite.clients.hocuspocus("gap");
  await isKept(alone);
  const { Doc, applyUpdate, encodeStateAsUpdate } = await import("yjs");
  const elsewhere = new Doc();
  elsewhere.getText("text").insert(0, "from elsewhere");
  // As another way to its peers would bring it, without the server: the provider does not send what is from itself.
  applyUpdate(alone.document, encodeStateAsUpdate(elsewhere), alone);
  alone.document.getText("text").insert(4, " somewhere");
  alone.document.getMap("map").set("n", 1);
  await isKept(alone);
  const late = suite.clients.websocket("gap");
  await inSync(late);
  assert.deepEqual(content(late.doc), content(alone.document));
  assert.equal(content(late.doc).text[0].insert, "from somewhere elsewhere");
});
