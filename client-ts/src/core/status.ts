// What an app can show of the connection.

import { createStore, type Store } from "./store.js";

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
export type StatusStore = Store<SyncStatus>;

/** What a client's status is before anything has happened. */
export const IDLE: SyncStatus = { state: "idle", queueLength: 0, dropped: 0, lastError: null };

/** Makes one. */
export const createStatusStore = (): StatusStore => createStore(IDLE);
