"use client";
// The package's entry `syncline/react`: hooks on the client, and nothing of their own.

export { SyncProvider, type SyncProviderProps, useSync } from "./SyncProvider.js";
export { type GameSyncOptions, useGameSync } from "./useGameSync.js";
export { useRoom } from "./useRoom.js";
export { type UsedRoomState, useRoomState } from "./useRoomState.js";
export { type UsedSnapshot, type UsedTopic, useSnapshot } from "./useSnapshot.js";
export { useSyncEvent } from "./useSyncEvent.js";
export { type SyncEvents, useSyncEvents } from "./useSyncEvents.js";
export { useSyncLocation } from "./useSyncLocation.js";
export { useSyncStatus } from "./useSyncStatus.js";
export { type UsedWorkspace, type UsedWorkspaceOptions, useWorkspace } from "./useWorkspace.js";
