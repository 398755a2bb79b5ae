// What an app sees of a workspace: what the server has, with what is on its way there on top. The object that is shown is
// another one only when a value is.

import { type Change, type Values, valuesOf } from "./messages.js";

/** A workspace's values. */
export interface View {
  /** What is shown: the same object until a value changes, and the same values until they do. */
  get(): Values;
  /** The server has this, and nothing else. */
  replace(data: Values): void;
  /** The server has these changes on top of what it had. */
  apply(changes: readonly Change[]): void;
  /** Other changes are on their way now: what was touched, by the server or by them, is shown anew. */
  overlay(changes: readonly Change[]): void;
}

/** Nothing. */
export const NOTHING: Values = /* @__PURE__ */ Object.freeze(Object.create(null));

/** Whether two JSON values say the same. */
export function same(one: unknown, other: unknown): boolean {
  if (one === other) return true;
  if (typeof one !== "object" || typeof other !== "object" || !one || !other) return false;
  if (Array.isArray(one) !== Array.isArray(other)) return false;
  const [ones, others] = [one as Record<string, unknown>, other as Record<string, unknown>];
  const keys = Object.keys(ones);
  return (
    keys.length === Object.keys(others).length &&
    keys.every((key) => Object.hasOwn(others, key) && same(ones[key], others[key]))
  );
}

/** Makes one that is empty. */
export function createView(): View {
  const server = new Map<string, unknown>();
  /** The last change of each key that is on its way. */
  let pending = new Map<string, Change>();
  /** Keys of which something else may have to be shown. */
  const touched = new Set<string>();
  let shown = NOTHING;

  const put = (change: Change) => {
    touched.add(change.key);
    if (change.type === "op") server.set(change.key, change.value);
    else server.delete(change.key);
  };

  return {
    get: () => shown,
    replace(data) {
      for (const key of server.keys()) touched.add(key);
      server.clear();
      for (const key of Object.keys(data)) put({ type: "op", key, value: data[key] });
    },
    apply: (changes) => changes.forEach(put),
    overlay(changes) {
      for (const key of pending.keys()) touched.add(key);
      pending = new Map(changes.map((change) => [change.key, change]));
      for (const key of pending.keys()) touched.add(key);
      let next: Record<string, unknown> | undefined;
      for (const key of touched) {
        const change = pending.get(key);
        const isThere = change ? change.type === "op" : server.has(key);
        const value = change?.type === "op" ? change.value : server.get(key);
        if (isThere === key in shown && (!isThere || same(shown[key], value))) continue;
        next ??= valuesOf(shown);
        if (isThere) next[key] = value;
        else delete next[key];
      }
      touched.clear();
      if (next) shown = Object.freeze(next);
    },
  };
}
