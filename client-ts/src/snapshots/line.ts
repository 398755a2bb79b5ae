// Keeps one transport connected: when a connection has ended, another one is opened after a while, and not while nobody
// looks. What comes over it is not looked at.

import type { SyncError } from "../core/answer.js";
import { backoffMs } from "../core/backoff.js";
import { technicalError } from "../core/http.js";
import { isHidden } from "../core/page.js";
import type { SnapshotRecord } from "./record.js";
import type {
  SnapshotConnection,
  SnapshotContext,
  SnapshotEnd,
  SnapshotEvents,
  SnapshotTransport,
} from "./transport.js";

/** What a line tells. */
export interface LineEvents {
  onSnapshot(record: SnapshotRecord): void;
  /** It works. */
  onLive(): void;
  onError(error: SyncError): void;
  /** A connection has ended; unless the line is stopped now, there will be another one. */
  onEnd(end: SnapshotEnd): void;
}

/** A transport that is kept connected. */
export interface Line {
  readonly transport: SnapshotTransport;
  /** Begins, unless it has begun. */
  start(): void;
  /** Gives up the connection and any attempt at one. */
  stop(): void;
  /** If it has begun: tries now what it waits for, or has the connection look. */
  wake(): void;
  isStarted(): boolean;
  isLive(): boolean;
  /** How many connections in a row have ended, or never begun. */
  failures(): number;
}

/** A session that expires sooner than this is not made anew at once, over and over. */
const AT_ONCE_MS = 1000;

/** Makes one, stopped. */
export function createLine(transport: SnapshotTransport, context: SnapshotContext, on: LineEvents): Line {
  let started = false;
  let live = false;
  let failures = 0;
  let connection: SnapshotConnection | undefined;
  let retry: ReturnType<typeof setTimeout> | undefined;
  /** Before this the server wants no other attempt. */
  let notBefore = 0;
  /** Counts connections: what one tells after its end is void. */
  let epoch = 0;

  const open = () => {
    clearTimeout(retry);
    const mine = ++epoch;
    const since = Date.now();
    const alive = () => {
      live = true;
      failures = 0;
    };
    const events: SnapshotEvents = {
      onLive() {
        if (mine !== epoch) return;
        alive();
        on.onLive();
      },
      onSnapshot(record) {
        if (mine !== epoch) return;
        alive();
        on.onSnapshot(record);
        on.onLive();
      },
      onError(error) {
        if (mine === epoch) on.onError(error);
      },
      onEnd(end = {}) {
        if (mine !== epoch) return;
        const lasted = live && Date.now() - since >= AT_ONCE_MS;
        const retryAfterMs = end.retryAfterMs ?? 0;
        const delayMs = end.atOnce && lasted ? 0 : backoffMs(failures++);
        epoch++;
        live = false;
        connection = undefined;
        notBefore = Date.now() + retryAfterMs;
        retry = setTimeout(() => isHidden() || open(), Math.max(delayMs, retryAfterMs));
        on.onEnd(end);
      },
    };
    try {
      const opened = transport.open(context, events);
      if (mine === epoch) connection = opened;
      else opened.close();
    } catch (error) {
      events.onEnd({ error: technicalError("connection.failed", error) });
    }
  };

  return {
    transport,
    start() {
      if (started) return;
      started = true;
      // The first time also where nobody looks: a page may be opened in the background.
      if (epoch === 0 || !isHidden()) open();
    },
    stop() {
      started = live = false;
      failures = notBefore = 0;
      epoch++;
      clearTimeout(retry);
      connection?.close();
      connection = undefined;
    },
    wake() {
      if (connection) connection.wake?.();
      // Until then the timer runs, or has run out while nobody looked.
      else if (started && Date.now() >= notBefore) open();
    },
    isStarted: () => started,
    isLive: () => live,
    failures: () => failures,
  };
}
