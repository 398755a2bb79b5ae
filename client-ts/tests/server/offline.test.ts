// What waits for a connection, on a real server: nothing is lost, doubled or out of order.

import { afterAll, beforeAll, describe, expect, test, vi } from "vitest";
import { joined, recordFrames, recordSteps, step, until, untilState, user } from "../support/clients.js";
import { type Playground, startPlayground } from "../support/playground.js";

let playground: Playground;
beforeAll(async () => {
  // With the default limits: they are a part of what is tested.
  playground = await startPlayground();
});
afterAll(() => playground.kill());

const numbers = (count: number, from = 1) => Array.from({ length: count }, (_, index) => from + index);

describe("requests made offline", () => {
  test("200 of them arrive once and in order, though the server lets through 100 at a time", async () => {
    const [ada, bob] = [await user(playground, { sub: "ada" }), await user(playground, { sub: "bob" })];
    await Promise.all([joined(ada, "train"), joined(bob, "train")]);
    const arrived = recordSteps(bob);
    ada.disconnect();
    expect(ada.getStatus().state).toBe("offline");
    const answers = numbers(200).map((number) => step(ada, number, "train"));
    expect(ada.getStatus()).toMatchObject({ queueLength: 200, dropped: 0 });

    const frames = recordFrames(ada);
    const lengths: number[] = [];
    ada.subscribe(() => lengths.push(ada.getStatus().queueLength));
    ada.connect();
    expect((await Promise.all(answers)).every(({ status }) => status === "success")).toBe(true);
    await step(ada, 201, "train");
    await arrived.count(201);
    expect(arrived.steps).toEqual(numbers(201));
    expect(ada.getStatus()).toMatchObject({ state: "connected", queueLength: 0, dropped: 0 });
    expect(lengths.filter((length, index) => length !== lengths[index - 1]).slice(0, 3)).toEqual([200, 199, 198]);
    // The limit was reached: without it the test would show little.
    expect(JSON.stringify(frames)).toContain("sync.rateLimited");
    expect(JSON.stringify(frames)).not.toContain("sync.inboxFull");
  });

  test("keep their order under a handler's own, tighter limit", async () => {
    const [ada, bob] = [await user(playground, { sub: "cy" }), await user(playground, { sub: "bob" })];
    await Promise.all([joined(ada, "chat"), joined(bob, "chat")]);
    const texts: string[] = [];
    bob.upsertSyncEventCallback({
      name: "chat/sendMessage",
      version: "v1",
      callback: ({ serverOutput }) => texts.push(serverOutput.text),
    });
    const { count } = recordSteps(bob);
    ada.disconnect();
    const said = numbers(14).map((number) =>
      ada.syncRequest({
        name: "chat/sendMessage",
        version: "v1",
        data: { text: `message ${number}` },
        receiver: "chat",
      }),
    );
    ada.connect();
    expect((await Promise.all(said)).map(({ status }) => status)).toEqual(said.map(() => "success"));
    await step(ada, 1, "chat");
    await count(1);
    expect(texts).toEqual(numbers(14).map((number) => `message ${number}`));
  });

  test("that grew too old while the device slept, and its timers with it, are dropped at waking", async () => {
    const ada = await user(playground, { sub: "ada" });
    await joined(ada, "slept");
    ada.disconnect();
    const old = step(ada, 1, "slept");
    vi.useFakeTimers({ toFake: ["Date"], now: Date.now() + 3_600_000 });
    ada.connect();
    const answer = await old;
    vi.useRealTimers();
    expect(answer).toMatchObject({ errorCode: "offline.dropped", errorParams: { reason: "expired" } });
    expect(ada.getStatus()).toMatchObject({ queueLength: 0, dropped: 1 });
  });

  test("come after the rooms that they are meant for", async () => {
    const ada = await user(playground, { sub: "ada" });
    ada.disconnect();
    const first = step(ada, 1, "later");
    // Joined after the request was made, and before it is sent.
    ada.joinRoom("later");
    const frames = recordFrames(ada);
    ada.connect();
    expect((await first).status).toBe("success");
    expect(frames.map(({ direction, event }) => `${direction} ${event}`).slice(0, 4)).toEqual([
      "in connect",
      "out joinRoom",
      "in joinRoom",
      "out sync",
    ]);
  });

  test("are sent as they were when they were made", async () => {
    const ada = await user(playground, { sub: "ada" });
    ada.joinRoom("copies");
    const data = { step: 1, active: true };
    const answer = ada.syncRequest({ name: "test/nestedTest/room", version: "v1", data, receiver: "copies" });
    data.step = 2;
    expect(await answer).toEqual({ status: "success", serverOutput: { step: 1, active: true } });
  });

  test("that are aborted are not sent", async () => {
    const ada = await user(playground, { sub: "ada" });
    await joined(ada, "aborted");
    const arrived = recordSteps(ada);
    ada.disconnect();
    const abort = new AbortController();
    const request = { name: "test/nestedTest/room", version: "v1", receiver: "aborted" } as const;
    const kept = step(ada, 1, "aborted");
    const gone = ada.syncRequest({ ...request, data: { step: 2, active: true }, signal: abort.signal });
    expect(ada.getStatus().queueLength).toBe(2);
    abort.abort();
    expect(await gone).toMatchObject({ status: "error", errorCode: "request.aborted", httpStatus: 0 });
    expect(ada.getStatus().queueLength).toBe(1);
    const tooLate = ada.syncRequest({ ...request, data: { step: 3, active: true }, signal: abort.signal });
    expect(await tooLate).toMatchObject({ errorCode: "request.aborted" });
    ada.connect();
    await kept;
    await step(ada, 4, "aborted");
    await arrived.count(2);
    expect(arrived.steps).toEqual([1, 4]);
  });
});

describe("requests made online", () => {
  test("wait for room in the server's inbox, and none is refused", async () => {
    const own = await startPlayground({ RATE_LIMIT_PER_ROUTE: "off", RATE_LIMIT_PER_ADDRESS: "off" });
    try {
      const ada = await user(own, { sub: "ada" });
      await joined(ada, "many");
      // An answer says nothing of whether the event is there.
      const first = recordSteps(ada);
      await step(ada, 0, "many");
      await first.count(1);
      const arrived = recordSteps(ada);
      const frames = recordFrames(ada);
      await own.freeze();
      const answers = numbers(300).map((number) => step(ada, number, "many"));
      expect(frames.filter(({ direction }) => direction === "out")).toHaveLength(32);
      expect(ada.getStatus().queueLength).toBe(300 - 32);
      own.thaw();
      expect((await Promise.all(answers)).every(({ status }) => status === "success")).toBe(true);
      await arrived.count(300);
      expect(arrived.steps).toEqual(numbers(300));
    } finally {
      await own.kill();
    }
  });

  test("that were not sent when the connection was lost are offline from then on", async () => {
    const own = await startPlayground();
    try {
      const ada = await user(own, { sub: "ada" }, { offlineQueue: { maxAgeMs: 50 } });
      await joined(ada, "cut");
      await step(ada, 0, "cut");
      await own.freeze();
      const answers = numbers(40).map((number) => step(ada, number, "cut"));
      ada.disconnect();
      const codes = (await Promise.all(answers)).map((answer) => answer.status === "error" && answer.errorCode);
      expect(codes).toEqual(numbers(40).map((number) => (number <= 32 ? "request.disconnected" : "offline.dropped")));
    } finally {
      await own.kill();
    }
  });

  test("beyond the rate limit are told so: repeating them is their caller's", async () => {
    const ada = await user(playground, { sub: "hasty" });
    await joined(ada, "hasty");
    await step(ada, 0, "hasty");
    const answers = await Promise.all(numbers(250).map((number) => step(ada, number, "hasty")));
    const codes = new Set(answers.map((answer) => (answer.status === "error" ? answer.errorCode : "success")));
    expect(codes).toEqual(new Set(["success", "sync.rateLimited"]));
  });

  test("that find the server silent end in time, and the next go on", async () => {
    const own = await startPlayground();
    try {
      const ada = await user(own, { sub: "ada", locale: "ja" }, { locale: "ja-JP" });
      await joined(ada, "silent");
      await step(ada, 0, "silent");
      await own.freeze();
      const request = { name: "test/nestedTest/room", version: "v1", receiver: "silent" } as const;
      const data = { step: 1, active: true };
      const patient = ada.syncRequest({ ...request, data, timeoutMs: Number.POSITIVE_INFINITY });
      const [late, aborted] = await Promise.all([
        ada.syncRequest({ ...request, data, timeoutMs: 30 }),
        ada.syncRequest({ ...request, data, signal: AbortSignal.timeout(30) }),
      ]);
      expect(late).toMatchObject({ errorCode: "request.timeout", httpStatus: 0 });
      expect(aborted).toMatchObject({ errorCode: "request.aborted", httpStatus: 0 });
      for (const answer of [late, aborted]) expect(answer).toMatchObject({ message: expect.stringMatching(/[ぁ-ん]/) });
      own.thaw();
      expect((await patient).status).toBe("success");
      expect((await step(ada, 2, "silent")).status).toBe("success");
    } finally {
      await own.kill();
    }
  });
});

test("a device that is offline sends nothing, and all when it is back", async () => {
  const ada = await user(playground, { sub: "device" });
  await joined(ada, "device");
  await step(ada, 0, "device");
  const device = new EventTarget();
  const navigator = { onLine: true, language: "de-AT" };
  const globals = globalThis as { navigator?: unknown };
  const before = Object.getOwnPropertyDescriptor(globalThis, "navigator");
  try {
    Object.defineProperty(globals, "navigator", { value: navigator, configurable: true });
    Object.assign(globalThis, {
      addEventListener: device.addEventListener.bind(device),
      removeEventListener: device.removeEventListener.bind(device),
    });
    // Listens from here on.
    ada.close();
    ada.connect();
    await untilState(ada, "connected");
    navigator.onLine = false;
    device.dispatchEvent(new Event("offline"));
    expect(ada.getStatus().state).toBe("offline");
    const answers = numbers(3).map((number) => step(ada, number, "device"));
    expect(ada.getStatus().queueLength).toBe(3);
    ada.reconnect();
    expect(ada.getStatus().state).toBe("offline");
    navigator.onLine = true;
    device.dispatchEvent(new Event("online"));
    expect((await Promise.all(answers)).every(({ status }) => status === "success")).toBe(true);
    await until(ada, () => ada.getStatus().queueLength === 0);
    // A device that says so without an event of its own, on a connection that outlives it.
    navigator.onLine = false;
    const late = step(ada, 4, "device");
    expect(ada.getStatus().queueLength).toBe(1);
    navigator.onLine = true;
    device.dispatchEvent(new Event("online"));
    expect((await late).status).toBe("success");
    ada.close();
  } finally {
    if (before) Object.defineProperty(globals, "navigator", before);
    else delete globals.navigator;
    Reflect.deleteProperty(globalThis, "addEventListener");
    Reflect.deleteProperty(globalThis, "removeEventListener");
  }
});
