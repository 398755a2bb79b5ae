// One WebSocket, from asking for its address to its end, with a pulse: a browser shows no pings, so a line on which
// nothing comes is asked for a sign of life. What is said over it is not known here.

import { technicalError } from "./http.js";
import type { LineConnection, LineEnd } from "./line.js";

/** A class of sockets: Node.js has none of its own before version 22. */
export type WebSocketClass = new (url: string) => WebSocket;

/** What is set about a socket. */
export interface SocketOptions {
  /** The class of sockets: Node.js has none of its own before version 22. Default: the browser's. */
  WebSocket?: WebSocketClass | undefined;
  /** After how many milliseconds without a message the server is asked for a sign of life. Default: 20,000. */
  pingMs?: number | undefined;
  /** How many milliseconds that sign may take before the connection counts as dead. Default: 10,000. */
  silenceMs?: number | undefined;
  /** How many milliseconds it may take from the opening, address included, until it works. Default: 15,000. */
  openMs?: number | undefined;
}

/** What a socket tells, until it is closed here or has ended. */
export interface SocketEvents {
  onOpen?(): void;
  onMessage(data: unknown): void;
  /** There is no address, or no such class. */
  onNone(end: LineEnd): void;
  /** It has ended: without a code when nothing came in time. */
  onEnd(code: number | undefined, reason: string): void;
}

/** A socket. */
export interface OpenSocket extends LineConnection {
  wake(): void;
  send(text: string): void;
  /** It works: from now on it is asked for signs of life. Until then the time of the opening runs. */
  alive(): void;
}

/** Opens one, when `address` has said where. */
export function openSocket(
  address: () => Promise<string | LineEnd>,
  on: SocketEvents,
  options: SocketOptions,
): OpenSocket {
  const { pingMs = 20_000, silenceMs = 10_000, openMs = 15_000 } = options;
  let socket: WebSocket | undefined;
  let live = false;
  let over = false;
  let pinged = false;

  const close = () => {
    over = true;
    clearTimeout(timer);
    // Of a dead line nobody answers: the end is not waited for.
    socket?.close();
  };
  const none = (end: LineEnd) => {
    close();
    on.onNone(end);
  };
  const ended = (code?: number, reason = "") => {
    if (over) return;
    close();
    on.onEnd(code, reason);
  };
  let timer = setTimeout(ended, openMs);

  const ping = () => {
    if (pinged) return;
    pinged = true;
    clearTimeout(timer);
    timer = setTimeout(ended, silenceMs);
    socket?.send('{"type":"ping"}');
  };
  const heard = () => {
    pinged = false;
    clearTimeout(timer);
    timer = setTimeout(ping, pingMs);
  };

  const connect = async () => {
    const url = await address();
    if (over) return;
    if (typeof url !== "string") return none(url);
    try {
      socket = new (options.WebSocket ?? WebSocket)(url);
    } catch (error) {
      return none({ error: technicalError("connection.failed", error) });
    }
    socket.onopen = () => {
      if (!over) on.onOpen?.();
    };
    socket.onmessage = ({ data }) => {
      if (over) return;
      on.onMessage(data);
      if (live && !over) heard();
    };
    socket.onclose = ({ code, reason }) => ended(code, reason);
    // A close follows. Without this, the sockets of Node.js packages would throw.
    socket.onerror = () => {};
  };
  void connect();

  return {
    close,
    send: (text) => socket?.send(text),
    alive() {
      live = true;
    },
    wake() {
      if (live && !over) ping();
    },
  };
}

/** The address of a WebSocket below a server's, `wss` for `https`; fails when that is none. */
export function socketUrl(server: string, path: string, query: Record<string, string>): string {
  const url = new URL(server, globalThis.location?.origin);
  url.protocol = url.protocol.replace("http", "ws");
  url.pathname = url.pathname.replace(/\/+$/, "") + path;
  url.search = new URLSearchParams(query).toString();
  url.hash = "";
  return url.href;
}
