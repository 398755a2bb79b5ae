//! Twenty clients of both protocols that write at random and come and go at random have the same in the end, and so has
//! what the server has stored.

import assert from "node:assert/strict";
import { test } from "node:test";

import * as Y from "yjs";

import { areSame, Clients, content, inSync, isKept, next } from "../src/clients.js";
import { startKept } from "../src/server.js";

const ROUNDS = Number(process.env.SYNCLINE_CONVERGE_ROUNDS ?? 4);
const SEED = Number(process.env.SYNCLINE_CONVERGE_SEED ?? Date.now() % 2 ** 31);
const CLIENTS = 20;
/** How many things a client does in a round. */
const STEPS = 15;
/** How often it is said who is waited for, in milliseconds. */
const REPORT_MS = 20_000;

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

  /** What is known of it, should it never come to have what the others have. */
  get state() {
    const connection = this.stock ? { ws: this.stock.ws?.readyState, synced: this.stock.synced } : {
      status: this.#socket.status,
      authenticated: this.hocuspocus.isAuthenticated,
      synced: this.hocuspocus.synced,
      unsynced: this.hocuspocus.unsyncedChanges,
    };
    return JSON.stringify({ number: this.number, ...connection });
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

/**
 * Waits until all have the same, and nothing of what was written is missing. It may be less than the union: Yjs takes
 * marks of formatting away that have become of no use, and tells the others of that.
 */
function allAreSame(docs, union) {
  const wanted = Y.snapshot(union).sv;
  const hasAll = (doc) => [...wanted].every(([client, clock]) => Y.getState(doc.store, client) >= clock);
  return new Promise((resolve) => {
    let due;
    const look = () => {
      due = undefined;
      if (!docs.every(hasAll) || !docs.every((doc) => areSame(doc, docs[0]))) return;
      for (const doc of docs) doc.off("update", soon);
      resolve();
    };
    const soon = () => {
      due ??= setImmediate(look);
    };
    for (const doc of docs) doc.on("update", soon);
    look();
  });
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
      const report = setInterval(() => {
        const late = all.filter(({ doc }) => !areSame(doc, all[0].doc)).map(({ state }) => state);
        console.error(`round ${round}: ${late.length} of ${CLIENTS} are not as the first: ${late.join(", ")}`);
      }, REPORT_MS);
      await allAreSame(all.map(({ doc }) => doc), union).finally(() => clearInterval(report));
      const expected = content(all[0].doc);
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
