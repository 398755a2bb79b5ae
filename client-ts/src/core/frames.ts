// A look at everything that goes over the wire, for panels and devtools. Without a listener nothing is made.

import { safely } from "./safely.js";

/** Something that was sent or arrived. */
export interface SyncFrame {
  /** When, in milliseconds since 1970. */
  at: number;
  direction: "in" | "out";
  /** The Socket.IO event (`sync`, `joinRoom`, ...), or `connect`, `connect_error`, `disconnect`; `room`, `snapshot`, `workspace`, `document`: over the entries of that name. */
  event: string;
  payload: unknown;
  /** An outgoing frame and its answer have the same. */
  id?: number | undefined;
}

/** Passes frames on. */
export interface Frames {
  pass(direction: SyncFrame["direction"], event: string, payload: unknown, id?: number): void;
  /** Adds a listener; the result removes it. */
  inspect(listener: (frame: SyncFrame) => void): () => void;
}

/** Makes one. */
export function createFrames(): Frames {
  const listeners = new Set<(frame: SyncFrame) => void>();
  return {
    pass(direction, event, payload, id) {
      for (const listener of listeners) {
        safely(() => listener({ at: Date.now(), direction, event, payload, id }));
      }
    },
    inspect(listener) {
      const own = (frame: SyncFrame) => listener(frame);
      listeners.add(own);
      return () => void listeners.delete(own);
    },
  };
}
