// A server of snapshots that says what the test wants, when it wants: sockets and HTTP answers of its making, a clock that
// stands still, a page that can be hidden. It asserts only that no timer is left.

import { createSync, type SyncClient, type SyncOptions } from "syncline";
import { type SnapshotOptions, type SnapshotTopic, type SnapshotWatch, watchSnapshot } from "syncline/snapshots";
import { onTestFinished, vi } from "vitest";

/** What the tests keep in games. */
export interface Game {
  turn: string;
}

export const GAME: SnapshotTopic = { kind: "game", id: "7" };

/** A socket that was opened, as the server sees it. */
export class FakeSocket {
  onopen: (() => void) | null = null;
  onmessage: ((event: { data: unknown }) => void) | null = null;
  onclose: ((event: { code: number; reason: string }) => void) | null = null;
  onerror: (() => void) | null = null;
  /** What the client sent. */
  readonly sent: unknown[] = [];
  /** Whether the client closed it. */
  closed = false;

  constructor(readonly url: string) {}

  send(text: string) {
    this.sent.push(JSON.parse(text));
  }

  close() {
    this.closed = true;
  }

  /** Says anything. */
  say(message: unknown) {
    this.onmessage?.({ data: typeof message === "string" ? message : JSON.stringify(message) });
  }

  /** Pushes a snapshot. */
  push(lockVersion: unknown, turn = `turn ${lockVersion}`, more: object = {}) {
    this.say({ type: "snapshot", topic: GAME, data: { turn }, lockVersion, version: 1, ...more });
  }

  /** Ends: without a code as a browser shows a refused opening, or a line that broke. */
  async end(code = 1006, reason = "") {
    this.onclose?.({ code, reason });
    await settle();
  }

  get ticket() {
    return new URL(this.url).searchParams.get("token");
  }
}

/** A request that reached the server. */
export interface Asked {
  method: string;
  url: string;
  headers: Record<string, string>;
  body?: unknown;
}

type Answer = (asked: Asked) => Response | Promise<Response>;

/** The server's side. */
export interface FakeServer {
  readonly sockets: FakeSocket[];
  readonly asked: Asked[];
  /** What `POST /api/ws/token` is answered. At first: a ticket, each another one. */
  onTicket: Answer;
  /** What reading is answered. At first nothing: there is no network. */
  onRead: Answer;
  /** The newest socket. */
  socket(): FakeSocket;
  reads(): Asked[];
  tickets(): Asked[];
}

/** Lets everything happen that waits for no time. */
export const settle = async () => {
  for (let round = 0; round < 3; round++) await vi.advanceTimersByTimeAsync(0);
};

/** Lets time pass. */
export const seconds = (count: number) => vi.advanceTimersByTimeAsync(count * 1000);

/** Everything of a state but what is null. */
export const shown = (watch: { getSnapshot(): object }) =>
  Object.fromEntries(Object.entries(watch.getSnapshot()).filter(([, value]) => value !== null));

export const json = (body: unknown, status = 200, headers = {}) =>
  new Response(JSON.stringify(body), { status, headers });

/** What reading is answered with a snapshot. */
export const version = (version: number, turn = `turn ${version}`) =>
  json({ version, data: { turn } }, 200, { etag: `"${version}"` });

export const refusal = (httpStatus: number, error: string, headers = {}) =>
  json({ error, message: `No: ${error}.` }, httpStatus, headers);

export const noNetwork = () => Promise.reject(new TypeError("fetch failed"));

/** Puts a fake server in place of the network until the test is over, and stops the clock. Chance is always the highest. */
export function fakeServer(): FakeServer {
  let ticket = 0;
  const sockets: FakeSocket[] = [];
  const server: FakeServer = {
    sockets,
    asked: [],
    onTicket: () => json({ token: `ticket ${++ticket}`, expires_in: 90 }),
    onRead: noNetwork,
    socket() {
      const socket = sockets.at(-1);
      if (!socket) throw new Error("no socket was opened");
      return socket;
    },
    reads: () => server.asked.filter(({ method }) => method === "GET"),
    tickets: () => server.asked.filter(({ method }) => method === "POST"),
  };
  vi.useFakeTimers({ toFake: ["setTimeout", "clearTimeout", "Date"] });
  vi.spyOn(Math, "random").mockReturnValue(1);
  vi.stubGlobal(
    "WebSocket",
    class extends FakeSocket {
      constructor(url: string) {
        super(url);
        sockets.push(this);
      }
    },
  );
  vi.stubGlobal("fetch", async (url: string, init: RequestInit) => {
    const { method = "GET", body } = init;
    const asked = { method, url, headers: init.headers as Record<string, string>, body };
    init.signal?.throwIfAborted();
    server.asked.push(asked);
    return asked.method === "POST" ? server.onTicket(asked) : server.onRead(asked);
  });
  onTestFinished(() => {
    const left = vi.getTimerCount();
    vi.useRealTimers();
    vi.restoreAllMocks();
    vi.unstubAllGlobals();
    // What was closed has cleaned up.
    if (left > 0) throw new Error(`${left} timers are left`);
  });
  return server;
}

/** A page that can be hidden, and a device that can be offline. */
export function fakePage() {
  const [window, document] = [new EventTarget(), Object.assign(new EventTarget(), { visibilityState: "visible" })];
  const navigator = { onLine: true };
  let listening = 0;
  for (const target of [window, document]) {
    const { addEventListener, removeEventListener } = target;
    target.addEventListener = (...added) => {
      listening++;
      addEventListener.apply(target, added);
    };
    target.removeEventListener = (...removed) => {
      listening--;
      removeEventListener.apply(target, removed);
    };
  }
  vi.stubGlobal("navigator", navigator);
  vi.stubGlobal("document", document);
  vi.stubGlobal("addEventListener", window.addEventListener.bind(window));
  vi.stubGlobal("removeEventListener", window.removeEventListener.bind(window));
  return {
    /** How many listeners were added and not removed. */
    listening: () => listening,
    async show(visible: boolean) {
      document.visibilityState = visible ? "visible" : "hidden";
      document.dispatchEvent(new Event("visibilitychange"));
      await settle();
    },
    async network(onLine: boolean) {
      navigator.onLine = onLine;
      window.dispatchEvent(new Event(onLine ? "online" : "offline"));
      await settle();
    },
  };
}

/** A client of the fake server. */
export const client = (options: Partial<SyncOptions> = {}): SyncClient =>
  createSync({ url: "http://server/", locale: "nl", token: () => "token", ...options });

/** Watches a game until the test is over. */
export async function watchGame(
  options: SnapshotOptions<Game> = {},
  topic: SnapshotTopic = GAME,
): Promise<SnapshotWatch<Game>> {
  const watch = watchSnapshot<Game>(topic, { sync: client(), ...options });
  onTestFinished(() => watch.close());
  await settle();
  return watch;
}

/** Fails the newest socket again and again, and says after how many seconds each next one was opened. */
export async function failSockets(server: FakeServer, times: number): Promise<number[]> {
  const waits: number[] = [];
  for (let time = 0; time < times; time++) {
    const before = server.sockets.length;
    const since = Date.now();
    await server.socket().end();
    while (server.sockets.length === before) await vi.advanceTimersByTimeAsync(100);
    waits.push((Date.now() - since) / 1000);
  }
  return waits;
}
