//! Stock automerge-repo clients beside JSON clients, on the same workspaces.

import assert from "node:assert/strict";
import { once } from "node:events";
import { mkdtemp, rm } from "node:fs/promises";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, afterEach, before, test } from "node:test";

import { Counter, isImmutableString, next as A } from "@automerge/automerge";

import { startPlayground } from "../../node/src/playground.js";
import { Clients, docIs, plain } from "../src/clients.js";

/** Ends a test that hangs; no test waits for it. */
const LIMIT = { timeout: 60_000 };

let playground;
let clients;
before(async () => {
  playground = await startPlayground();
  clients = new Clients(playground);
}, LIMIT);
afterEach(() => clients.close());
after(() => playground?.stop(), LIMIT);

/** A workspace with a title, a JSON client in it, and the URL of its document. */
async function withTitle(workspace) {
  const ada = await clients.json(workspace, "ada");
  await ada.set("title", "first");
  const { automerge_url: url } = await clients.workspace(workspace);
  return { ada, url };
}

test("a stock client finds a workspace by its URL, reads it and changes it", LIMIT, async () => {
  const { ada, url } = await withTitle("stock");
  await ada.set("nested", { list: ["a", 1, { b: "c" }], large: 2 ** 40 });
  const repo = await clients.repo("bob");
  const handle = await repo.find(url);
  assert.deepEqual(plain(handle), { title: "first", nested: { list: ["a", 1, { b: "c" }], large: 2 ** 40 } });
  handle.change((doc) => {
    doc.title = "from a stock client";
    doc.nested.list.push("more");
  });
  await ada.has("nested", { large: 2 ** 40, list: ["a", 1, { b: "c" }, "more"] });
  const { data } = await clients.workspace("stock");
  assert.equal(data.title, "from a stock client");
  await ada.set("title", "by JSON again");
  await docIs(handle, (doc) => `${doc.title}` === "by JSON again");
});

test("texts of JSON clients are immutable strings, and those of stock clients are texts", LIMIT, async () => {
  const { ada, url } = await withTitle("strings");
  const handle = await (await clients.repo("bob")).find(url);
  const { title } = handle.doc();
  assert.equal(isImmutableString(title), true);
  assert.deepEqual([typeof title, `${title}`, title.val, JSON.stringify(title)], ["object", "first", "first", '"first"']);
  handle.change((doc) => {
    doc.title = "mine";
  });
  assert.equal(typeof handle.doc().title, "string");
  await ada.has("title", "mine");
});

test("two stock clients converge, with texts spliced and counters counted at the same time", LIMIT, async () => {
  const { ada, url } = await withTitle("two");
  const [bob, cy] = [await (await clients.repo("bob")).find(url), await (await clients.repo("cy")).find(url)];
  bob.change((doc) => {
    doc.text = "hello";
    doc.count = new Counter(1);
    doc.bytes = new Uint8Array([1, 2, 255]);
    doc.at = new Date(1_700_000_000_000);
  });
  await docIs(cy, (doc) => doc.text === "hello");
  bob.change((doc) => {
    A.splice(doc, ["text"], 0, 0, "oh ");
    doc.count.increment(10);
  });
  cy.change((doc) => {
    A.splice(doc, ["text"], 5, 0, " world");
    doc.count.increment(100);
  });
  const both = (doc) => doc.text === "oh hello world" && doc.count.value === 111;
  await Promise.all([docIs(bob, both), docIs(cy, both)]);
  assert.deepEqual(bob.heads(), cy.heads());
  await ada.has("text", "oh hello world");
  const { data } = await clients.workspace("two");
  const expected = { title: "first", text: "oh hello world", count: 111, bytes: "AQL/", at: 1_700_000_000_000 };
  assert.deepEqual(data, expected);
});

test("what is ephemeral reaches the other clients of the document", LIMIT, async () => {
  const { url } = await withTitle("cursors");
  const handles = [];
  for (const sub of ["bob", "cy", "di"]) handles.push(await (await clients.repo(sub, "read")).find(url));
  const heard = Promise.all(handles.slice(1).map((handle) => once(handle, "ephemeral-message")));
  handles[0].broadcast({ cursor: 7 });
  for (const [{ message }] of await heard) assert.deepEqual(message, { cursor: 7 });
});

test("a client that may only read reads on, and what it changes stays with it", LIMIT, async () => {
  const { ada, url } = await withTitle("read-only");
  const handle = await (await clients.repo("bob", "read")).find(url);
  handle.change((doc) => {
    doc.mine = true;
  });
  await ada.set("other", "second");
  await docIs(handle, (doc) => `${doc.other}` === "second");
  assert.equal(handle.doc().mine, true);
  assert.deepEqual((await clients.workspace("read-only")).data, { title: "first", other: "second" });
});

test("documents that are not the server's are unavailable and stay so", LIMIT, async () => {
  await withTitle("known");
  const repo = await clients.repo("bob");
  const own = repo.create({ mine: true });
  await own.whenReady();
  await assert.rejects((await clients.repo("cy")).find(own.url), /unavailable/);
  const { automerge_url: empty } = await clients.workspace("never-written");
  await assert.rejects((await clients.repo("di")).find(empty), /unavailable/);
});

/** A port that nobody has. */
async function freePort() {
  const server = createServer().listen(0, "127.0.0.1");
  await once(server, "listening");
  const { port } = server.address();
  server.close();
  await once(server, "close");
  return `${port}`;
}

test("after a restart of the server clients come back, with what was changed meanwhile", LIMIT, async () => {
  const folder = await mkdtemp(join(tmpdir(), "syncline-e2e-data-"));
  const settings = { PORT: await freePort(), DATA_DIR: folder, JWT_SECRET: "a secret of the test, of enough bytes" };
  let server = await startPlayground(settings);
  const both = new Clients(server);
  try {
    const ada = await both.json("restart", "ada");
    await ada.set("title", "before");
    const { automerge_url: url } = await both.workspace("restart");
    const repo = await both.repo("bob");
    const handle = await repo.find(url);
    const gone = once(repo.networkSubsystem, "peer-disconnected");
    await server.kill();
    await gone;
    handle.change((doc) => {
      doc.offline = "meanwhile";
    });
    server = await startPlayground(settings);
    const again = await both.json("restart", "ada");
    const { data } = await both.workspace("restart");
    if (data.offline === undefined) await again.has("offline", "meanwhile");
    await again.set("title", "after");
    await docIs(handle, (doc) => `${doc.title}` === "after");
    assert.deepEqual((await both.workspace("restart")).data, { title: "after", offline: "meanwhile" });
  } finally {
    both.close();
    await server.stop();
    await rm(folder, { recursive: true, force: true });
  }
});
