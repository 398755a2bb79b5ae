// The package `syncline`: the client without any framework.

export type { SyncError, SyncErrorParam } from "./core/answer.js";
export { createSync, type SyncClient, type SyncLocation } from "./core/client.js";
export {
  configureSync,
  defaultSync,
  joinRoom,
  syncRequest,
  updateLocation,
  upsertSyncEventCallback,
} from "./core/defaultSync.js";
export type { SyncFrame } from "./core/frames.js";
export type { OfflineQueueOptions, SyncOptions, Token, TokenRequest } from "./core/options.js";
export type { RoomHold, RoomStatus } from "./core/rooms.js";
export type {
  ClientOutputOf,
  ErrorCodeOf,
  InputOf,
  ServerOutputOf,
  SyncAnswer,
  SyncErrorOf,
  SyncEvent,
  SyncEventCallback,
  SyncEventError,
  SyncEventName,
  SyncEventVersion,
  SyncMessage,
} from "./core/routes.js";
export type { StatusError, SyncState, SyncStatus } from "./core/status.js";
// As a whole: only so can an app's `declare module "syncline"` add to it.
export * from "./register.js";
