// The default client, for apps with one server: configured once, used by functions from anywhere.

import { createClient, type SyncClient } from "./client.js";
import type { SyncOptions } from "./options.js";

/** The default client. Until `configureSync` is called, what is asked of it waits. */
export const defaultSync: SyncClient = /* @__PURE__ */ createClient();

/** Tells the default client its server, token and language, and returns it. Nothing connects before something needs it. */
export function configureSync(options: SyncOptions): SyncClient {
  defaultSync.configure(options);
  return defaultSync;
}

/** `syncRequest` of the default client: {@link SyncClient.syncRequest}. */
export const syncRequest: SyncClient["syncRequest"] = (request) => defaultSync.syncRequest(request);

/** `upsertSyncEventCallback` of the default client: {@link SyncClient.upsertSyncEventCallback}. */
export const upsertSyncEventCallback: SyncClient["upsertSyncEventCallback"] = (callback, owner) =>
  defaultSync.upsertSyncEventCallback(callback, owner);

/** `joinRoom` of the default client: {@link SyncClient.joinRoom}. */
export const joinRoom: SyncClient["joinRoom"] = (room) => defaultSync.joinRoom(room);

/** `updateLocation` of the default client: {@link SyncClient.updateLocation}. */
export const updateLocation: SyncClient["updateLocation"] = (location) => defaultSync.updateLocation(location);
