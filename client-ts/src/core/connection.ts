// The one connection of a client: made when needed, kept, authenticated, refreshed. It knows neither rooms nor requests.

import { io, type Socket } from "socket.io-client";
import type { AnyAnswer, Outcome, SyncError } from "./answer.js";
import { backoffMs } from "./backoff.js";
import { type ClientErrorKey, clientError, loadTexts } from "./clientError.js";
import type { Frames } from "./frames.js";
import { type SyncOptions, TIMEOUT_MS, type Token } from "./options.js";
import { isDeviceOffline } from "./page.js";
import type { StatusStore, SyncState } from "./status.js";

/** What a connection tells. */
export interface ConnectionEvents {
  /** It is made, or its session is a new one: whatever belongs to the session is sent now. Requests wait until then. */
  onSession(): Promise<unknown>;
  /** Requests may be sent. */
  onReady(): void;
  /** It is lost. */
  onLost(): void;
  /** The server sent an event. */
  onSync(event: unknown): void;
}

/** The connection. */
export interface Connection {
  /** Takes the options, or other ones. */
  configure(options: SyncOptions): void;
  /** Connects, unless there is a connection or the app wants none. */
  use(): void;
  /** Connects, after `disconnect` too. */
  connect(): void;
  /** Stays offline until `connect`. */
  disconnect(): void;
  /** Gives up the connection, if there is one, and makes a new one now. */
  reconnect(): void;
  /** Disconnects and forgets; `use` starts again. */
  close(): void;
  /** Whether there is a connection. */
  isConnected(): boolean;
  /** Whether requests may be sent. */
  isReady(): boolean;
  /** Sends an event and passes on its answer, or that there was none. */
  ask(event: string, payload: object, answered: (outcome: Outcome) => void, timeoutMs?: number): void;
  /** One of the client's own errors, in the reader's language. */
  error(key: ClientErrorKey): Promise<SyncError>;
  /** The options, once there are any. */
  options(): Partial<SyncOptions>;
  /** The language of messages, if one is known. */
  locale(): string | undefined;
}

/** setTimeout's longest; a longer time would fire at once. */
const MAX_TIMER_MS = 2 ** 31 - 1;

/** Makes one. Nothing connects yet. */
export function createConnection(status: StatusStore, frames: Frames, events: ConnectionEvents): Connection {
  let options: SyncOptions | undefined;
  let socket: Socket | undefined;
  let wanted = false;
  let paused = false;
  let ready = false;
  let connectedBefore = false;
  /** The code of the last refusal, until there is a connection. */
  let refused: string | undefined;
  let refusals = 0;
  let lastToken: Token;
  let retry: ReturnType<typeof setTimeout> | undefined;
  /** Counts connections and losses: what began before is void. */
  let epoch = 0;
  let asked = 0;

  const isConnected = () => !!socket?.connected;
  const state = (): SyncState => {
    if (paused) return "offline";
    if (!wanted || !options) return "idle";
    if (isDeviceOffline()) return "offline";
    if (isConnected()) return "connected";
    if (refused) return "refused";
    return connectedBefore ? "reconnecting" : "connecting";
  };
  const update = () => status.set({ state: state() });
  const fail = (errorCode: string, error: unknown) =>
    status.set({ lastError: { errorCode, message: error instanceof Error ? error.message : String(error) } });

  const locale = () => {
    const own = options?.locale;
    return (typeof own === "function" ? own() : own) ?? globalThis.navigator?.language;
  };
  const token = async (): Promise<Token> => {
    // A server that is busy has not refused a token.
    lastToken = await options?.token?.(refused?.startsWith("auth.") ? { refused } : {});
    return lastToken;
  };

  /** Tries again later, with a token that is asked for anew. */
  const retryLater = () => {
    clearTimeout(retry);
    retry = setTimeout(open, backoffMs(refusals++, socket?.io.reconnectionDelay()));
    update();
  };

  const refuse = (code: string, error: unknown) => {
    refused = code;
    fail(code, error);
    retryLater();
  };

  /** Connects, if all is there that it takes. */
  const open = () => {
    if (wanted && options && !paused && !isDeviceOffline()) {
      socket ??= createSocket(options);
      clearTimeout(retry);
      // One that is on its way would greet the server twice.
      if (!socket.active) socket.connect();
    }
    update();
  };

  /** Drops the connection and any attempt at one. */
  const drop = () => {
    clearTimeout(retry);
    epoch++;
    socket?.disconnect();
  };

  const reopen = () => {
    drop();
    refusals = 0;
    open();
  };

  const onNetwork = () => {
    if (isDeviceOffline()) drop();
    else if (isConnected()) events.onReady();
    else reopen();
    update();
  };

  const greet = async () => {
    const mine = ++epoch;
    ready = false;
    await events.onSession();
    if (mine === epoch) {
      ready = true;
      events.onReady();
    }
  };

  /** Gives up the connection whose session cannot go on, and tries again later. */
  const giveUp = (code: string, error: unknown) => {
    drop();
    refuse(code, error);
  };

  const refresh = ({ errorCode, message }: SyncError) => {
    const mine = ++epoch;
    const expired = lastToken;
    ready = false;
    refused = errorCode;
    token().then(
      (token) => {
        if (mine !== epoch) return;
        if (token === expired) return giveUp(errorCode, message);
        connection.ask("refreshToken", { token }, (outcome) => {
          if (mine !== epoch) return;
          if (typeof outcome === "string") return giveUp(outcome, outcome);
          if (outcome.status === "error") return giveUp(outcome.errorCode, outcome.message);
          refused = undefined;
          void greet();
        });
      },
      (error) => mine === epoch && giveUp("token.failed", error),
    );
  };

  const createSocket = ({ url, socket: settings }: SyncOptions): Socket => {
    loadTexts().catch(() => {});
    const made = io(url, {
      ...settings,
      autoConnect: false,
      forceNew: true,
      auth: (give) => {
        const mine = ++epoch;
        token().then(
          (token) => mine === epoch && give({ token, locale: locale(), batch: true }),
          (error) => mine === epoch && giveUp("token.failed", error),
        );
      },
    });
    made.on("connect", () => {
      connectedBefore = true;
      refused = undefined;
      refusals = 0;
      frames.pass("in", "connect", { id: made.id });
      status.set({ state: state(), lastError: null });
      void greet();
    });
    made.on("disconnect", (reason) => {
      epoch++;
      ready = false;
      // Packets that socket.io-client kept for later: their requests are answered `request.disconnected`.
      made.sendBuffer = [];
      frames.pass("in", "disconnect", { reason });
      events.onLost();
      // The server meant it; with a new token it may think otherwise.
      if (reason === "io server disconnect") retryLater();
      update();
    });
    made.on("connect_error", (error) => {
      frames.pass("in", "connect_error", { message: error.message });
      const [, code, message] = /^([\w-]+\.[\w-]+): (.*)/s.exec(error.message) ?? [];
      // socket.io-client tries again by itself, unless it was the server that refused.
      if (made.active) fail("connection.failed", error);
      else refuse(code ?? "connection.failed", message ?? error);
      update();
    });
    made.on("auth.expired", (notice) => {
      frames.pass("in", "auth.expired", notice);
      refresh(notice);
    });
    // Of a room where several wait, they come together: `batch` in the handshake asks for it.
    made.on("sync", (...together) => {
      for (const event of together) {
        frames.pass("in", "sync", event);
        events.onSync(event);
      }
    });
    return made;
  };

  const connection: Connection = {
    configure(next) {
      const elsewhere = options && options.url !== next.url;
      options = next;
      if (elsewhere) {
        drop();
        socket = undefined;
      }
      open();
      status.notify();
    },
    use() {
      if (!wanted) {
        wanted = true;
        globalThis.addEventListener?.("online", onNetwork);
        globalThis.addEventListener?.("offline", onNetwork);
        open();
      }
    },
    connect() {
      paused = false;
      connection.use();
      open();
    },
    disconnect() {
      paused = true;
      drop();
      update();
    },
    reconnect() {
      paused = false;
      connection.use();
      reopen();
    },
    close() {
      wanted = paused = connectedBefore = false;
      refused = undefined;
      drop();
      socket = undefined;
      globalThis.removeEventListener?.("online", onNetwork);
      globalThis.removeEventListener?.("offline", onNetwork);
      update();
    },
    isConnected,
    isReady: () => ready && isConnected() && !isDeviceOffline(),
    ask(event, payload, answered, timeoutMs = options?.timeoutMs ?? TIMEOUT_MS) {
      const asking = socket;
      const id = ++asked;
      frames.pass("out", event, payload, id);
      asking?.timeout(Math.min(timeoutMs, MAX_TIMER_MS)).emit(event, payload, (none: unknown, answer: AnyAnswer) => {
        if (none) return answered(asking.connected ? "request.timeout" : "request.disconnected");
        frames.pass("in", event, answer, id);
        answered(answer);
      });
    },
    error: (key) => clientError(key, locale()),
    options: () => options ?? {},
    locale,
  };
  return connection;
}
