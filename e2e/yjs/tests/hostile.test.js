//! What no stock client of Hocuspocus sends, byte by byte, and what it does not wait for.

import assert from "node:assert/strict";
import { once } from "node:events";
import { afterEach, test } from "node:test";

import WebSocket from "ws";

import { content, inSync, isKept, signed, token } from "../src/clients.js";
import { LIMIT, withPlayground } from "../src/suite.js";

const suite = withPlayground();

const AUTH = 2;
const STATELESS = 5;
const BROADCAST = 6;
const CLOSE = 7;

/** An update that sets `k` to 1 in the map `map`, as Yjs writes it. */
const UPDATE = [0, 2, 16, 1, 1, 5, 0, 0x28, 1, 3, ...Buffer.from("map"), 1, ...Buffer.from("k"), 1, 0x7d, 1, 0];

const open = [];
afterEach(() => {
  for (const raw of open.splice(0)) raw.terminate();
});

/** Bytes with their length before them. */
function prefixed(bytes) {
  const buffer = Buffer.from(bytes);
  const length = [];
  let rest = buffer.length;
  for (; rest >= 128; rest = Math.floor(rest / 128)) length.push((rest % 128) | 128);
  return Buffer.concat([Buffer.from([...length, rest]), buffer]);
}

/** A frame about a document. */
const of = (name, ...rest) => Buffer.concat([prefixed(name), ...rest.map((part) => Buffer.from(part))]);
const auth = (name, token) => of(name, [AUTH, 0], prefixed(token));

/** A connection on which bytes are said and heard. */
class Raw {
  #socket;
  #heard = [];
  #look = () => {};
  #fail = () => {};

  constructor(socket) {
    this.#socket = socket;
    socket.on("message", (bytes) => {
      this.#heard.push(bytes);
      this.#look();
    });
    socket.on("close", (code, reason) => this.#fail(new Error(`closed with ${code} ${reason}`)));
  }

  static async open() {
    const socket = new WebSocket(`${suite.url.replace("http", "ws")}/hocuspocus`);
    const raw = new Raw(socket);
    open.push(raw);
    await once(socket, "open");
    return raw;
  }

  /** One that has come for a document. */
  static async at(name, token = signed("ada")) {
    const raw = await Raw.open();
    raw.send(auth(name, token));
    await raw.hears(of(name, [AUTH, 2]));
    return raw;
  }

  send(bytes) {
    this.#socket.send(bytes);
  }

  /** The next message that begins so; those before it are passed over. */
  hears(start) {
    return new Promise((resolve, reject) => {
      this.#fail = reject;
      this.#look = () => {
        const at = this.#heard.findIndex((bytes) => bytes.subarray(0, start.length).equals(start));
        if (at < 0) return;
        this.#look = () => {};
        resolve(this.#heard.splice(0, at + 1).at(-1));
      };
      this.#look();
    });
  }

  /** Everything that was heard and not asked for yet. */
  rest() {
    return this.#heard.splice(0);
  }

  /** How it was closed. */
  async closed() {
    const [code, reason] = await once(this.#socket, "close");
    return [code, `${reason}`];
  }

  terminate() {
    this.#socket.terminate();
  }
}

/** Everything before this is answered. */
async function settled(raw) {
  raw.send(Buffer.from([9]));
  await raw.hears(Buffer.from([10]));
}

test("what is no message ends the connection, and no other", LIMIT, async () => {
  const stock = suite.clients.hocuspocus("hostile");
  await isKept(stock);
  for (const bytes of [[], [8], [1], [1, 0x64], [1, 0xff, 7], of("hostile", [0]), of("hostile", [0, 9, 0]),
    of("hostile", [0, 2, 9, 0]), of("hostile", [1, 1, 0, 0]), of("hostile", [AUTH, 0, 5]), of("hostile", [BROADCAST, 1, 0xff]),
    of("x".repeat(1025), [CLOSE]), Buffer.alloc(12, 0xff)]) {
    const raw = await Raw.at("hostile");
    const closed = raw.closed();
    raw.send(Buffer.from(bytes));
    assert.deepEqual(await closed, [1003, "malformed"], `${Buffer.from(bytes).toString("hex")}`);
  }
  const raw = await Raw.at("hostile");
  const closed = raw.closed();
  raw.send("a text");
  assert.deepEqual(await closed, [1003, "malformed"]);
  stock.document.getMap("map").set("still", "here");
  await isKept(stock);
});

test("an update that is none ends its document, and no other on that connection", LIMIT, async () => {
  const raw = await Raw.at("broken");
  raw.send(auth("whole", signed("ada")));
  await raw.hears(of("whole", [AUTH, 2]));
  raw.send(of("broken", [0, 2, 4, 1, 1, 1, 0xff]));
  assert.equal(`${await raw.hears(of("broken", [AUTH, 1]))}`.endsWith("malformed"), true);
  raw.send(of("broken", [3]));
  raw.send(of("whole", [0, 0, 1, 0]));
  await raw.hears(of("whole", [0, 1]));
  assert.equal(raw.rest().some((bytes) => bytes.includes("broken")), false);
  // A state vector that is none, too.
  raw.send(of("whole", [0, 0, 2, 1, 0xff]));
  assert.equal(`${await raw.hears(of("whole", [AUTH, 1]))}`.endsWith("malformed"), true);
  await settled(raw);
});

test("without a token nothing is taken and nothing told", LIMIT, async () => {
  const stock = suite.clients.websocket("locked");
  stock.awareness.setLocalStateField("name", "stock");
  stock.doc.getText("text").insert(0, "secret");
  await inSync(stock);
  const raw = await Raw.open();
  for (const frame of [[3], [0, 0, 1, 0], UPDATE, [1, 1, 0], [STATELESS, 1, 0x78], [BROADCAST, 1, 0x78], [CLOSE]]) {
    raw.send(of("locked", frame));
  }
  raw.send(auth("locked", ""));
  assert.match(`${await raw.hears(of("locked", [AUTH, 1]))}`, /auth_required/);
  raw.send(of("locked", [0, 0, 1, 0]));
  await settled(raw);
  assert.deepEqual(raw.rest(), []);
  const late = suite.clients.websocket("locked");
  await inSync(late);
  assert.deepEqual(content(late.doc).map, {});
  const long = await Raw.open();
  long.send(auth("locked", "x".repeat(16 * 1024 + 1)));
  assert.match(`${await long.hears(of("locked", [AUTH, 1]))}`, /auth_invalid/);
});

test("whoever goes on and on with bad tokens is thrown out", LIMIT, async () => {
  const raw = await Raw.open();
  const closed = raw.closed();
  for (let times = 0; times < 65; times += 1) raw.send(auth(`document ${times}`, "ada:nonsense"));
  assert.deepEqual(await closed, [1008, "abuse"]);
});

test("a token that is worse than the one before takes the document away", LIMIT, async () => {
  const raw = await Raw.at("renewed");
  raw.send(auth("renewed", token({ sub: "ada", scope: "read" })));
  assert.match(`${await raw.hears(of("renewed", [AUTH, 2]))}`, /readonly$/);
  raw.send(of("renewed", UPDATE));
  assert.deepEqual([...(await raw.hears(of("renewed", [8])))].at(-1), 0);
  raw.send(auth("renewed", "ada:nonsense"));
  await raw.hears(of("renewed", [AUTH, 1]));
  raw.send(of("renewed", [0, 0, 1, 0]));
  await settled(raw);
  assert.deepEqual(raw.rest(), []);
});

test("a text for the others reaches them on Hocuspocus, from whoever may write", LIMIT, async () => {
  const [one, other, elsewhere] = [await Raw.at("texts"), await Raw.at("texts"), await Raw.at("elsewhere")];
  const reader = await Raw.at("texts", token({ sub: "cy", scope: "read" }));
  const heard = [];
  const stock = suite.clients.hocuspocus("texts", { onStateless: ({ payload }) => heard.push(payload) });
  const websocket = suite.clients.websocket("texts");
  await Promise.all([isKept(stock), inSync(websocket)]);
  reader.send(of("texts", [BROADCAST], prefixed("of a reader")));
  await settled(reader);
  // To the server's own code, of which there is none.
  stock.sendStateless("to the server");
  one.send(of("texts", [BROADCAST], prefixed("hello ✓")));
  assert.deepEqual(await other.hears(of("texts", [STATELESS])), of("texts", [STATELESS], prefixed("hello ✓")));
  await reader.hears(of("texts", [STATELESS], prefixed("hello ✓")));
  one.send(of("texts", [BROADCAST], prefixed("")));
  assert.deepEqual(await other.hears(of("texts", [STATELESS])), of("texts", [STATELESS], prefixed("")));
  stock.document.getMap("map").set("after", true);
  await isKept(stock);
  assert.deepEqual(heard, ["hello ✓", ""]);
  await Promise.all([settled(one), settled(elsewhere)]);
  for (const raw of [one, elsewhere]) {
    assert.equal(raw.rest().some((bytes) => bytes.includes("hello")), false);
  }
  assert.equal(websocket.wsconnected, true);
  one.send(of("texts", [BROADCAST], prefixed("x".repeat(64 * 1024 + 1))));
  assert.equal(`${await one.hears(of("texts", [AUTH, 1]))}`.endsWith("too_large"), true);
});

test("kinds that nobody knows are passed over, and what is sent twice is what it was", LIMIT, async () => {
  const raw = await Raw.at("odd");
  for (const kind of [[8, 1], [11, 1, 2], [64, 1], [AUTH, 1, 1, 0x78], [AUTH, 2, 1, 0x78], [AUTH, 9]]) raw.send(of("odd", kind));
  for (let times = 0; times < 3; times += 1) {
    raw.send(of("odd", UPDATE));
    assert.equal((await raw.hears(of("odd", [8]))).at(-1), 1);
  }
  const late = suite.clients.websocket("odd");
  await inSync(late);
  assert.deepEqual(content(late.doc).map, { k: 1 });
});

test("of each update it is said what became of it, whatever came with it", LIMIT, async () => {
  const raw = await Raw.at("each");
  // The same of another client, which has written something before that the server has not.
  const gap = UPDATE.with(5, 6).with(6, 5);
  const statuses = [];
  for (let times = 0; times < 50; times += 1) {
    raw.send(of("each", UPDATE));
    raw.send(of("each", gap));
  }
  while (statuses.length < 100) statuses.push((await raw.hears(of("each", [8]))).at(-1));
  assert.deepEqual(statuses, Array.from({ length: 100 }, (_, number) => (number + 1) % 2));
});

test("connections are listed with whose they are", LIMIT, async () => {
  await Raw.at("listed", signed("listed user"));
  const authorization = `Bearer ${token({ sub: "root", scope: "admin" })}`;
  const listed = await fetch(`${suite.url}/api/ws/connections`, { headers: { authorization } });
  const { connections } = await listed.json();
  const own = connections.filter(({ user_id }) => user_id === "listed user");
  assert.deepEqual(own.map(({ system }) => system), ["hocuspocus"]);
});

test("whatever is not a WebSocket is told so", LIMIT, async () => {
  const plain = await fetch(`${suite.url}/hocuspocus`);
  assert.deepEqual([plain.status, (await plain.json()).error], [426, "upgrade_required"]);
  const posted = await fetch(`${suite.url}/hocuspocus`, { method: "POST" });
  assert.deepEqual([posted.status, posted.headers.get("allow")], [405, "GET"]);
});
