// Workspaces of a test, closed after it, on the sockets of a fake server or on a small server of the test's own. It
// asserts nothing.

import { createSync, type SyncOptions } from "syncline";
import { createWorkspace, type Workspace, type WorkspaceOptions, type WorkspaceState } from "syncline/workspaces";
import { onTestFinished } from "vitest";
import { type AddressInfo, WebSocket, WebSocketServer } from "ws";
import { client, type FakeServer, type FakeSocket, seconds, settle } from "./snapshots.js";

/** What the tests keep in workspaces. */
export interface Board {
  topic: string;
  count: number;
  notes: string[];
  [key: string]: unknown;
}

/** An op as a client sends it. */
export interface SentOp {
  type: "op" | "delete";
  id: string;
  payload: { key: string; value?: unknown; timestamp?: number };
}

/** A workspace of the fake server, closed after the test. */
export async function openBoard(options: WorkspaceOptions = {}, id = "board"): Promise<Workspace<Board>> {
  const board = createWorkspace<Board>(id, { sync: client(), ...options });
  onTestFinished(() => board.close());
  await settle();
  return board;
}

/** Lets the newest socket open, and says the first state. */
export function sync(server: FakeServer, data: object = {}, heads = ["h0"]): FakeSocket {
  const socket = server.socket();
  socket.onopen?.();
  socket.say({ type: "init", data, heads });
  return socket;
}

/** What was written over a socket. */
export const written = (socket: FakeSocket): SentOp[] =>
  (socket.sent as SentOp[]).filter(({ type }) => type === "op" || type === "delete");

/** Keys and values of what was written, in order. */
export const writes = (socket: FakeSocket) => written(socket).map(({ payload: { key, value } }) => [key, value]);

/** What was written last. */
export function last(socket: FakeSocket): SentOp {
  const op = written(socket).at(-1);
  if (!op) throw new Error("nothing was written");
  return op;
}

/** Refuses an op. */
export const refuse = (socket: FakeSocket, id: string | undefined, code: string, status: number, more: object = {}) =>
  socket.say({ type: "error", id, code, status, message: `No: ${code}.`, ...more });

/** Ends the line, and makes another one. */
export async function again(server: FakeServer, data: object = {}): Promise<FakeSocket> {
  await server.socket().end();
  await seconds(1);
  return sync(server, data);
}

/** Takes an op as a server does: tells everybody, then answers. */
export function accept(socket: FakeSocket, { type, id, payload }: SentOp, heads = [`after ${id}`]) {
  socket.say({ type, payload: { timestamp: 1, ...payload }, heads });
  socket.say({ type: "ack", id, heads });
}

/** Each state that a workspace goes through from now on; the first is the present one. */
export function statuses(board: Workspace<Board>): string[] {
  const seen = [board.getSnapshot().status as string];
  board.subscribe(() => {
    const { status } = board.getSnapshot();
    if (status !== seen.at(-1)) seen.push(status);
  });
  return seen;
}

/** Every value that one key shows from now on; the first is the present one. */
export function shownAs(board: Workspace<Board>, key: string): unknown[] {
  const seen = [board.getSnapshot().data[key]];
  board.subscribe(() => {
    const value = board.getSnapshot().data[key];
    if (value !== seen.at(-1)) seen.push(value);
  });
  return seen;
}

/** Waits until the snapshot is so. */
export function shows<Data extends object>(
  board: Workspace<Data>,
  isSo: (state: WorkspaceState<Data>) => boolean,
): Promise<void> {
  return new Promise((resolve) => {
    const look = () => {
      if (!isSo(board.getSnapshot())) return;
      stop();
      resolve();
    };
    const stop = board.subscribe(look);
    look();
  });
}

/** A server of one workspace, on a port of its own, that does what a real one does, and what goes wrong on the way. */
export class BoardServer {
  readonly data: Record<string, unknown> = Object.create(null);
  /** What took effect, in order, with the heads after it. */
  readonly log: { op: SentOp; head: string }[] = [];
  /** The address of each connection. */
  readonly asked: URLSearchParams[] = [];
  /** What each connection began with. */
  readonly began: string[] = [];
  /** Whether a token is good. */
  lets: (token: string | null) => boolean = () => true;
  /** Whether the answer to this op is lost, and the line with it: before it is done, or after it. */
  cuts: (op: SentOp) => "before" | "after" | undefined = () => undefined;

  private constructor(
    readonly sockets: Set<WebSocket>,
    private readonly server: WebSocketServer,
  ) {
    server.on("connection", (socket, request) => {
      this.begin(socket, new URL(request.url ?? "", "http://server").searchParams);
    });
  }

  /** Starts one; it ends with the test. */
  static async start(): Promise<BoardServer> {
    const server = new WebSocketServer({ port: 0, host: "127.0.0.1" });
    await new Promise((listening) => server.once("listening", listening));
    onTestFinished(() => {
      for (const socket of server.clients) socket.terminate();
      server.close();
    });
    return new BoardServer(server.clients, server);
  }

  get head() {
    return this.log.at(-1)?.head ?? "nothing";
  }

  /** A workspace of it, closed after the test. */
  open(options: Partial<SyncOptions> = {}, more: WorkspaceOptions = {}): Workspace<Board> {
    const { port } = this.server.address() as AddressInfo;
    const sync = createSync({ url: `http://127.0.0.1:${port}`, token: () => "good", ...options });
    const board = createWorkspace<Board>("board", { sync, WebSocket: WebSocket as never, ...more });
    onTestFinished(() => board.close());
    return board;
  }

  /** Breaks every line. */
  cut() {
    for (const socket of this.sockets) socket.terminate();
  }

  private begin(socket: WebSocket, query: URLSearchParams) {
    this.asked.push(query);
    if (!this.lets(query.get("token"))) return socket.close(4001, "auth");
    const known = this.log.findIndex(({ head }) => head === query.get("heads"));
    const say = (message: object) => socket.send(JSON.stringify(message));
    this.began.push(known < 0 ? "init" : "resume");
    if (known < 0) say({ type: "init", data: this.data, heads: [this.head] });
    else say({ type: "resume", ops: this.log.slice(known + 1).map(({ op }) => op), heads: [this.head] });
    socket.on("message", (text) => {
      // What came before the end, and was not read, is lost with it.
      if (socket.readyState !== WebSocket.OPEN) return;
      const op = JSON.parse(String(text)) as SentOp;
      const cut = this.cuts(op);
      if (cut === "before") return socket.terminate();
      const lost = cut === "after";
      if (!this.log.some(({ op: { id } }) => id === op.id)) this.do(op, lost ? socket : undefined);
      if (lost) socket.terminate();
      else say({ type: "ack", id: op.id, heads: [this.head] });
    });
  }

  private do(op: SentOp, except: WebSocket | undefined) {
    const { type, payload } = op;
    if (type === "op") this.data[payload.key] = payload.value;
    else delete this.data[payload.key];
    this.log.push({ op, head: `head${this.log.length}` });
    for (const socket of this.sockets) {
      if (socket !== except) socket.send(JSON.stringify({ type, payload, heads: [this.head] }));
    }
  }
}
