// A component's place in a room.

import { useEffect, useSyncExternalStore } from "react";
import { JOINING, OUT, type RoomStatus } from "../core/rooms.js";
import { useSync } from "./SyncProvider.js";

/**
 * Stays in the room for as long as any component uses it, and tells how it stands with it. `null`: in none.
 *
 * @example
 * const { state, error } = useRoom("game-room-123");
 */
export function useRoom(room: string | null | undefined): RoomStatus {
  const sync = useSync();
  useEffect(() => (room == null ? undefined : sync.joinRoom(room).leave), [sync, room]);
  const before = room == null ? OUT : JOINING;
  const read = () => {
    const status = room == null ? OUT : sync.getRoomStatus(room);
    // The first render comes before the effect that joins.
    return status === OUT ? before : status;
  };
  return useSyncExternalStore(sync.subscribe, read, () => before);
}
