// Keeps something connected: when a connection has ended, another one is opened after a while, and not while nobody looks.
// What comes over it is not looked at.

import type { SyncError } from "./answer.js";
import { backoffMs } from "./backoff.js";
import { technicalError } from "./http.js";
import { isHidden } from "./page.js";

/** A connection, from its opening to its end. */
export interface LineConnection {
  close(): void;
  /** Something may have happened unnoticed: the page is in sight again, or the network is back. Look now. */
  wake?(): void;
}

/** How a connection ended. */
export interface LineEnd {
  /** Why, if it was not the network. With an `httpStatus` such as 401, 403 or 404 it is final: nothing is tried again. */
  error?: SyncError | undefined;
  /** The same error in the reader's language, if that is known later. Never rejected. */
  words?: Promise<SyncError> | undefined;
  /** How long the server asks to wait. */
  retryAfterMs?: number | undefined;
  /** The next one may be opened at once. */
  atOnce?: boolean | undefined;
}

/** One connection, as the line sees it. What it tells after its end is void. */
export interface Attempt {
  isCurrent(): boolean;
  /** It works. Whether it is still the line's. */
  alive(): boolean;
  /** It has ended, or never began. */
  end(end: LineEnd): void;
}

/** What a line does. */
export interface LineOptions {
  /** Opens a connection. */
  open(attempt: Attempt): LineConnection;
  /** A connection has ended; unless the line is stopped now, there will be another one. */
  onEnd(end: LineEnd): void;
  /** Whether there is nothing to connect for at the moment. Default: while nobody looks. */
  rests?: (() => boolean) | undefined;
}

/** Something that is kept connected. */
export interface Line {
  /** Begins, unless it has begun. */
  start(): void;
  /** Gives up the connection and any attempt at one. */
  stop(): void;
  /** If it has begun: tries now what it waits for, or has the connection look. */
  wake(): void;
  /** There is something to connect for: if it rests, it does so no longer. */
  stir(): void;
  isStarted(): boolean;
  isLive(): boolean;
  /** How many connections in a row have ended, or never begun. */
  failures(): number;
}

/** Refusals that neither waiting nor another way to the server changes. */
export const isFinal = ({ httpStatus }: SyncError): boolean =>
  httpStatus >= 400 && httpStatus < 500 && ![408, 425, 429].includes(httpStatus);

/** A session that expires sooner than this is not made anew at once, over and over. */
const AT_ONCE_MS = 1000;

/** Makes one, stopped. */
export function createLine({ open: connect, onEnd, rests = isHidden }: LineOptions): Line {
  let started = false;
  let live = false;
  let failures = 0;
  let connection: LineConnection | undefined;
  let retry: ReturnType<typeof setTimeout> | undefined;
  /** The time to try has come, and there was nothing to connect for. */
  let resting = false;
  /** Before this the server wants no other attempt. */
  let notBefore = 0;
  /** Counts connections: what one tells after its end is void. */
  let epoch = 0;

  const open = () => {
    clearTimeout(retry);
    resting = false;
    const mine = ++epoch;
    const since = Date.now();
    const ended = (end: LineEnd) => {
      if (mine !== epoch) return;
      const lasted = live && Date.now() - since >= AT_ONCE_MS;
      const retryAfterMs = end.retryAfterMs ?? 0;
      const delayMs = end.atOnce && lasted ? 0 : backoffMs(failures++);
      epoch++;
      live = false;
      connection = undefined;
      notBefore = Date.now() + retryAfterMs;
      retry = setTimeout(
        () => {
          resting = rests();
          if (!resting) open();
        },
        Math.max(delayMs, retryAfterMs),
      );
      onEnd(end);
    };
    try {
      const opened = connect({
        isCurrent: () => mine === epoch,
        alive() {
          if (mine !== epoch) return false;
          failures = 0;
          live = true;
          return live;
        },
        end: ended,
      });
      if (mine === epoch) connection = opened;
      else opened.close();
    } catch (error) {
      ended({ error: technicalError("connection.failed", error) });
    }
  };

  return {
    start() {
      if (started) return;
      started = true;
      // The first time also where nobody looks: a page may be opened in the background.
      if (epoch === 0 || !rests()) open();
      else resting = true;
    },
    stop() {
      started = live = resting = false;
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
    stir() {
      if (resting) open();
    },
    isStarted: () => started,
    isLive: () => live,
    failures: () => failures,
  };
}
