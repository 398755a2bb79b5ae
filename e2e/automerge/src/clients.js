//! Stock automerge-repo clients and JSON clients of workspaces: nothing here knows more than their packages do.

import { randomUUID } from "node:crypto";
import { once } from "node:events";

import { Repo } from "@automerge/automerge-repo";
import { WebSocketClientAdapter } from "@automerge/automerge-repo-network-websocket";
import WebSocket from "ws";

/** How long a client waits before it comes back, in milliseconds. */
const RETRY_MS = 100;

/** The clients of a test, closed together. */
export class Clients {
  #playground;
  #closing = [];

  /** @param {import("../../node/src/playground.js").Playground} playground */
  constructor(playground) {
    this.#playground = playground;
  }

  #socketUrl(path, token) {
    return `${this.#playground.url.replace("http", "ws")}${path}?token=${token}`;
  }

  #token(sub, scope) {
    return this.#playground.token({ sub, scope });
  }

  /** A stock Repo that talks to the server and to nobody else. */
  async repo(sub, scope = "read write") {
    const url = this.#socketUrl("/v1/automerge", await this.#token(sub, scope));
    const adapter = new WebSocketClientAdapter(url, RETRY_MS);
    const repo = new Repo({ network: [adapter], peerId: `${sub}-${Math.random()}` });
    this.#closing.push(() => adapter.disconnect());
    return repo;
  }

  /** A JSON client of a workspace; everything that it is told is in `told`. */
  async json(workspace, sub) {
    const socket = new WebSocket(this.#socketUrl(`/v1/sync/${workspace}`, await this.#token(sub, "read write")));
    this.#closing.push(() => socket.terminate());
    const client = new JsonClient(socket);
    await client.until((message) => message.type === "init");
    return client;
  }

  /** What a workspace is, by HTTP. */
  async workspace(id) {
    const authorization = `Bearer ${await this.#token("reader", "read")}`;
    const answer = await fetch(`${this.#playground.url}/v1/workspaces/${id}`, { headers: { authorization } });
    return answer.json();
  }

  /** Closes them all. */
  close() {
    for (const close of this.#closing.splice(0)) close();
  }
}

class JsonClient {
  #socket;
  #told = [];
  #listeners = new Set();

  constructor(socket) {
    this.#socket = socket;
    socket.on("message", (text) => {
      this.#told.push(JSON.parse(text));
      for (const listener of this.#listeners) listener();
    });
  }

  /** The next message of which this is true; those before it are passed over. */
  until(wanted) {
    return new Promise((resolve) => {
      const look = () => {
        const at = this.#told.findIndex(wanted);
        if (at < 0) return;
        this.#listeners.delete(look);
        resolve(this.#told.splice(0, at + 1).at(-1));
      };
      this.#listeners.add(look);
      look();
    });
  }

  /** Waits until a key has this value. */
  has(key, value) {
    const same = JSON.stringify(value);
    return this.until(({ type, payload }) => {
      return type === "op" && payload.key === key && JSON.stringify(payload.value) === same;
    });
  }

  /** Sets a key and waits until that is on disk. */
  async set(key, value) {
    const id = randomUUID();
    if (this.#socket.readyState !== WebSocket.OPEN) await once(this.#socket, "open");
    this.#socket.send(JSON.stringify({ type: "op", id, payload: { key, value } }));
    await this.until((message) => message.type === "ack" && message.id === id);
  }
}

/** Waits until a document is as wanted. */
export function docIs(handle, wanted) {
  return new Promise((resolve) => {
    const look = () => {
      if (!wanted(handle.doc())) return;
      handle.off("change", look);
      resolve();
    };
    handle.on("change", look);
    look();
  });
}

/** A document as plain JSON. */
export function plain(handle) {
  return JSON.parse(JSON.stringify(handle.doc()));
}
