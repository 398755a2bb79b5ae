// The newest frames of all connections, for the wire panel. Older ones go, and frames are counted all the same.

import type { SyncFrame } from "syncline";
import type { PersonClient } from "../people/client";
import type { PersonId } from "../people/people";

export interface WireEntry extends SyncFrame {
  readonly key: number;
  readonly person: PersonId;
}

export interface WireSnapshot {
  readonly entries: readonly WireEntry[];
  readonly total: number;
}

/** How many frames are kept. */
const KEPT = 120;

export interface WireLog {
  get(): WireSnapshot;
  subscribe(listener: () => void): () => void;
  clear(): void;
}

export function createWireLog(clients: readonly PersonClient[]): WireLog {
  let snapshot: WireSnapshot = { entries: [], total: 0 };
  let scheduled = false;
  let fresh: WireEntry[] = [];
  const listeners = new Set<() => void>();

  // Hundreds of frames may come at once, and are shown at once: a screen has no more than one picture at a time.
  function show() {
    scheduled = false;
    snapshot = { entries: [...snapshot.entries, ...fresh].slice(-KEPT), total: snapshot.total + fresh.length };
    fresh = [];
    for (const listener of listeners) listener();
  }

  let key = 0;
  for (const { person, sync } of clients) {
    sync.inspect((frame) => {
      key += 1;
      fresh.push({ ...frame, key, person: person.id });
      if (!scheduled) requestAnimationFrame(show);
      scheduled = true;
    });
  }

  return {
    get: () => snapshot,
    subscribe(listener) {
      listeners.add(listener);
      return () => listeners.delete(listener);
    },
    clear() {
      snapshot = { entries: [], total: 0 };
      for (const listener of listeners) listener();
    },
  };
}
