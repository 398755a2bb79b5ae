// What is said of our changes, as the server answers, and when it is asked.

import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { createKept, type Kept } from "../../src/documents/kept.js";

let marks: number[];
let repeated: number;
let kept: Kept;
const make = (given = false) => {
  marks = [];
  repeated = 0;
  const mark = (number: number) => void marks.push(number);
  return createKept(given, { mark, repeat: () => void repeated++, onChange: () => {} });
};
const settle = () => Promise.resolve();
const journaled = (number: number) => kept.receive({ type: "journaled", number });
const saved = (number: number) => kept.receive({ type: "saved", number });

beforeEach(() => {
  vi.useFakeTimers();
  kept = make();
});
afterEach(() => {
  kept.lost();
  expect(vi.getTimerCount()).toBe(0);
  vi.useRealTimers();
});

test("what is changed at once is marked once, and one marker waits at a time", async () => {
  kept.compared();
  expect(marks).toEqual([]);
  for (let change = 0; change < 3; change++) kept.changed(true);
  expect(marks).toEqual([]);
  await settle();
  expect(marks).toEqual([1]);
  kept.changed(true);
  await settle();
  expect(marks).toEqual([1]);
  journaled(1);
  expect(marks).toEqual([1, 2]);
  expect(kept.get()).toBe("unsent");
  journaled(2);
  expect(kept.get()).toBe("journaled");
  saved(1);
  expect(kept.get(), "not all of it").toBe("journaled");
  saved(2);
  expect(kept.get()).toBe("saved");
});

test("nothing is marked before the server was sent what it lacks", async () => {
  kept.changed(true);
  await settle();
  expect(marks).toEqual([]);
  kept.compared();
  expect(marks).toEqual([1]);
  expect(repeated).toBe(1);
  kept.lost();
  kept.changed(true);
  await settle();
  expect(marks, "nor without a connection").toEqual([1]);
  kept.compared();
  expect(marks).toEqual([1, 2]);
});

test("a marker without an answer is sent again, with what came since", async () => {
  kept.compared();
  kept.changed(true);
  await settle();
  kept.changed(true);
  await vi.advanceTimersByTimeAsync(4999);
  expect(marks).toEqual([1]);
  await vi.advanceTimersByTimeAsync(1);
  expect(marks).toEqual([1, 2]);
  journaled(2);
  await vi.advanceTimersByTimeAsync(20_000);
  expect(marks).toEqual([1, 2]);
});

test("what was journaled and not saved is asked about by the next connection, which need not hear it again", async () => {
  kept.compared();
  kept.changed(true);
  await settle();
  journaled(1);
  kept.lost();
  expect(kept.get()).toBe("journaled");
  kept.compared();
  expect([marks, repeated]).toEqual([[1, 2], 0]);
  saved(2);
  expect(kept.get()).toBe("saved");
});

test("what the server answers after something was missing to it does not count", async () => {
  kept.compared();
  kept.changed(true);
  await settle();
  journaled(1);
  saved(1);
  kept.compared();
  expect([kept.get(), marks]).toEqual(["unsent", [1, 2]]);
  journaled(1);
  expect(kept.get(), "said of what was sent before").toBe("unsent");
  journaled(2);
  expect(kept.get()).toBe("journaled");
});

test("what was refused stays unsent, also for the next connection, whatever is answered", async () => {
  kept.compared();
  kept.changed(true);
  await settle();
  kept.receive({ type: "denied", reason: "no" });
  journaled(1);
  saved(1);
  expect(kept.get()).toBe("unsent");
  kept.lost();
  expect(kept.get()).toBe("unsent");
  kept.compared();
  expect(repeated).toBe(1);
  journaled(2);
  expect(kept.get(), "somebody may write now").toBe("journaled");
});

test("a document that was there is not known to be sent, and its deletions are no news", () => {
  kept = make(true);
  expect(kept.get()).toBe("unsent");
  kept.compared();
  expect([marks, repeated]).toEqual([[1], 0]);
  saved(1);
  expect(kept.get()).toBe("saved");
});
