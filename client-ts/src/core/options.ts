// What a client is told once, and the defaults. Nothing is done with it here.

import type { ManagerOptions, SocketOptions } from "socket.io-client";

/** What `token` is told. */
export interface TokenRequest {
  /** The code with which the server refused the last token (`auth.expired`, `auth.invalid`, ...): a cached one will not do. */
  refused?: string;
}

/** A session token, or nothing for an anonymous session. */
export type Token = string | null | undefined;

/** What becomes of requests while there is no connection. */
export interface OfflineQueueOptions {
  /** How many requests may wait. Default: 200. */
  limit?: number | undefined;
  /** How many milliseconds a request may wait. Default: 3,600,000 (one hour). */
  maxAgeMs?: number | undefined;
  /**
   * Which request goes when there is one too many. Its answer is `offline.dropped` in each case.
   * - `drop-oldest`, the default: the one that has waited longest makes room for the new one.
   * - `drop-newest`: the new one is dropped, and the status counts it.
   * - `reject`: the new one is not taken; only its caller is told, the status is not touched.
   */
  whenFull?: "drop-oldest" | "drop-newest" | "reject" | undefined;
}

/** What a client is told once. */
export interface SyncOptions {
  /** The server, for example `https://sync.example.com`. */
  url: string;
  /** Gives the session token. It is called at each connect and when the token has expired. Left out: anonymous. */
  token?: ((request: TokenRequest) => Token | Promise<Token>) | undefined;
  /**
   * The language of messages, for example `nl` or `ja-JP`; a function is asked at each connect. A token's own
   * `locale` goes before it. Default: the browser's language.
   */
  locale?: string | (() => string | undefined) | undefined;
  /** How many milliseconds an answer may take, counted from the sending. Default: 30,000. */
  timeoutMs?: number | undefined;
  /** What becomes of requests while there is no connection. */
  offlineQueue?: OfflineQueueOptions | undefined;
  /** Settings of socket.io-client, for example `{ transports: ["websocket"] }`. They are read when the first connection is made. */
  socket?: Partial<ManagerOptions & Omit<SocketOptions, "auth" | "retries">> | undefined;
}

/** How long an answer may take. */
export const TIMEOUT_MS = 30_000;

/** How many requests may be unanswered at a time: half of what a server's inbox holds per socket, the rest is for rooms. */
export const WINDOW = 32;

/** How many requests may wait for a connection. */
export const QUEUE_LIMIT = 200;

/** How long a request may wait for a connection. */
export const MAX_AGE_MS = 3_600_000;

/** The longest time between two attempts after a refusal. */
export const REFUSED_DELAY_MAX_MS = 30_000;
