// An observable value whose snapshots change only when it does.

import { safely } from "./safely.js";

/** Holds an object. */
export interface Store<Value> {
  get(): Value;
  /** Changes what differs, and tells the listeners if anything did. */
  set(change: Partial<Value>): void;
  /** Tells the listeners. */
  notify(): void;
  /** Adds a listener; the result removes it. */
  subscribe(listener: () => void): () => void;
}

/** Makes one. */
export function createStore<Value extends object>(first: Value): Store<Value> {
  let value = first;
  const listeners = new Set<() => void>();
  const notify = () => [...listeners].forEach(safely);
  return {
    get: () => value,
    set(change) {
      if ((Object.keys(change) as (keyof Value)[]).some((key) => change[key] !== value[key])) {
        value = { ...value, ...change };
        notify();
      }
    },
    notify,
    subscribe(listener) {
      // Wrapped: the same function added twice is two listeners.
      const own = () => listener();
      listeners.add(own);
      return () => void listeners.delete(own);
    },
  };
}
