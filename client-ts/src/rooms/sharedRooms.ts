// Rooms that several holders share, one for each client and name: open while anybody holds it.

import type { SyncClient } from "../core/client.js";
import { createRoom, type Room } from "./room.js";

/** A hold on a shared room. */
export interface SharedRoomHold {
  readonly room: Room<unknown>;
  /** Lets go. */
  release(): void;
}

interface Entry {
  room: Room<unknown>;
  holds: number;
}

const clients = /* @__PURE__ */ new WeakMap<SyncClient, Map<string, Entry>>();

/** The room, while anybody holds it. */
export function sharedRoom(sync: SyncClient, roomId: string): Room<unknown> | undefined {
  return clients.get(sync)?.get(roomId)?.room;
}

/** Takes hold of the room, and opens it if nobody did. */
export function holdRoom(sync: SyncClient, roomId: string): SharedRoomHold {
  const rooms = clients.get(sync) ?? new Map<string, Entry>();
  clients.set(sync, rooms);
  const entry = rooms.get(roomId) ?? { room: createRoom<unknown>(roomId, { sync }), holds: 0 };
  rooms.set(roomId, entry);
  entry.holds++;
  const release = () => {
    if (--entry.holds > 0) return;
    rooms.delete(roomId);
    entry.room.close();
  };
  // A moment later: when one component lets go and another takes hold at once, the room stays open.
  return { room: entry.room, release: () => queueMicrotask(release) };
}
