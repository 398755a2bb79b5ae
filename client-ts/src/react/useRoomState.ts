// A room's state in a component, shared with all others that use it.

import { useCallback, useSyncExternalStore } from "react";
import { createRoom, type Room, type RoomSnapshot } from "../rooms/room.js";
import { sharedRooms } from "../rooms/sharedRooms.js";
import { useSync } from "./SyncProvider.js";

/** What {@link useRoomState} returns. */
export interface UsedRoomState<State> extends RoomSnapshot<State> {
  /** {@link Room.setState}. It stays the same function, and what it has begun goes on after an unmount. */
  readonly setState: Room<State>["setState"];
}

/** Before the effect that opens the room, and on a server. */
const BEFORE: RoomSnapshot<unknown> = { state: null, version: 0, status: "connecting", error: null };

/**
 * The state of a room, and the function that sets it for everybody. Components that use the same room share one stream,
 * which is open while any of them is there.
 *
 * @example
 * const { state, version, setState } = useRoomState<{ topic: string }>("team");
 * <button onClick={() => setState({ topic: "Lunch" })}>{state?.topic}</button>
 */
export function useRoomState<State>(roomId: string): UsedRoomState<State> {
  const sync = useSync();
  const hold = useCallback(
    () => sharedRooms.hold(sync, roomId, () => createRoom<unknown>(roomId, { sync })),
    [sync, roomId],
  );
  const subscribe = useCallback(
    (listener: () => void) => {
      const { value: room, release } = hold();
      const stop = room.subscribe(listener);
      return () => {
        stop();
        release();
      };
    },
    [hold],
  );
  const read = () => sharedRooms.get(sync, roomId)?.getSnapshot() ?? BEFORE;
  const setState = useCallback<Room<State>["setState"]>(
    async (next) => {
      const { value: room, release } = hold();
      const answer = await (room as Room<State>).setState(next);
      release();
      return answer;
    },
    [hold],
  );
  // That it is of this type is whoever writes to the room's promise.
  const snapshot = useSyncExternalStore(subscribe, read, () => BEFORE) as RoomSnapshot<State>;
  return { ...snapshot, setState };
}
