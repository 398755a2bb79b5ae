//! The stock socket.io-client with promises around it: nothing here knows more than the wire does.

import { io } from "socket.io-client";

/** The transports that every suite of basics runs over, by name. */
export const TRANSPORTS = {
  websocket: ["websocket"],
  polling: ["polling"],
  "polling, then websocket": ["polling", "websocket"],
};

/** How long an acknowledgement may take. Nothing waits for it to pass; it only ends a test that hangs. */
const ACK_MS = 10_000;

/** How long a socket waits at most between two attempts to come back. */
const RECONNECT_MS = 250;

const PACKET_ACK = 3;

/** The connections of one test or suite, closed together. */
export class Clients {
  #open = [];
  #playground;

  /** @param {import("./playground.js").Playground} playground */
  constructor(playground) {
    this.#playground = playground;
  }

  /** A socket that is about to connect: for tests of the handshake itself. */
  dial({ auth, transports = TRANSPORTS.websocket, reconnection = false } = {}) {
    const options = { auth, transports, reconnection, reconnectionDelayMax: RECONNECT_MS, forceNew: true };
    const socket = io(this.#playground.url, options);
    this.#open.push(socket);
    return socket;
  }

  /** A connected socket of whoever the handshake's `auth` says. */
  async connect(options) {
    const socket = this.dial(options);
    await connected(socket);
    return socket;
  }

  /** A connected socket of the user with these claims, a member of these rooms. */
  async user(claims, { rooms = [], transports } = {}) {
    const token = await this.#playground.token(claims);
    const socket = await this.connect({ auth: { token }, transports });
    for (const room of rooms) await joinRoom(socket, room);
    return socket;
  }

  /** Closes them all. */
  close() {
    for (const socket of this.#open.splice(0)) socket.disconnect();
  }
}

/** Settles with the handshake: resolves when connected, rejects with what `connect_error` says. */
export function connected(socket) {
  return new Promise((resolve, reject) => {
    socket.once("connect", resolve);
    socket.once("connect_error", reject);
  });
}

/** The error of a handshake that must be refused. */
export function refused(socket) {
  return connected(socket).then(
    () => Promise.reject(new Error("the server accepted a connection that it had to refuse")),
    (error) => error,
  );
}

/** Emits an event and resolves with its acknowledgement. */
export function ask(socket, event, payload) {
  return socket.timeout(ACK_MS).emitWithAck(event, payload);
}

/** Sends a sync event and resolves with its acknowledgement. */
export function sync(socket, name, version, data, receiver, more = {}) {
  return ask(socket, "sync", { name, version, data, receiver, ...more });
}

/** Joins a room and throws if that is refused. */
export async function joinRoom(socket, room) {
  const ack = await ask(socket, "joinRoom", { room });
  if (ack.status !== "success") throw new Error(`cannot join ${room}: ${JSON.stringify(ack)}`);
  return ack.rooms;
}

/** The next `count` payloads of an event, in the order in which they come. */
export function next(socket, event, count = 1) {
  return new Promise((resolve, reject) => {
    const payloads = [];
    const finish = (settle, value) => {
      socket.off(event, onEvent);
      socket.off("disconnect", onDisconnect);
      settle(value);
    };
    const onEvent = (payload) => {
      payloads.push(payload);
      if (payloads.length === count) finish(resolve, payloads);
    };
    const onDisconnect = (reason) =>
      finish(reject, new Error(`disconnected (${reason}) after ${payloads.length} of ${count} \`${event}\``));
    socket.on(event, onEvent);
    socket.on("disconnect", onDisconnect);
  });
}

/** The next payload of an event. */
export async function nextOne(socket, event) {
  return (await next(socket, event))[0];
}

/** Counts the acknowledgement packets that arrive from now on. */
export function countAcks(socket) {
  const count = { acks: 0 };
  socket.io.on("packet", (packet) => {
    if (packet.type === PACKET_ACK) count.acks += 1;
  });
  return count;
}
