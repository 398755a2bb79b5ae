// One event, one callback, for as long as the component is there.

import { useEffect } from "react";
import type { SyncEventCallback, SyncEventName, SyncEventVersion } from "../core/routes.js";
import { useSyncEvents } from "./useSyncEvents.js";

/**
 * Calls back when the event arrives, always with the callbacks of the last render.
 *
 * @example
 * useSyncEvent({ name: "chat/sendMessage", version: "v1", callback: ({ serverOutput }) => add(serverOutput) });
 */
export function useSyncEvent<const Name extends SyncEventName, const Version extends SyncEventVersion<Name>>({
  name,
  version,
  callback,
  onError,
}: SyncEventCallback<Name, Version>): void {
  const { upsertSyncEventCallback } = useSyncEvents();
  useEffect(
    () => upsertSyncEventCallback({ name, version, callback, onError }),
    [upsertSyncEventCallback, name, version, callback, onError],
  );
}
