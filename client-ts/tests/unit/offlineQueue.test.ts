// The offline queue of a client that has no connection: its bound, its policies and its age. What happens when there
// is one again is `server/offline.test.ts`'s.

import {
  configureSync,
  createSync,
  defaultSync,
  type OfflineQueueOptions,
  type SyncClient,
  syncRequest,
} from "syncline";
import { afterEach, describe, expect, test, vi } from "vitest";

const HOUR_MS = 3_600_000;

/** A client that stays offline. */
function offline(offlineQueue?: OfflineQueueOptions, locale?: string): SyncClient {
  const sync = createSync({ url: "http://localhost:9", offlineQueue, locale });
  sync.disconnect();
  return sync;
}

/** Makes a request and remembers how it ended. */
function request(sync: SyncClient, number: number, signal?: AbortSignal) {
  const made: { number: number; answer?: Awaited<ReturnType<typeof send>> } = { number };
  const send = () =>
    sync.syncRequest({
      name: "test/nestedTest/room",
      version: "v1",
      data: { step: number, active: true },
      receiver: "r",
      signal,
    });
  const done = send().then((answer) => {
    made.answer = answer;
  });
  return Object.assign(made, { done });
}

const requests = (sync: SyncClient, count: number) =>
  Array.from({ length: count }, (_, index) => request(sync, index + 1));

afterEach(() => vi.useRealTimers());

describe("the 201st request", () => {
  test("makes the oldest go, by default", async () => {
    const sync = offline();
    const first = requests(sync, 200);
    expect(sync.getStatus()).toMatchObject({ queueLength: 200, dropped: 0, lastError: null });
    const last = request(sync, 201);
    await first[0]?.done;
    expect(first[0]?.answer).toEqual({
      status: "error",
      errorCode: "offline.dropped",
      errorParams: { reason: "queueFull" },
      message: "You were offline and too many requests were waiting, so this one was not sent.",
      httpStatus: 0,
    });
    expect([...first.slice(1), last].filter(({ answer }) => answer)).toEqual([]);
    expect(sync.getStatus()).toMatchObject({ queueLength: 200, dropped: 1, lastError: first[0]?.answer });
    sync.close();
    await last.done;
    expect(last.answer).toMatchObject({ errorCode: "request.aborted" });
  });

  for (const [whenFull, dropped] of [
    ["drop-newest", 1],
    ["reject", 0],
  ] as const) {
    test(`is itself not sent, by ${whenFull}; the status counts ${dropped}`, async () => {
      const sync = offline({ whenFull });
      const first = requests(sync, 200);
      const last = request(sync, 201);
      await last.done;
      expect(last.answer).toMatchObject({ errorCode: "offline.dropped", errorParams: { reason: "queueFull" } });
      expect(first.filter(({ answer }) => answer)).toEqual([]);
      expect(sync.getStatus()).toMatchObject({ queueLength: 200, dropped });
      expect(sync.getStatus().lastError?.errorCode).toBe(dropped ? "offline.dropped" : undefined);
      sync.close();
    });
  }

  test("is the limit's next", async () => {
    const sync = offline({ limit: 2 });
    const made = requests(sync, 5);
    await Promise.all(made.slice(0, 3).map(({ done }) => done));
    expect(made.filter(({ answer }) => !answer).map(({ number }) => number)).toEqual([4, 5]);
    expect(sync.getStatus()).toMatchObject({ queueLength: 2, dropped: 3 });
    sync.close();
  });
});

describe("a request that has waited an hour", () => {
  test("is dropped then, offline or not", async () => {
    vi.useFakeTimers();
    const sync = offline({}, "es");
    const old = request(sync, 1);
    await vi.advanceTimersByTimeAsync(1000);
    const young = request(sync, 2);
    await vi.advanceTimersByTimeAsync(HOUR_MS - 1001);
    expect(old.answer).toBeUndefined();
    await vi.advanceTimersByTimeAsync(1);
    await old.done;
    expect(old.answer).toMatchObject({
      errorCode: "offline.dropped",
      errorParams: { reason: "expired" },
      message: "Esta solicitud no se ha enviado porque ha pasado demasiado tiempo sin conexión.",
    });
    expect(young.answer).toBeUndefined();
    expect(sync.getStatus()).toMatchObject({ queueLength: 1, dropped: 1 });
    sync.close();
  });

  test("waits longer when it may", async () => {
    vi.useFakeTimers();
    const sync = offline({ maxAgeMs: Number.POSITIVE_INFINITY });
    const made = request(sync, 1);
    await vi.advanceTimersByTimeAsync(100 * HOUR_MS);
    expect(made.answer).toBeUndefined();
    sync.close();
    await made.done;
  });
});

test("an aborted request frees its place", async () => {
  const sync = offline({ limit: 1 });
  const abort = new AbortController();
  const gone = request(sync, 1, abort.signal);
  abort.abort();
  await gone.done;
  const kept = request(sync, 2);
  expect(gone.answer).toMatchObject({ errorCode: "request.aborted" });
  expect(sync.getStatus()).toMatchObject({ queueLength: 1, dropped: 0 });
  sync.close();
  await kept.done;
});

test("the languages of the client's own errors", async () => {
  const messages = new Map<string, string | undefined>();
  for (const locale of ["en", "nl-BE", "de_AT", "FR", "es", "ja-JP", "tlh", ""]) {
    const sync = offline({}, locale);
    const answer = await sync.syncRequest({
      name: "test/clientOnly/ping",
      version: "v1",
      data: {},
      receiver: "r",
      signal: AbortSignal.abort(),
    });
    messages.set(locale, answer.status === "error" ? answer.message : undefined);
  }
  expect(Object.fromEntries(messages)).toEqual({
    en: "The request was canceled.",
    "nl-BE": "Het verzoek is geannuleerd.",
    de_AT: "Die Anfrage wurde abgebrochen.",
    FR: "La requête a été annulée.",
    es: "La solicitud se ha cancelado.",
    "ja-JP": "リクエストはキャンセルされました。",
    tlh: "The request was canceled.",
    "": "The request was canceled.",
  });
});

test("the default client keeps what is asked of it before it is configured", async () => {
  const early = syncRequest({
    name: "test/clientOnly/ping",
    version: "v1",
    data: {},
    receiver: "r",
  });
  expect(defaultSync.getStatus()).toMatchObject({ state: "idle", queueLength: 1 });
  expect(configureSync({ url: "http://localhost:9" })).toBe(defaultSync);
  expect(defaultSync.getStatus()).toMatchObject({ state: "connecting", queueLength: 1 });
  defaultSync.close();
  expect(await early).toMatchObject({ errorCode: "request.aborted" });
});

test("snapshots of the status are the same until something changes", () => {
  const sync = offline();
  const before = sync.getStatus();
  const listener = vi.fn();
  const stop = sync.subscribe(listener);
  sync.disconnect();
  expect(sync.getStatus()).toBe(before);
  expect(listener).not.toHaveBeenCalled();
  void request(sync, 1);
  expect(sync.getStatus()).not.toBe(before);
  expect(listener).toHaveBeenCalledTimes(1);
  stop();
  sync.close();
  expect(listener).toHaveBeenCalledTimes(1);
});
