// Changes on their way to the server: sent in order, again after a cut, and kept until the server has answered each. By
// its id the server does one once, however often it comes. What they do to what is shown is not known here.

import type { SyncError } from "../core/answer.js";
import { backoffMs } from "../core/backoff.js";
import type { ClientErrorKey } from "../core/clientError.js";
import { WINDOW } from "../core/options.js";
import type { Change } from "./messages.js";

/** What became of a change: the heads that the workspace has with it, or why there is none. */
export type WorkspaceAnswer = { status: "success"; heads: readonly string[] } | SyncError;

/** How it ended; the words for it may be still to come. */
export type Verdict = WorkspaceAnswer | ClientErrorKey | Promise<SyncError>;

/** Changes on their way. */
export interface Pending {
  /** All, in order. */
  all(): readonly Change[];
  /** One more; one of the same key that was not sent yet goes with it. `settle` is called once. */
  add(change: Change, settle: (verdict: Verdict) => void): void;
  /** There is a connection, or the server has begun anew: what has no answer is sent again. */
  resend(): void;
  /** There is no connection. */
  lost(): void;
  /** The server has done it. */
  acked(id: string, heads: readonly string[]): void;
  /** The server has not. Whether that was one of ours. */
  refused(id: string, error: SyncError, seconds: number): boolean;
  /** The server ended the connection over something too large. */
  tooLarge(): void;
  /** Answers all. */
  clear(verdict: Verdict): void;
}

/** What it is told. */
export interface PendingOptions {
  /** How many there may be. */
  limit: number;
  send(message: object): void;
  /** {@link Pending.all} is another one, or shorter. */
  onChange(): void;
}

interface Entry {
  change: Change;
  id: string;
  /** As it is sent, each time. */
  message: object;
  /** When it was first sent. */
  sentAt?: number;
  onWire: boolean;
  /** How many connections were lost over it. */
  losses: number;
  failures: number;
  settle: ((verdict: Verdict) => void)[];
}

/** A server remembers ids for a day. After that a repeated change would be a second one, over what came since. */
const REMEMBERED_MS = 23 * 3_600_000;

/** How often a change is sent that the server fails to save. */
const ATTEMPTS = 5;

/** setTimeout's longest. */
const MAX_TIMER_MS = 2 ** 31 - 1;

/** `crypto.randomUUID` is not there on pages without TLS. */
const randomName = () =>
  [...crypto.getRandomValues(new Uint8Array(16))].map((byte) => byte.toString(16).padStart(2, "0")).join("");

const TOO_LARGE: SyncError = {
  status: "error",
  errorCode: "too_large",
  message: "too large",
  httpStatus: 413,
};

/** What a server takes if it is not told otherwise. */
const LARGE = 65_536;

/** Over something too large a server may hang up so soon that the word why is lost. So often it is no chance any more. */
const LOSSES_MAX = 3;

const sizeOf = ({ message }: Entry) => JSON.stringify(message).length;

/** Makes one. */
export function createPending({ limit, send, onChange }: PendingOptions): Pending {
  const name = randomName();
  let made = 0;
  let line: Entry[] = [];
  let connected = false;
  /** Nothing is sent until then; 0: now. */
  let restUntil = 0;
  let rest: ReturnType<typeof setTimeout> | undefined;

  const end = (entry: Entry, verdict: Verdict) => {
    line = line.filter((other) => other !== entry);
    for (const settle of entry.settle) settle(verdict);
  };

  const pump = () => {
    if (!connected || restUntil > 0) return;
    let unanswered = 0;
    const keys = new Set<string>();
    for (const entry of line) {
      // One of each key at a time: should the server turn it down for now, the next must not come before it.
      if (!entry.onWire && (unanswered >= WINDOW || keys.has(entry.change.key))) break;
      unanswered++;
      keys.add(entry.change.key);
      if (entry.onWire) continue;
      entry.onWire = true;
      entry.sentAt ??= Date.now();
      send(entry.message);
    }
  };

  const pause = (ms: number) => {
    restUntil = Math.max(restUntil, Date.now() + Math.min(ms, MAX_TIMER_MS));
    clearTimeout(rest);
    rest = setTimeout(() => {
      restUntil = 0;
      pump();
    }, restUntil - Date.now());
  };

  const find = (id: string) => line.find((entry) => entry.id === id);

  return {
    all: () => line.map(({ change }) => change),
    add(change, settle) {
      const before = line.find(({ change: { key }, sentAt }) => key === change.key && sentAt === undefined);
      if (!before && line.length >= limit) return settle("offline.dropped:queueFull");
      const id = `${name}-${(++made).toString(36)}`;
      const { type, ...payload } = change;
      // Microseconds, for display.
      const timestamp = type === "op" ? { timestamp: Date.now() * 1000 } : {};
      const message = { type, id, payload: { ...payload, ...timestamp } };
      const entry: Entry = { change, id, message, onWire: false, losses: 0, failures: 0, settle: [settle] };
      if (before) {
        // Nobody has seen it. Its answer is the one of what took its place.
        line = line.filter((other) => other !== before);
        entry.settle.unshift(...before.settle);
      }
      line.push(entry);
      pump();
      onChange();
    },
    resend() {
      connected = true;
      for (const entry of line) {
        entry.onWire = false;
        const isForgotten = entry.sentAt !== undefined && Date.now() - entry.sentAt >= REMEMBERED_MS;
        if (isForgotten) end(entry, "request.disconnected");
        else if (entry.losses >= LOSSES_MAX && sizeOf(entry) > LARGE) end(entry, TOO_LARGE);
      }
      pump();
      onChange();
    },
    lost() {
      if (connected) for (const entry of line) entry.losses += Number(entry.onWire);
      connected = false;
    },
    acked(id, heads) {
      const entry = find(id);
      if (!entry) return;
      end(entry, { status: "success", heads });
      pump();
      onChange();
    },
    refused(id, error, seconds) {
      const entry = find(id);
      if (!entry) return false;
      const mayPass = error.httpStatus === 429 || (error.httpStatus >= 500 && entry.failures + 1 < ATTEMPTS);
      if (mayPass) {
        entry.onWire = false;
        pause(error.httpStatus === 429 ? (seconds || 1) * 1000 : backoffMs(entry.failures++));
      } else {
        end(entry, error);
        pump();
        onChange();
      }
      return true;
    },
    tooLarge() {
      // It is the largest, if it is one of these: without it the rest gets through.
      const [largest] = line.filter(({ onWire }) => onWire).sort((one, other) => sizeOf(other) - sizeOf(one));
      if (!largest) return;
      end(largest, TOO_LARGE);
      onChange();
    },
    clear(verdict) {
      clearTimeout(rest);
      restUntil = 0;
      for (const entry of line) end(entry, verdict);
      onChange();
    },
  };
}
