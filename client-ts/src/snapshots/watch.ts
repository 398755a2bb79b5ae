// A topic as an app sees it: the newest snapshot, and how it stands with the transports that bring it. What comes is told
// apart by its version alone; how it comes is the transports' matter, and when they try again is `line.ts`'s.

import type { SyncError } from "../core/answer.js";
import type { SyncClient } from "../core/client.js";
import { loadTexts } from "../core/clientError.js";
import { defaultSync } from "../core/defaultSync.js";
import { type Refusal, technicalError } from "../core/http.js";
import { isFinal } from "../core/line.js";
import { isDeviceOffline, isHidden, onNetwork, onVisible } from "../core/page.js";
import { createStore } from "../core/store.js";
import { type AccessOptions, createAccess } from "./access.js";
import { createSnapshotLine, type LineEvents, type SnapshotLine } from "./line.js";
import { pollingTransport } from "./polling.js";
import { isRecord, isTopic, type SnapshotRecord, type SnapshotTopic } from "./record.js";
import type { SnapshotContext, SnapshotEnd, SnapshotTransport, TransportName } from "./transport.js";
import { websocketTransport } from "./websocket.js";

/**
 * - `connecting`: the first connection is being made.
 * - `connected`: what the server has is here, and news of it arrive.
 * - `reconnecting`: the connection was lost and is being made anew.
 * - `disconnected`: nothing is tried. The device is offline, the client's `disconnect()` was called, the server refused
 *   (`error` says why), or it was closed.
 */
export type SnapshotStatus = "connecting" | "connected" | "reconnecting" | "disconnected";

/** What is known of a topic: the same object for as long as nothing changes. */
export interface SnapshotState<Data = unknown> {
  /** The newest data; `null` while there is none. */
  readonly snapshot: Data | null;
  /** Its version; `null` while there is none. */
  readonly lockVersion: number | null;
  readonly status: SnapshotStatus;
  /** When this snapshot came, in milliseconds since 1970. */
  readonly lastUpdatedAt: number | null;
  /** The transport in use. */
  readonly transport: TransportName;
  /** What the server objected to, or why there was no token, until a connection is made. Just no network is no error. */
  readonly error: SyncError | null;
}

/** What may be said again, while a topic is watched. */
export interface SnapshotSettings<Data = unknown> extends AccessOptions {
  /** What is there already, rendered on a server for example. It counts as any other snapshot: the newest one stays. */
  initialSnapshot?: SnapshotRecord<Data> | null | undefined;
  /**
   * How snapshots come.
   * - `auto`, the default: `websocket`; after three failures in a row `polling`, until a socket is there again.
   * - `websocket`, `polling`: this one alone.
   * - Objects: a transport alone, or two, of which the second comes in for the first as polling does in `auto`. What is
   *   given has to stay the same.
   */
  transport?:
    | "auto"
    | "websocket"
    | "polling"
    | SnapshotTransport
    | readonly [SnapshotTransport, SnapshotTransport]
    | undefined;
}

/** What {@link watchSnapshot} is told. */
export interface SnapshotOptions<Data = unknown> extends SnapshotSettings<Data> {
  /** Whose server, token and language: a client made by `createSync`. Default: what `configureSync` set up. */
  sync?: SyncClient | undefined;
}

/**
 * Why an app reads: `manual`, a user asked, or acted; then a connection that is waited for is tried as well. `fallback`,
 * just to be sure.
 */
export type RefreshReason = "manual" | "fallback";

/** What became of a refresh; `changed`: whether it brought a newer snapshot. */
export type RefreshAnswer = { status: "success"; changed: boolean; lockVersion: number | null } | SyncError;

/** A topic that we watch. Its functions need no `this`: they may be taken apart. */
export interface SnapshotWatch<Data = unknown> {
  readonly topic: SnapshotTopic;
  /** What is known: the same object until it changes. */
  getSnapshot(): SnapshotState<Data>;
  /** Calls back when that has changed. The result ends it. */
  subscribe(listener: () => void): () => void;
  /** Reads the snapshot now. At most one reading is on the wire; the next answers all that ask meanwhile. Never rejects. */
  refresh(reason?: RefreshReason): Promise<RefreshAnswer>;
  /** Takes other settings; what is left out is the default. */
  configure(settings: SnapshotSettings<Data>): void;
  /** Ends it. */
  close(): void;
}

/** After so many failures in a row another transport takes over. */
const FAILURES = 3;

const endOf = ({ error, retryAfterMs }: Refusal): SnapshotEnd => ({
  error: typeof error === "string" ? undefined : error,
  retryAfterMs,
});

/**
 * Watches a topic: an app's state on the server, whose newest version is pushed here.
 *
 * @example
 * const watch = watchSnapshot<Game>({ kind: "game", id: "7" });
 * watch.subscribe(() => show(watch.getSnapshot().snapshot));
 */
export function watchSnapshot<Data = unknown>(
  topic: SnapshotTopic,
  { sync = defaultSync, ...first }: SnapshotOptions<Data> = {},
): SnapshotWatch<Data> {
  const { shared } = sync;
  const access = createAccess(sync, topic, () => settings);
  const closing = new AbortController();

  let settings: SnapshotSettings<Data> = first;
  let held: SnapshotRecord | undefined;
  let lastUpdatedAt: number | null = null;
  let error: SyncError | null = null;
  /** The server refused for good; or that is no topic. */
  let refused = !isTopic(topic);
  if (refused) error = technicalError("topic.invalid", `not a topic: ${topic.kind} ${topic.id}`);
  let liveBefore = false;
  let configured = shared.options();
  /** Counts servers: what one said is nothing to the next. */
  let epoch = 0;
  let running: Promise<RefreshAnswer> | undefined;
  let next: Promise<RefreshAnswer> | undefined;

  const isClosed = () => closing.signal.aborted;
  const isOffline = () => sync.getStatus().state === "offline" || isDeviceOffline();

  const take = (record: SnapshotRecord): boolean => {
    if (!isRecord(record) || (held && record.lockVersion <= held.lockVersion)) return false;
    held = record;
    lastUpdatedAt = Date.now();
    return true;
  };

  /** Reads and takes what was read; nothing of a server that is no longer ours. */
  const read = async (signal: AbortSignal): Promise<boolean | Refusal> => {
    const mine = epoch;
    const said = await access.read(signal);
    if (signal.aborted || mine !== epoch) return { error: "request.aborted" };
    if (said === "unchanged") return false;
    shared.pass("in", "snapshot", "error" in said ? said.error : { topic, ...said });
    if ("error" in said) return said;
    const changed = take(said);
    update();
    return changed;
  };

  const context: SnapshotContext = {
    topic,
    async read(signal) {
      if (!access.canRead()) return {};
      const said = await read(signal);
      return typeof said === "boolean" ? undefined : endOf(said);
    },
    async socketUrl(signal) {
      const url = await access.socketUrl(signal);
      return typeof url === "string" ? url : endOf(url);
    },
    expired: access.expired,
  };
  const events: LineEvents = {
    onSnapshot(record) {
      shared.pass("in", "snapshot", { topic, ...record });
      take(record);
    },
    onLive() {
      liveBefore = true;
      error = null;
      if (primary.isLive()) fallback?.stop();
      update();
    },
    onError(why) {
      shared.pass("in", "snapshot", why);
      error = why;
      update();
    },
    onEnd({ error: why }) {
      if (why) shared.pass("in", "snapshot", why);
      if (why && isFinal(why)) {
        stop();
        refused = true;
        error = why;
      } else {
        if (why && !isLive()) error = why;
        // Whether a fallback of the app's own can work is the app's to know.
        const canRead = typeof settings.transport === "object" || access.canRead();
        if (primary.failures() >= FAILURES && canRead) fallback?.start();
      }
      update();
    },
  };

  const lines = (): [SnapshotLine, SnapshotLine | undefined] => {
    const { transport = "auto" } = settings;
    const line = (transport: SnapshotTransport) => createSnapshotLine(transport, context, events);
    if (transport === "auto") return [line(websocketTransport()), line(pollingTransport())];
    if (transport === "websocket") return [line(websocketTransport()), undefined];
    if (transport === "polling") return [line(pollingTransport()), undefined];
    return "open" in transport ? [line(transport), undefined] : [line(transport[0]), line(transport[1])];
  };
  let [primary, fallback] = lines();

  const isLive = () => primary.isLive() || !!fallback?.isLive();
  const stop = () => {
    primary.stop();
    fallback?.stop();
  };
  const wake = () => {
    primary.wake();
    fallback?.wake();
  };

  const status = (): SnapshotStatus => {
    if (isClosed() || refused || isOffline()) return "disconnected";
    if (isLive()) return "connected";
    return liveBefore ? "reconnecting" : "connecting";
  };
  const look = (): SnapshotState<Data> => ({
    // That it is of this type is the server's promise.
    snapshot: (held?.data ?? null) as Data | null,
    lockVersion: held?.lockVersion ?? null,
    status: status(),
    lastUpdatedAt,
    transport: (fallback?.isStarted() ? fallback : primary).transport.name,
    error,
  });
  if (settings.initialSnapshot) take(settings.initialSnapshot);
  const store = createStore(look());
  const update = () => store.set(look());

  /** What was refused may not be any longer. */
  const forgive = () => {
    refused = !isTopic(topic);
    if (!refused) error = null;
  };

  /** Looks at what may have changed around: the network, or the client's options. */
  const around = () => {
    if (isClosed()) return;
    const options = shared.options();
    if (options.url !== configured.url) {
      stop();
      if (configured.url !== undefined) {
        // Another server knows nothing of what this one had.
        epoch++;
        held = undefined;
        lastUpdatedAt = null;
        liveBefore = false;
      }
      forgive();
    } else if (options !== configured && refused) {
      forgive();
    }
    configured = options;
    const known = options.url !== undefined || (settings.getTicket && settings.wsUrl !== undefined);
    if (isOffline()) stop();
    else if (known && !refused) primary.start();
    update();
  };

  const run = async (reason: RefreshReason): Promise<RefreshAnswer> => {
    if (isClosed()) return shared.error("request.aborted");
    if (!isTopic(topic) && error) return error;
    shared.pass("out", "snapshot", { topic, reason });
    const said = await read(closing.signal);
    if (typeof said !== "boolean") return typeof said.error === "string" ? shared.error(said.error) : said.error;
    if (reason === "manual") {
      if (refused) forgive();
      around();
      if (!primary.isLive()) wake();
    }
    return { status: "success", changed: said, lockVersion: held?.lockVersion ?? null };
  };

  const stops = [
    sync.subscribe(around),
    onNetwork(() => {
      around();
      if (!isHidden()) wake();
    }),
    onVisible(wake),
  ];
  void loadTexts().catch(() => {});
  around();

  return {
    topic,
    getSnapshot: store.get,
    subscribe: store.subscribe,
    refresh(reason = "manual") {
      next ??= (running ?? Promise.resolve()).then(() => {
        next = undefined;
        running = run(reason);
        return running;
      });
      return next;
    },
    configure(given) {
      if (isClosed()) return;
      const before = settings;
      settings = given;
      if (given.initialSnapshot) take(given.initialSnapshot);
      if (before.transport !== given.transport || before.wsUrl !== given.wsUrl) {
        stop();
        [primary, fallback] = lines();
        forgive();
      }
      around();
    },
    close() {
      if (isClosed()) return;
      closing.abort();
      for (const stop of stops) stop();
      stop();
      update();
    },
  };
}
