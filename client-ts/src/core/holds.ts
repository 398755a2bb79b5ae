// What several holders share, one for each client and key: there while anybody holds it.

import type { SyncClient } from "./client.js";

/** A hold on something shared. */
export interface Hold<Value> {
  readonly value: Value;
  /** Lets go. */
  release(): void;
}

/** What is held. */
export interface Holds<Value> {
  /** It, while anybody holds it. */
  get(sync: SyncClient, key: string): Value | undefined;
  /** Takes hold of it; it is made if nobody did. */
  hold(sync: SyncClient, key: string, make: () => Value): Hold<Value>;
}

/** Makes holds of nothing yet. */
export function createHolds<Value extends { close(): void }>(): Holds<Value> {
  const clients = new WeakMap<SyncClient, Map<string, { value: Value; holds: number }>>();
  return {
    get: (sync, key) => clients.get(sync)?.get(key)?.value,
    hold(sync, key, make) {
      const held = clients.get(sync) ?? new Map();
      clients.set(sync, held);
      const entry = held.get(key) ?? { value: make(), holds: 0 };
      held.set(key, entry);
      entry.holds++;
      const release = () => {
        if (--entry.holds > 0) return;
        held.delete(key);
        entry.value.close();
      };
      // A moment later: when one component lets go and another takes hold at once, it stays.
      return { value: entry.value, release: () => queueMicrotask(release) };
    },
  };
}
