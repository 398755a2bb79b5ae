//! Twenty clients of both protocols that write at random and come and go at random have the same in the end, and so has
//! what the server has stored.

import assert from "node:assert/strict";
import { test } from "node:test";

import * as Y from "yjs";

import { areSame, Clients, content, docIs, inSync, isKept, next } from "../src/clients.js";
import { startKept } from "../src/server.js";

const ROUNDS = Number(process.env.SYNCLINE_CONVERGE_ROUNDS ?? 4);
const SEED = Number(process.env.SYNCLINE_CONVERGE_SEED ?? Date.now() % 2 ** 31);
const CLIENTS = 20;
/** How many things a client does in a round. */
const STEPS = 15;

/** Numbers from 0 to below `bound`, the same for the same seed. */
function random(seed) {
  let state = seed;
  return (bound) => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) % bound;
  };
}

/** One change of any kind. */
const CHANGES = [
  (doc, pick) => {
    const text = doc.getText("text");
    text.insert(pick(text.length + 1), `w${pick(1000)} `);
  },
  (doc, pick) => {
    const text = doc.getText("text");
    if (text.length > 0) text.delete(pick(text.length), 1);
  },
  (doc, pick) => {
    const text = doc.getText("text");
    if (text.length > 3) text.format(pick(text.length - 2), 2, { bold: pick(2) === 0 ? true : null });
  },
  (doc, pick) => doc.getMap("map").set(`key ${pick(8)}`, pick(1000)),
  (doc, pick) => doc.getMap("map").set(`key ${pick(8)}`, Y.Array.from([pick(10), "nested"])),
  (doc, pick) => doc.getMap("map").delete(`key ${pick(8)}`),
  (doc, pick) => {
    const array = doc.getArray("array");
    array.insert(pick(array.length + 1), [pick(1000), { in: pick(10) }]);
  },
  (doc, pick) => {
    const array = doc.getArray("array");
    if (array.length > 0) array.delete(pick(array.length), 1);
  },
  (doc, pick) => {
    const xml = doc.getXmlFragment("xml");
    const element = new Y.XmlElement("p");
    element.setAttribute("n", `${pick(100)}`);
    xml.insert(pick(xml.length + 1), [element]);
  },
  (doc, pick) => {
    const xml = doc.getXmlFragment("xml");
    if (xml.length > 0) xml.delete(pick(xml.length), 1);
  },
];

/** A client of either protocol, as this test uses one. */
class Client {
  constructor(clients, name, number) {
    this.doc = new Y.Doc();
    this.number = number;
    // Each third one speaks Hocuspocus.
    if (number % 3 === 0) {
      this.hocuspocus = clients.hocuspocus(name, { doc: this.doc, version: ["2", "3", "4"][(number / 3) % 3] });
    } else {
      this.stock = clients.websocket(name, { doc: this.doc });
    }
    this.connected = true;
  }

  get #socket() {
    return this.hocuspocus.configuration.websocketProvider;
  }

  async disconnect() {
    if (this.stock) {
      this.connected = false;
      return void this.stock.disconnect();
    }
    const socket = this.#socket;
    // On its way back it does not take being called off.
    if (socket.status !== "connected") return;
    this.connected = false;
    const gone = next(socket, "close");
    socket.disconnect();
    await gone;
  }

  /** Its connection breaks off, and it comes back by itself. */
  breakOff() {
    const socket = this.stock ? this.stock.ws : this.#socket.webSocket;
    if (socket?.readyState === 1) socket.terminate();
  }

  connect() {
    if (this.connected) return;
    this.connected = true;
    if (this.stock) this.stock.connect();
    else this.#socket.connect();
  }

  /** Waits until the server has all that this one has, and the other way round. */
  settled() {
    return this.stock ? inSync(this.stock) : isKept(this.hocuspocus);
  }

  async step(pick) {
    const what = pick(30);
    if (what === 0) await this.disconnect();
    else if (what === 1) this.breakOff();
    else if (what <= 4) this.connect();
    else {
      const times = what < 8 ? 5 : 1;
      this.doc.transact(() => {
        for (let number = 0; number < times; number += 1) CHANGES[pick(CHANGES.length)](this.doc, pick);
      });
    }
    // Lets what came for it in.
    await new Promise(setImmediate);
  }
}

test(`${CLIENTS} clients, ${ROUNDS} rounds, seed ${SEED}`, { timeout: 60_000 + ROUNDS * 20_000 }, async () => {
  const pick = random(SEED);
  const name = "Rounds/all";
  const server = await startKept();
  const clients = new Clients(server);
  try {
    const all = Array.from({ length: CLIENTS }, (_, number) => new Client(clients, name, number));
    for (let round = 1; round <= ROUNDS; round += 1) {
      const seeds = all.map(() => pick(2 ** 31));
      // In each tenth round, and in the second, the server crashes in the middle of it.
      const crash = round % 10 === 2 ? server.kill().then(() => server.start()) : undefined;
      const rounds = all.map(async (client, number) => {
        const own = random(seeds[number]);
        for (let step = 0; step < STEPS; step += 1) await client.step(own);
      });
      await Promise.all([...rounds, crash]);
      const union = new Y.Doc();
      for (const { doc } of all) Y.applyUpdate(union, Y.encodeStateAsUpdate(doc));
      for (const client of all) client.connect();
      await Promise.all(all.map(({ doc }) => docIs(doc, () => areSame(doc, union))));
      const expected = content(union);
      for (const { doc } of all) assert.deepEqual(content(doc), expected, `round ${round}`);
      union.destroy();
    }
    await Promise.all(all.map((client) => client.settled()));
    await server.stop();
    const stored = await server.stored(name);
    assert.ok(areSame(stored, all[0].doc), "what is stored is what all have");
    assert.deepEqual(content(stored), content(all[0].doc));
    assert.ok(stored.getText("text").length > 0 && stored.getXmlFragment("xml").length > 0);
  } finally {
    clients.close();
    await server.end();
  }
});
