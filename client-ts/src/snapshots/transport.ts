// What a transport is: one way for a topic's snapshots to come. Whether there is another connection after one that has
// ended, and which snapshot is the newer one, is not a transport's matter.

import type { SyncError } from "../core/answer.js";
import type { LineConnection as SnapshotConnection, LineEnd as SnapshotEnd } from "../core/line.js";
import type { SnapshotRecord, SnapshotTopic } from "./record.js";

export type { SnapshotConnection, SnapshotEnd };

/** A way for snapshots to come. One object may serve any number of topics. */
export interface SnapshotTransport {
  /** What an app is shown as the transport in use. */
  readonly name: TransportName;
  /** Opens a connection, once. What has been closed or has ended tells nothing more. */
  open(context: SnapshotContext, events: SnapshotEvents): SnapshotConnection;
}

/** The package's own transports; a transport of an app's own has any other name. */
export type TransportName = "websocket" | "polling" | (string & {});

/** What a connection can use. */
export interface SnapshotContext {
  readonly topic: SnapshotTopic;
  /**
   * Reads the snapshot over HTTP, if the server has another one than it gave the last time, and has it shown. Resolves
   * with nothing when that is done, or with why it is not. Never rejected.
   */
  read(signal: AbortSignal): Promise<SnapshotEnd | undefined>;
  /** Where a WebSocket finds the topic, with a ticket that is good for one connection. Never rejected. */
  socketUrl(signal: AbortSignal): Promise<string | SnapshotEnd>;
  /** The server says that the session has expired: the next request asks for a new token. */
  expired(): void;
}

/** What a connection tells. */
export interface SnapshotEvents {
  /** It works, though there is nothing new. */
  onLive(): void;
  /** It works, and this is there. */
  onSnapshot(record: SnapshotRecord): void;
  /** The server objects to something, and the connection stays. */
  onError(error: SyncError): void;
  /** It has ended, or never began. */
  onEnd(end?: SnapshotEnd): void;
}
