// A room's state as an app sees it: what the server has, what we have just written on top of it, and how it stands with
// the stream. The server's record decides; who is told what by whom is `core/http.ts`'s and `stream.ts`'s.

import type { SyncError } from "../core/answer.js";
import { backoffMs } from "../core/backoff.js";
import type { SyncClient } from "../core/client.js";
import { type ClientErrorKey, loadTexts, notJson } from "../core/clientError.js";
import { defaultSync } from "../core/defaultSync.js";
import { askJson, createSend, type Refusal, tokenFailed } from "../core/http.js";
import { MAX_AGE_MS } from "../core/options.js";
import { isDeviceOffline, onNetwork } from "../core/page.js";
import { createStore } from "../core/store.js";
import { createRecordLine, isRecord, type Mark } from "./record.js";
import { follow } from "./stream.js";

/**
 * - `connecting`: the room has not been read yet.
 * - `connected`: what the server has is here, and news of it arrive.
 * - `reconnecting`: the stream was lost and is being made anew.
 * - `offline`: the device is, or the client's `disconnect()` was called.
 * - `error`: the server refused the stream, or there was no token: `error` says why. It is tried again, unless it cannot
 *   get better: a name that is none, for example.
 * - `closed`: `close()` was called.
 */
export type RoomConnection = "connecting" | "connected" | "reconnecting" | "offline" | "error" | "closed";

/** A snapshot: the same object for as long as nothing changes. */
export interface RoomSnapshot<State> {
  /** The state, with what we have written ourselves at once; `null` while there is no room. */
  readonly state: State | null;
  /** The version that the server has, as far as we know: 1 for the first write, 0 while there is no room. */
  readonly version: number;
  readonly status: RoomConnection;
  /** Why, in status `error`. */
  readonly error: SyncError | null;
}

/** What became of a write: the server's record, or why there is none. Then the state is again what the server has. */
export type SetStateAnswer<State> = { status: "success"; version: number; state: State } | SyncError;

/** What {@link createRoom} is told. */
export interface RoomOptions {
  /** Whose server, token and language: a client made by `createSync`. Default: what `configureSync` set up. */
  sync?: SyncClient | undefined;
  /** After how many milliseconds without a sign of life a stream counts as lost. Default: 45,000, three heartbeats of a server. */
  silenceMs?: number | undefined;
}

/** A room that we follow. Its functions need no `this`: they may be taken apart. */
export interface Room<State> {
  readonly roomId: string;
  /** The snapshot: the same object until it changes. */
  getSnapshot(): RoomSnapshot<State>;
  /** Calls back when the snapshot has changed. The result ends it. */
  subscribe(listener: () => void): () => void;
  /**
   * Sets the state, for everybody: the last write wins. It is shown at once, and resolves with the server's answer; it
   * never rejects. At most one write is on the wire; of those that come meanwhile, the newest is sent and answers all.
   * Without a connection the newest waits for one.
   */
  setState(next: State | ((current: State | null) => State)): Promise<SetStateAnswer<State>>;
  /** Ends it; writes that wait are answered `request.aborted`. */
  close(): void;
}

/** A write, on its way. */
interface Write<State> {
  state: State;
  since: number;
  settle: ((answer: SetStateAnswer<State>) => void)[];
}

const SILENCE_MS = 45_000;

/** Refusals that waiting or another token may change. */
const mayPass = ({ httpStatus }: SyncError) =>
  httpStatus < 400 || httpStatus >= 500 || [401, 403, 408, 429].includes(httpStatus);

/**
 * Follows a room: a small JSON state on the server that all its readers share, which the last write wins.
 *
 * @example
 * const room = createRoom<{ topic: string }>("team");
 * room.subscribe(() => show(room.getSnapshot().state?.topic));
 * await room.setState({ topic: "Lunch" });
 */
export function createRoom<State>(roomId: string, options: RoomOptions = {}): Room<State> {
  const { sync = defaultSync, silenceMs = SILENCE_MS } = options;
  const { shared } = sync;
  const send = createSend(sync);
  const path = `/api/rooms/${encodeURIComponent(roomId)}`;
  const line = createRecordLine(() => update());

  let closed = false;
  let url: string | undefined;
  let configured = shared.options();
  /** The stream, from the attempt on. */
  let stream: AbortController | undefined;
  let live = false;
  let liveBefore = false;
  let failures = 0;
  let retry: ReturnType<typeof setTimeout> | undefined;
  let error: SyncError | null = null;
  /** The last attempt met no server: a write would meet none either. */
  let unreachable = false;
  /** The write on the wire, and the newest of those that wait. */
  let sending: (Write<State> & { abort: AbortController }) | undefined;
  let waiting: Write<State> | undefined;
  let expiry: ReturnType<typeof setTimeout> | undefined;

  const isOffline = () => sync.getStatus().state === "offline" || isDeviceOffline();

  const status = (): RoomConnection => {
    if (closed) return "closed";
    if (isOffline()) return "offline";
    if (live) return "connected";
    if (error) return "error";
    return liveBefore ? "reconnecting" : "connecting";
  };
  const look = (): RoomSnapshot<State> => {
    const { version, state } = line.get();
    // That it is of this type is whoever writes to the room's promise.
    const shown = waiting ?? sending ?? { state: state as State | null };
    return { state: shown.state, version, status: status(), error };
  };
  const store = createStore(look());
  const update = () => store.set(look());

  const answer = (write: Write<State>, outcome: SetStateAnswer<State> | ClientErrorKey) => {
    const said = typeof outcome === "string" ? shared.error(outcome) : Promise.resolve(outcome);
    void said.then((answer) => {
      for (const settle of write.settle) settle(answer);
    });
  };

  const stop = () => {
    clearTimeout(retry);
    retry = undefined;
    stream?.abort();
    stream = undefined;
    live = false;
  };

  const ended = ({ error: why, retryAfterMs = 0 }: Refusal) => {
    stream = undefined;
    live = false;
    unreachable = typeof why === "string";
    error = typeof why === "string" ? null : why;
    if (!error || mayPass(error)) {
      retry = setTimeout(open, Math.max(backoffMs(failures++), retryAfterMs));
    }
    update();
    pump();
  };

  const open = () => {
    stop();
    const mine = new AbortController();
    stream = mine;
    const opened = line.mark();
    const events = {
      onRecord(record: Parameters<typeof line.streamed>[0]) {
        if (mine !== stream) return;
        shared.pass("in", "room", record);
        line.streamed(record, live ? undefined : opened);
        live = liveBefore = true;
        unreachable = false;
        failures = 0;
        error = null;
        update();
        pump();
      },
    };
    follow(send, `${path}/stream`, silenceMs, events, mine.signal)
      .catch(tokenFailed)
      .then((refusal) => mine === stream && ended(refusal));
  };

  /** Sends the write that waits, if it may. */
  const pump = () => {
    clearTimeout(expiry);
    if (!waiting || sending) return;
    const leftMs = waiting.since + (shared.options().offlineQueue?.maxAgeMs ?? MAX_AGE_MS) - Date.now();
    if (leftMs <= 0) {
      const old = waiting;
      waiting = undefined;
      answer(old, "offline.dropped:expired");
      update();
    } else if (isOffline() || unreachable || !url) {
      // Beyond what a timer can wait, its age is looked at when there is a connection.
      if (leftMs < 2 ** 31) expiry = setTimeout(pump, leftMs);
    } else {
      sending = { ...waiting, abort: new AbortController() };
      waiting = undefined;
      void put(sending, line.mark());
    }
  };

  const put = async (write: NonNullable<typeof sending>, sent: Mark) => {
    const body = JSON.stringify({ state: write.state });
    shared.pass("out", "room", { room_id: roomId, state: write.state });
    const request = { method: "PUT", path, body, signal: write.abort.signal } as const;
    const said = await askJson(send, request, shared.options().timeoutMs);
    const record = "body" in said ? said.body : undefined;
    sending = undefined;
    if (isRecord(record)) {
      line.written(record, sent);
      answer(write, { status: "success", version: record.version, state: record.state as State });
    } else {
      let why = "error" in said ? said.error : ("request.disconnected" as const);
      if (closed) why = "request.aborted";
      if (typeof why !== "string") shared.pass("in", "room", why);
      answer(write, why);
    }
    update();
    pump();
  };

  /** Looks at what may have changed around: the network, or the client's options. */
  const around = () => {
    const { url: next } = shared.options();
    if (error && configured !== shared.options()) {
      // With other options the server may think otherwise.
      stop();
      error = null;
    }
    configured = shared.options();
    if (next !== url) {
      stop();
      sending?.abort.abort();
      // Another server knows nothing of what this one had.
      if (url !== undefined) line.streamed({ version: 0, updated_at: null, state: null });
      url = next;
      liveBefore = false;
    }
    if (isOffline()) {
      stop();
      failures = 0;
      sending?.abort.abort();
    } else if (url !== undefined && !stream && !(retry || (error && !mayPass(error)))) {
      open();
    }
    update();
    pump();
  };
  const stopListening = sync.subscribe(around);
  const stopNetwork = onNetwork(around);
  void loadTexts().catch(() => {});
  around();

  return {
    roomId,
    getSnapshot: store.get,
    subscribe: store.subscribe,
    setState: (next) =>
      new Promise((resolve) => {
        const write: Write<State> = { state: undefined as State, since: Date.now(), settle: [resolve] };
        if (closed) return answer(write, "request.aborted");
        try {
          const state =
            typeof next === "function" ? (next as (current: State | null) => State)(store.get().state) : next;
          // A copy, as it is now; and what JSON cannot say is found here and not on the wire.
          write.state = JSON.parse(JSON.stringify(state));
        } catch (error) {
          return answer(write, notJson(error));
        }
        write.settle.unshift(...(waiting?.settle ?? []));
        waiting = write;
        pump();
        update();
      }),
    close() {
      if (closed) return;
      closed = true;
      stop();
      stopListening();
      stopNetwork();
      clearTimeout(expiry);
      sending?.abort.abort();
      if (waiting) answer(waiting, "request.aborted");
      waiting = undefined;
      update();
    },
  };
}
