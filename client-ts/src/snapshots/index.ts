// The package's entry `syncline/snapshots`: an app's own state, pushed to everyone who watches it.

export type { SyncError } from "../core/answer.js";
export { type PollingTransportOptions, pollingTransport } from "./polling.js";
export type { SnapshotRecord, SnapshotTopic } from "./record.js";
export type {
  SnapshotConnection,
  SnapshotContext,
  SnapshotEnd,
  SnapshotEvents,
  SnapshotTransport,
  TransportName,
} from "./transport.js";
export {
  type RefreshAnswer,
  type RefreshReason,
  type SnapshotOptions,
  type SnapshotSettings,
  type SnapshotState,
  type SnapshotStatus,
  type SnapshotWatch,
  watchSnapshot,
} from "./watch.js";
export { type WebSocketTransportOptions, websocketTransport } from "./websocket.js";
