// What became of our changes: it is said only of what the server has answered for. Changes are counted, and after them goes a
// marker, with a number of its own: what the server answers to one that was sent before something was missing to it is void.

import type { Message } from "./messages.js";

/**
 * - `unsent`: some of our changes are not known to be with the server. They go with this page.
 * - `journaled`: all of them are in the server's journal, which outlasts the server, and in the document of everybody else.
 * - `saved`: all of them are in the object store, or there was none.
 */
export type DocumentSaved = "unsent" | "journaled" | "saved";

/** What became of our changes. */
export interface Kept {
  get(): DocumentSaved;
  /** There is a change of ours; `own` if it was made here, and not read from where an app keeps documents. */
  changed(own: boolean): void;
  /** The server has said what it has, and was sent what it lacks. Until then a marker would speak for too much. */
  compared(): void;
  receive(message: Message): void;
  /** The connection has ended. */
  lost(): void;
}

/** What it does. */
export interface KeptOptions {
  /** Sends a marker. */
  mark(number: number): void;
  /** Changes were made without a connection: they are said once more, so that a refusal of them is heard. */
  repeat(): void;
  /** What {@link Kept.get} says may have changed. */
  onChange(): void;
}

/** After what time a marker without an answer is sent again: the server has none while something is missing to it. */
const AGAIN_MS = 5000;

/** How many markers are remembered: of more, the newest speak for all. */
const MARKS_MAX = 64;

/** Nothing was changed yet; or everything, of a document that an app came with (`given`). */
export function createKept(given: boolean, { mark, repeat, onChange }: KeptOptions): Kept {
  let changes = given ? 1 : 0;
  /** How many of them were, when the last of those was made that are from here. */
  let own = 0;
  let journaled = 0;
  let saved = 0;
  /** What was known when this connection began. */
  let before = { journaled, saved };
  let compared = false;
  let denied = false;
  /** A marker has no answer yet: the next one waits for it. */
  let waits = false;
  let scheduled = false;
  let marker = 0;
  /** How many changes were before which marker. */
  const marks = new Map<number, number>();
  let again: ReturnType<typeof setTimeout> | undefined;

  const send = () => {
    scheduled = false;
    if (!compared || denied || waits || saved === changes) return;
    waits = true;
    again = setTimeout(() => {
      waits = false;
      send();
    }, AGAIN_MS);
    marks.set(++marker, changes);
    marks.delete(marker - MARKS_MAX);
    mark(marker);
  };
  const answered = () => {
    waits = false;
    clearTimeout(again);
    if (journaled < changes) send();
  };

  return {
    get() {
      if (denied || journaled < changes) return "unsent";
      return saved < changes ? "journaled" : "saved";
    },
    changed(isOwn) {
      changes++;
      if (isOwn) own = changes;
      // A moment later: what is changed at once is marked at once.
      if (!scheduled) queueMicrotask(send);
      scheduled = true;
      onChange();
    },
    compared() {
      // Once more means that something was missing to the server: what it has answered may not hold.
      if (compared) ({ journaled, saved } = before);
      marks.clear();
      compared = true;
      if (journaled < own) repeat();
      answered();
      if (!waits) send();
      onChange();
    },
    receive(message) {
      if (message.type === "denied") denied = true;
      // It answers a marker also when it has refused what was before.
      else if (denied) return;
      else if (message.type === "journaled" || message.type === "saved") {
        const marked = marks.get(message.number) ?? 0;
        journaled = Math.max(journaled, marked);
        if (message.type === "saved") saved = Math.max(saved, marked);
        else if (message.number === marker) answered();
      } else return;
      onChange();
    },
    lost() {
      clearTimeout(again);
      compared = denied = waits = false;
      marks.clear();
      before = { journaled, saved };
    },
  };
}
