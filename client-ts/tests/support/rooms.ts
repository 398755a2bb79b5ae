// Rooms of a test, closed after it, and ways to wait for what they show. It asserts nothing.

import type { SyncClient } from "syncline";
import { createRoom, type Room, type RoomOptions, type RoomSnapshot } from "syncline/rooms";
import { onTestFinished } from "vitest";

/** What the tests keep in rooms. */
export interface Board {
  text: string;
}

/** A room that is closed after the test. */
export function openRoom(sync: SyncClient, roomId: string, options: RoomOptions = {}): Room<Board> {
  const room = createRoom<Board>(roomId, { sync, ...options });
  onTestFinished(() => room.close());
  return room;
}

/** Waits until the snapshot is so. */
export function shows(room: Room<Board>, isSo: (snapshot: RoomSnapshot<Board>) => boolean): Promise<void> {
  return new Promise((resolve) => {
    const look = () => {
      if (!isSo(room.getSnapshot())) return;
      stop();
      resolve();
    };
    const stop = room.subscribe(look);
    look();
  });
}

/** Waits for a connection. */
export const connected = (...rooms: Room<Board>[]) =>
  Promise.all(rooms.map((room) => shows(room, ({ status }) => status === "connected")));

/** Waits for a text. */
export const says = (room: Room<Board>, text: string) => shows(room, ({ state }) => state?.text === text);

/** Everything that the room shows from now on. */
export function record<Part>(room: Room<Board>, part: (snapshot: RoomSnapshot<Board>) => Part): Part[] {
  const parts = [part(room.getSnapshot())];
  room.subscribe(() => {
    const next = part(room.getSnapshot());
    if (next !== parts.at(-1)) parts.push(next);
  });
  return parts;
}
