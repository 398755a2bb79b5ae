//! Clients of y-websocket: what they write, who is there, who may come in.

import assert from "node:assert/strict";
import { test } from "node:test";

import * as Y from "yjs";

import { areSame, Clients, content, docIs, inSync, next, present, signed, token } from "../src/clients.js";
import { startKept } from "../src/server.js";
import { LIMIT, withPlayground } from "../src/suite.js";

const suite = withPlayground();

/** Writes something of every kind. */
function writeAll(doc) {
  doc.transact(() => {
    doc.getText("text").insert(0, "hello world");
    doc.getText("text").format(0, 5, { bold: true });
    doc.getMap("map").set("n", 1.5);
    doc.getMap("map").set("nested", new Y.Map([["list", Y.Array.from(["a", null, true])]]));
    doc.getArray("array").insert(0, ["one", 2, { three: 3 }, new Uint8Array([4])]);
    const paragraph = new Y.XmlElement("p");
    paragraph.setAttribute("class", "first");
    paragraph.insert(0, [new Y.XmlText("some text")]);
    doc.getXmlFragment("xml").insert(0, [paragraph]);
  });
}

test("what one writes the other has, of every kind, and whoever comes late", LIMIT, async () => {
  const [one, other] = [suite.clients.websocket("all"), suite.clients.websocket("all")];
  await Promise.all([inSync(one), inSync(other)]);
  writeAll(one.doc);
  await docIs(other.doc, (doc) => areSame(doc, one.doc));
  other.doc.getText("text").delete(0, 6);
  other.doc.getMap("map").delete("n");
  await docIs(one.doc, (doc) => areSame(doc, other.doc));
  const late = suite.clients.websocket("all");
  await inSync(late);
  assert.deepEqual(content(late.doc), content(one.doc));
  assert.deepEqual(content(late.doc), {
    text: [{ insert: "world" }],
    map: { nested: { list: ["a", null, true] } },
    array: ["one", 2, { three: 3 }, new Uint8Array([4])],
    xml: '<p class="first">some text</p>',
  });
});

test("a name with a slash, capitals and other letters", LIMIT, async () => {
  const name = "Team/Ä plan";
  const [one, other] = [suite.clients.websocket(name), suite.clients.websocket(name)];
  one.doc.getText("text").insert(0, "there");
  await docIs(other.doc, (doc) => doc.getText("text").toString() === "there");
  const elsewhere = suite.clients.websocket("team/Ä plan");
  await inSync(elsewhere);
  assert.equal(elsewhere.doc.getText("text").toString(), "");
});

test("who is there, until they leave", LIMIT, async () => {
  const [one, other] = [suite.clients.websocket("here"), suite.clients.websocket("here")];
  one.awareness.setLocalState({ name: "one" });
  other.awareness.setLocalState({ name: "other", cursor: { at: 3 } });
  await Promise.all([present(one.awareness, ["one", "other"]), present(other.awareness, ["one", "other"])]);
  const late = suite.clients.websocket("here");
  await present(late.awareness, ["one", "other"]);
  // Gone without a word: its connection breaks off.
  other.shouldConnect = false;
  other.ws.terminate();
  await Promise.all([present(one.awareness, ["one"]), present(late.awareness, ["one"])]);
});

// A state that stayed behind would be gone after 30 s too, for its age.
test("whoever leaves at once leaves nobody behind", { timeout: 20_000 }, async () => {
  const watcher = suite.clients.websocket("ghosts");
  await inSync(watcher);
  for (let number = 0; number < 20; number += 1) {
    const name = `ghost ${number}`;
    const ghost = suite.clients.websocket("ghosts");
    await inSync(ghost);
    ghost.shouldConnect = false;
    for (let times = 0; times < 20; times += 1) ghost.awareness.setLocalState({ name, times });
    ghost.ws.terminate();
  }
  // All are told of in order: who is told of last comes after the others have left.
  const last = suite.clients.websocket("ghosts");
  last.awareness.setLocalState({ name: "last" });
  await present(watcher.awareness, ["last"]);
});

test("what both wrote while they were away from each other", LIMIT, async () => {
  const [one, other] = [suite.clients.websocket("apart"), suite.clients.websocket("apart")];
  one.doc.getText("text").insert(0, "middle");
  await docIs(other.doc, (doc) => doc.getText("text").toString() === "middle");
  one.disconnect();
  other.disconnect();
  one.doc.getText("text").insert(0, "from one, ");
  one.doc.getMap("map").set("one", 1);
  other.doc.getText("text").insert(6, ", from other");
  other.doc.getMap("map").set("other", 2);
  one.connect();
  other.connect();
  const both = (doc) => doc.getText("text").toString() === "from one, middle, from other";
  await Promise.all([docIs(one.doc, both), docIs(other.doc, both)]);
  await docIs(one.doc, (doc) => areSame(doc, other.doc));
  assert.deepEqual(one.doc.getMap("map").toJSON(), { one: 1, other: 2 });
});

test("a session that may only read reads on, and is told that what it writes is not taken", LIMIT, async () => {
  const [writer, reader] = [
    suite.clients.websocket("read"),
    suite.clients.websocket("read", { token: token({ sub: "cy", scope: "read" }) }),
  ];
  await Promise.all([inSync(writer), inSync(reader)]);
  const told = new Promise((resolve) => {
    const stock = reader.messageHandlers[2];
    reader.messageHandlers[2] = (encoder, decoder, ...rest) => {
      const { pos } = decoder;
      resolve(Buffer.from(decoder.arr.subarray(pos)).toString());
      stock(encoder, decoder, ...rest);
    };
  });
  reader.doc.getText("text").insert(0, "not taken");
  assert.match(await told, /this session may only read/);
  writer.doc.getMap("map").set("taken", true);
  await docIs(reader.doc, (doc) => doc.getMap("map").get("taken") === true);
  const late = suite.clients.websocket("read");
  await inSync(late);
  assert.deepEqual(content(late.doc), { text: [], map: { taken: true }, array: [], xml: "" });
  assert.equal(writer.doc.getText("text").toString(), "");
});

test("without a good token the upgrade is refused, and the client tries on", LIMIT, async () => {
  for (const [bad, status] of [["ada:nonsense", 401], ["", 401], [token({ sub: "ada", scope: "x" }), 403]]) {
    const refused = suite.clients.websocket("closed", { token: bad });
    for (let times = 0; times < 2; times += 1) {
      const { message } = await next(refused, "connection-error");
      assert.match(message, new RegExp(`Unexpected server response: ${status}`));
    }
    assert.equal(refused.shouldConnect, true);
  }
});

test("with `close=1` a refusal is final", LIMIT, async () => {
  for (const [bad, code] of [
    ["ada:nonsense", 4401],
    [token({ sub: "ada", scope: "read write" }, -10), 4401],
    [token({ sub: "ada", scope: "read write", documents: ["other/*"] }), 4403],
  ]) {
    const refused = suite.clients.websocket("closed", { token: bad, params: { close: "1" } });
    const closed = next(refused, "connection-close");
    assert.equal((await next(refused, "closed")).code, code);
    assert.equal((await closed).code, code);
    assert.equal(refused.shouldConnect, false);
  }
});

test("a token that expires ends its connection for good, and nobody else's", LIMIT, async () => {
  const short = suite.clients.websocket("expiry", { token: token({ sub: "cy", scope: "read write" }, 2) });
  const signedOne = suite.clients.websocket("expiry", { token: signed("ada") });
  short.awareness.setLocalState({ name: "short" });
  await present(signedOne.awareness, ["short"]);
  assert.equal((await next(short, "closed")).code, 4401);
  await present(signedOne.awareness, []);
  assert.equal(signedOne.wsconnected, true);
});

test("a restart of the server loses nothing, nor does its crash", LIMIT, async () => {
  const server = await startKept();
  const clients = new Clients(server);
  try {
    const [one, other] = [clients.websocket("Kept/1"), clients.websocket("Kept/1")];
    writeAll(one.doc);
    await docIs(other.doc, (doc) => areSame(doc, one.doc));
    const gone = next(one, "connection-close");
    await server.kill();
    await gone;
    one.doc.getText("text").insert(0, "meanwhile ");
    await server.start();
    await docIs(other.doc, (doc) => areSame(doc, one.doc));
    const again = next(one, "connection-close");
    await server.stop();
    await again;
    assert.deepEqual(content(await server.stored("Kept/1")), content(one.doc));
    await server.start();
    const late = clients.websocket("Kept/1");
    await inSync(late);
    assert.deepEqual(content(late.doc), content(one.doc));
  } finally {
    clients.close();
    await server.end();
  }
});
