//! Stock Yjs clients of a playground, of y-websocket and of Hocuspocus: nothing here knows more than their packages do.

import { createHmac } from "node:crypto";

import * as four from "@hocuspocus/provider";
import * as two from "hocuspocus-provider-2";
import * as three from "hocuspocus-provider-3";
import WebSocket from "ws";
import { WebsocketProvider } from "y-websocket";
import * as Y from "yjs";

/** The packages of Hocuspocus' provider, by their major version. */
export const HOCUSPOCUS = { 2: two, 3: three, 4: four };

/** What the server shares with whoever signs tokens of the plain kind, and what it signs JSON Web Tokens with. */
export const SECRETS = {
  SYNC_SHARED_SECRET: "a secret of two servers, of enough bytes",
  JWT_SECRET: "a secret of the test, of enough bytes",
};

/** How long clients wait before they come back, in milliseconds. */
const RETRY = { delay: 50, minDelay: 50, maxDelay: 250, jitter: false };

/** As in browsers: an error that nobody listens to ends no program. */
class BrowserLike extends WebSocket {
  constructor(...address) {
    super(...address);
    this.on("error", () => {});
  }
}

/** A token of the plain kind: it may read and write, and never expires. */
export function signed(user) {
  const signature = createHmac("sha256", SECRETS.SYNC_SHARED_SECRET).update(user).digest("base64url");
  return `${user}:${signature}`;
}

/** A JSON Web Token with these claims, good for so many seconds. */
export function token(claims, seconds = 3600) {
  const part = (value) => Buffer.from(JSON.stringify(value)).toString("base64url");
  const exp = Math.floor(Date.now() / 1000) + seconds;
  const body = `${part({ alg: "HS256", typ: "JWT" })}.${part({ exp, ...claims })}`;
  return `${body}.${createHmac("sha256", SECRETS.JWT_SECRET).update(body).digest("base64url")}`;
}

/** The clients of a test, closed together. */
export class Clients {
  #url;
  #closing = [];

  /** @param {{url: string}} playground */
  constructor(playground) {
    this.#url = playground.url.replace("http", "ws");
  }

  /** A client of y-websocket; `params` are those of its query besides the token. */
  websocket(name, { token = signed("ada"), params = {}, doc = new Y.Doc(), connect = true } = {}) {
    const provider = new WebsocketProvider(`${this.#url}/sync/v1`, name, doc, {
      WebSocketPolyfill: BrowserLike,
      disableBc: true,
      maxBackoffTime: RETRY.maxDelay,
      params: { token, ...params },
      connect,
    });
    this.#closing.push(() => {
      provider.destroy();
      doc.destroy();
    });
    return provider;
  }

  /** A connection of Hocuspocus, for as many documents as one likes. */
  socket({ version = 4 } = {}) {
    const { HocuspocusProviderWebsocket } = HOCUSPOCUS[version];
    const url = `${this.#url}/hocuspocus`;
    const socket = new HocuspocusProviderWebsocket({ url, WebSocketPolyfill: BrowserLike, ...RETRY });
    this.#closing.push(() => socket.destroy());
    return socket;
  }

  /** A client of Hocuspocus, on a connection of its own unless one is given. */
  hocuspocus(name, { version = 4, socket = this.socket({ version }), doc = new Y.Doc(), token = signed("bob"), ...more } = {}) {
    const { HocuspocusProvider } = HOCUSPOCUS[version];
    const options = { websocketProvider: socket, name, document: doc, token, broadcast: false, ...more };
    const provider = new HocuspocusProvider(options);
    // Version 2 has attached it already.
    provider.attach?.();
    this.#closing.push(() => {
      provider.destroy();
      doc.destroy();
    });
    return provider;
  }

  /** Closes them all, the last one first. */
  close() {
    for (const close of this.#closing.splice(0).reverse()) close();
  }
}

/** Waits until this is true of something that tells of its changes by one of these events. */
export function until(emitter, events, isTrue) {
  return new Promise((resolve) => {
    const look = () => {
      if (!isTrue()) return;
      for (const event of events) emitter.off(event, look);
      resolve();
    };
    for (const event of events) emitter.on(event, look);
    look();
  });
}

/** What comes with the next such event. */
export function next(emitter, event) {
  return new Promise((resolve) => {
    const listener = (...values) => {
      emitter.off(event, listener);
      resolve(values[0]);
    };
    emitter.on(event, listener);
  });
}

/** Waits until a document is as wanted. */
export function docIs(doc, wanted) {
  return until(doc, ["update"], () => wanted(doc));
}

/** Waits until a client of y-websocket has had the server's state. */
export function inSync(provider) {
  return until(provider, ["sync"], () => provider.synced);
}

/** Waits until a client of Hocuspocus has the server's state, and the server has said of all it has written that it is kept. */
export function isKept(provider) {
  return until(provider, ["synced", "unsyncedChanges"], () => provider.synced && !provider.hasUnsyncedChanges);
}

/** Waits until exactly these names are at a document, as a client sees it. */
export function present(awareness, names) {
  const wanted = JSON.stringify([...names].sort());
  const isThere = () => {
    const states = [...awareness.getStates().values()].map((state) => state.name);
    return JSON.stringify(states.filter(Boolean).sort()) === wanted;
  };
  return until(awareness, ["change"], isThere);
}

/** All that is in a document, as JSON: one text, one map, one array and one tree, as the tests use them. */
export function content(doc) {
  return {
    text: doc.getText("text").toDelta(),
    map: doc.getMap("map").toJSON(),
    array: doc.getArray("array").toJSON(),
    xml: doc.getXmlFragment("xml").toString(),
  };
}

/** Whether two documents are the same, with all that was deleted in them. */
export function areSame(one, other) {
  return Y.equalSnapshots(Y.snapshot(one), Y.snapshot(other));
}
