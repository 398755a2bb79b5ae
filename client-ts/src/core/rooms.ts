// The rooms that the app is in, counted by their holders, and joined again with each connection.

import { retryAfterMs, type SyncError } from "./answer.js";
import type { Connection } from "./connection.js";
import type { StatusStore } from "./status.js";

/** How it stands with a room: the same object for as long as nothing changes. */
export interface RoomStatus {
  /** `out`: nobody asked for it. `error`: the server did not let us in; it is tried again with the next connection. */
  readonly state: "out" | "joining" | "joined" | "error";
  /** Why not, in state `error`. */
  readonly error: SyncError | null;
}

/** A hold on a room: we stay in it for as long as there is one. */
export interface RoomHold {
  readonly room: string;
  /** Settles when the room is first joined or refused, or left before that. Never rejected. */
  readonly joined: Promise<RoomStatus>;
  /** Lets go. Calling it again does nothing. */
  leave(): void;
}

/** The rooms of a client. */
export interface Rooms {
  join(room: string): RoomHold;
  get(room: string): RoomStatus;
  /** Joins them all, and settles when each is answered. */
  rejoin(): Promise<unknown>;
  /** The connection is lost. */
  lost(): void;
}

interface Entry {
  holds: number;
  status: RoomStatus;
  waiting: ((status: RoomStatus) => void)[];
}

/** In no room. */
export const OUT: RoomStatus = { state: "out", error: null };
/** On the way into one. */
export const JOINING: RoomStatus = { state: "joining", error: null };
const JOINED: RoomStatus = { state: "joined", error: null };

/** Makes one. */
export function createRooms(connection: Connection, store: StatusStore): Rooms {
  const entries = new Map<string, Entry>();

  const change = (entry: Entry, status: RoomStatus) => {
    entry.status = status;
    if (status !== JOINING) {
      for (const settle of entry.waiting.splice(0)) settle(status);
    }
    store.notify();
  };

  /** Asks to be let in; settles with the answer, whatever it is. */
  const enter = (room: string, entry: Entry) =>
    new Promise<void>((done) => {
      const isCurrent = () => entries.get(room) === entry && connection.isConnected();
      if (!isCurrent()) return done();
      if (entry.status.state === "error") change(entry, JOINING);
      connection.ask("joinRoom", { room }, async (outcome) => {
        const retryMs = retryAfterMs(outcome);
        if (retryMs !== undefined) {
          setTimeout(() => enter(room, entry).then(done), retryMs);
          return;
        }
        const answer = typeof outcome === "string" ? await connection.error(outcome) : outcome;
        if (isCurrent()) {
          if (answer.status === "success") {
            change(entry, JOINED);
          } else {
            change(entry, { state: "error", error: answer });
            store.set({ lastError: answer });
          }
        }
        done();
      });
    });

  const leave = (room: string, entry: Entry) => {
    if (--entry.holds > 0) return;
    entries.delete(room);
    if (connection.isConnected()) connection.ask("leaveRoom", { room }, () => {});
    change(entry, OUT);
  };

  return {
    join(room) {
      let entry = entries.get(room);
      if (!entry) {
        entry = { holds: 0, status: JOINING, waiting: [] };
        entries.set(room, entry);
        store.notify();
        connection.use();
        void enter(room, entry);
      }
      const held = entry;
      held.holds++;
      let left = false;
      return {
        room,
        joined: new Promise((resolve) => {
          if (held.status === JOINING) held.waiting.push(resolve);
          else resolve(held.status);
        }),
        leave() {
          // A moment later: when one component lets go and another takes hold at once, the room is not left.
          if (!left) queueMicrotask(() => leave(room, held));
          left = true;
        },
      };
    },
    get: (room) => entries.get(room)?.status ?? OUT,
    rejoin: () => Promise.all([...entries].map(([room, entry]) => enter(room, entry))),
    lost() {
      for (const entry of entries.values()) change(entry, JOINING);
    },
  };
}
