// What to show of the connection.

import { useSyncExternalStore } from "react";
import { IDLE, type SyncStatus } from "../core/status.js";
import { useSync } from "./SyncProvider.js";

/** State, queue length and last error of the connection. It does not connect by itself. */
export function useSyncStatus(): SyncStatus {
  const { subscribe, getStatus } = useSync();
  return useSyncExternalStore(subscribe, getStatus, () => IDLE);
}
