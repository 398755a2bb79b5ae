// What an app can show of the connection: an observable value whose snapshots change only when it does.

import { safely } from "./safely.js";

/**
 * - `idle`: nothing has needed a connection yet, or it was closed.
 * - `connecting`: the first connection is being made.
 * - `connected`: there is one.
 * - `reconnecting`: it was lost and is being made anew.
 * - `offline`: the device is offline, or `disconnect()` was called.
 * - `refused`: the server refused the handshake; it is tried again with a new token.
 */
export type SyncState = "idle" | "connecting" | "connected" | "reconnecting" | "offline" | "refused";

/** What went wrong with the connection, or with what waited for it. */
export interface StatusError {
  /** A code of the server or client, else `connection.failed` or `token.failed`, whose messages are technical. */
  errorCode: string;
  message: string;
}

/** A snapshot: the same object for as long as nothing changes. */
export interface SyncStatus {
  readonly state: SyncState;
  /** How many requests wait to be sent. */
  readonly queueLength: number;
  /** How many requests were dropped from the offline queue, since the client was made. */
  readonly dropped: number;
  /** The last error of the connection or the queue; a connection that is made clears it. */
  readonly lastError: StatusError | null;
}

/** Holds the status. */
export interface StatusStore {
  get(): SyncStatus;
  /** Changes what differs, and tells the listeners if anything did. */
  set(change: Partial<SyncStatus>): void;
  /** Tells the listeners. */
  notify(): void;
  /** Adds a listener; the result removes it. */
  subscribe(listener: () => void): () => void;
}

/** What a client's status is before anything has happened. */
export const IDLE: SyncStatus = { state: "idle", queueLength: 0, dropped: 0, lastError: null };

/** Makes one. */
export function createStatusStore(): StatusStore {
  let status = IDLE;
  const listeners = new Set<() => void>();
  const notify = () => [...listeners].forEach(safely);
  return {
    get: () => status,
    set(change) {
      const next = { ...status, ...change };
      if (Object.keys(change).some((key) => next[key as keyof SyncStatus] !== status[key as keyof SyncStatus])) {
        status = next;
        notify();
      }
    },
    notify,
    subscribe(listener) {
      // Wrapped: the same function added twice is two listeners.
      const own = () => listener();
      listeners.add(own);
      return () => void listeners.delete(own);
    },
  };
}
