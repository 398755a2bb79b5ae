// What every app does, on a real server: connect when needed, join, send, receive, leave, close.

import { createSync, type SyncFrame } from "syncline";
import { afterAll, beforeAll, describe, expect, onTestFinished, test, vi } from "vitest";
import { client, joined, nextFrame, recordFrames, recordSteps, step, untilState, user } from "../support/clients.js";
import { type Playground, startPlayground } from "../support/playground.js";

let playground: Playground;
beforeAll(async () => {
  playground = await startPlayground();
});
afterAll(() => playground.kill());

describe("a connection", () => {
  test("is made by the first use and not before", async () => {
    const token = vi.fn(() => playground.token({ sub: "ada" }));
    const ada = client({ url: playground.url, token });
    expect(ada.getStatus()).toEqual({ state: "idle", queueLength: 0, dropped: 0, lastError: null });
    expect(token).not.toHaveBeenCalled();
    expect((await ada.joinRoom("first").joined).state).toBe("joined");
    expect(ada.getStatus().state).toBe("connected");
    expect(token).toHaveBeenCalledTimes(1);
  });

  test("is one, whatever uses it", async () => {
    const ada = await user(playground, { sub: "ada" });
    const frames = recordFrames(ada);
    ada.upsertSyncEventCallback({ name: "test/nestedTest/room", version: "v1", callback: () => {} });
    ada.updateLocation({ pathName: "/" });
    ada.connect();
    await joined(ada, "a", "b");
    expect((await step(ada, 1, "a")).status).toBe("success");
    expect(frames.filter(({ event }) => event === "connect")).toHaveLength(1);
  });

  test("greets the server once, whatever is asked of the client meanwhile", async () => {
    const token = vi.fn<() => Promise<string>>();
    let give = (_: string) => {};
    const asked = new Promise<void>((resolve) => {
      token.mockImplementation(() => {
        resolve();
        return new Promise((resolve) => {
          give = resolve;
        });
      });
    });
    const ada = client({ url: playground.url, token });
    ada.connect();
    // By now the transport is open, and the handshake waits for the token.
    await asked;
    ada.connect();
    ada.configure({ url: playground.url, token });
    expect(ada.getStatus().state).toBe("connecting");
    give(await playground.token({ sub: "ada" }));
    await joined(ada, "greeted");
    expect(token).toHaveBeenCalledTimes(1);
  });

  test("of another client is another", async () => {
    const [ada, bob] = [await user(playground, { sub: "ada" }), await user(playground, { sub: "bob" })];
    await Promise.all([joined(ada, "two"), joined(bob, "two")]);
    const output = { name: "test/clientOnly/ping", version: "v1" } as const;
    const told = (sync: typeof ada) =>
      new Promise((resolve) =>
        sync.upsertSyncEventCallback({ ...output, callback: ({ clientOutput }) => resolve(clientOutput.userId) }),
      );
    const both = Promise.all([told(ada), told(bob)]);
    await ada.syncRequest({ ...output, data: {}, receiver: "two" });
    expect(await both).toEqual(["ada", "bob"]);
  });

  test("that is closed answers what was under way, and is made again by the next use", async () => {
    const ada = await user(playground, { sub: "ada" });
    await joined(ada, "closing");
    await step(ada, 0, "closing");
    const onTheWire = step(ada, 1, "closing");
    ada.disconnect();
    const waiting = step(ada, 2, "closing");
    ada.close();
    expect(ada.getStatus()).toMatchObject({ state: "idle", queueLength: 0 });
    expect(await onTheWire).toMatchObject({ errorCode: "request.disconnected", httpStatus: 0 });
    expect(await waiting).toMatchObject({ errorCode: "request.aborted", httpStatus: 0 });
    // Its rooms are still held.
    expect((await step(ada, 3, "closing")).status).toBe("success");
  });

  test("shows every frame, answers with the number of what they answer", async () => {
    const ada = await user(playground, { sub: "ada" });
    const frames = recordFrames(ada);
    await joined(ada, "frames");
    const delivered = nextFrame(ada, ({ event, id }) => event === "sync" && id === undefined);
    await step(ada, 1, "frames");
    await delivered;
    const seen = ({ direction, event, id }: SyncFrame) => `${direction} ${event}${id ? ` ${id}` : ""}`;
    expect(frames.map(seen).sort()).toEqual(
      ["in connect", "in joinRoom 1", "in sync", "in sync 2", "out joinRoom 1", "out sync 2"].sort(),
    );
    expect(frames.every(({ at }) => Math.abs(Date.now() - at) < 60_000)).toBe(true);
    expect(frames.find(({ event, direction }) => event === "sync" && direction === "out")?.payload).toEqual({
      name: "test/nestedTest/room",
      version: "v1",
      data: { step: 1, active: true },
      receiver: "frames",
    });
  });
});

describe("callbacks", () => {
  test("are called for their name and version only, several for one event, until they are removed", async () => {
    const ada = await user(playground, { sub: "ada" });
    // Elsewhere the counter's client stage sends nothing.
    ada.updateLocation({ pathName: "/examples" });
    await joined(ada, "callbacks");
    const [first, second, other] = [vi.fn(), vi.fn(), vi.fn()];
    const event = { name: "examples/updateCounter", version: "v2" } as const;
    ada.upsertSyncEventCallback({ ...event, callback: first });
    const remove = ada.upsertSyncEventCallback({ ...event, callback: second });
    ada.upsertSyncEventCallback({ ...event, version: "v1", callback: other });
    const { count } = recordSteps(ada);
    const send = async (number: number) => {
      await ada.syncRequest({ ...event, data: { amount: number }, receiver: "callbacks" });
      // Deliveries of a room come in order: behind the step all that was sent before it has come.
      await step(ada, number, "callbacks");
      await count(number);
    };
    await send(1);
    remove();
    await send(2);
    expect(first.mock.calls.map(([{ serverOutput }]) => serverOutput.newValue)).toEqual([1, 3]);
    expect(second).toHaveBeenCalledTimes(1);
    expect(other).not.toHaveBeenCalled();
  });

  test("of one owner replace each other", async () => {
    const ada = await user(playground, { sub: "ada" });
    await joined(ada, "owners");
    const [old, fresh, owner] = [vi.fn(), vi.fn(), {}];
    const event = { name: "test/nestedTest/room", version: "v1" } as const;
    const removeOld = ada.upsertSyncEventCallback({ ...event, callback: old }, owner);
    ada.upsertSyncEventCallback({ ...event, callback: fresh }, owner);
    // What has been replaced is not there to be removed.
    removeOld();
    const { count } = recordSteps(ada);
    await step(ada, 1, "owners");
    await count(1);
    expect([old.mock.calls.length, fresh.mock.calls.length]).toEqual([0, 1]);
  });
});

test("a callback that throws is reported, and disturbs no other", async () => {
  const ada = await user(playground, { sub: "ada" });
  await joined(ada, "throwing");
  await step(ada, 0, "throwing");
  const event = { name: "test/nestedTest/room", version: "v1" } as const;
  const later = vi.spyOn(globalThis, "queueMicrotask").mockImplementation(() => {});
  onTestFinished(() => later.mockRestore());
  ada.upsertSyncEventCallback({
    ...event,
    callback() {
      throw new Error("a mistake of the app's");
    },
  });
  const { count } = recordSteps(ada);
  await step(ada, 1, "throwing");
  await count(1);
  expect(later.mock.calls[0]?.[0]).toThrow("a mistake of the app's");
});

test("other options count from the next connect or request on, and another url at once", async () => {
  const other = await startPlayground();
  onTestFinished(() => other.kill());
  const token = await playground.token({ sub: "ada" });
  const ada = client({ url: playground.url, token: () => token });
  await joined(ada, "moving");
  const frames = recordFrames(ada);
  ada.configure({ url: playground.url, token: () => token, timeoutMs: 20 });
  await other.freeze();
  expect(frames).toEqual([]);
  ada.configure({ url: other.url, token: () => token });
  expect(frames.map(({ event }) => event)).toEqual(["disconnect"]);
  other.thaw();
  expect((await step(ada, 1, "moving")).status).toBe("success");
  expect(frames.filter(({ event }) => event === "connect")).toHaveLength(1);
});

describe("rooms", () => {
  test("are left when the last hold is let go", async () => {
    const ada = await user(playground, { sub: "ada" });
    const [one, two] = [ada.joinRoom("held"), ada.joinRoom("held")];
    await one.joined;
    one.leave();
    one.leave();
    expect((await step(ada, 1, "held")).status).toBe("success");
    const left = nextFrame(ada, ({ event, direction }) => event === "leaveRoom" && direction === "in");
    two.leave();
    expect((await left).payload).toEqual({ status: "success", rooms: [] });
    expect(ada.getRoomStatus("held")).toEqual({ state: "out", error: null });
    expect(await step(ada, 2, "held")).toMatchObject({ errorCode: "sync.notRoomMember", httpStatus: 403 });
  });

  test("are not left when one lets go and another takes hold at once", async () => {
    const ada = await user(playground, { sub: "ada" });
    const hold = ada.joinRoom("kept");
    await hold.joined;
    const frames = recordFrames(ada);
    hold.leave();
    await joined(ada, "kept", "later");
    expect(frames.filter(({ direction }) => direction === "out").map(({ payload }) => payload)).toEqual([
      { room: "later" },
    ]);
  });

  test("that may not be joined say why, in the reader's language", async () => {
    const ada = await user(playground, { sub: "ada", rooms: ["team-*"], locale: "nl" });
    const { state, error } = await ada.joinRoom("other").joined;
    expect([state, error?.errorCode, error?.httpStatus]).toEqual(["error", "room.joinDenied", 403]);
    expect(error?.message).toMatch(/kamer/);
    expect(ada.getRoomStatus("other")).toEqual({ state, error });
    expect(ada.getStatus().lastError).toBe(error);
    // Another hold does not ask again: the answer is known.
    expect(await ada.joinRoom("other").joined).toEqual({ state, error });
    await joined(ada, "team-1");
    ada.disconnect();
    expect([ada.getRoomStatus("team-1").state, ada.getRoomStatus("other").state]).toEqual(["joining", "joining"]);
  });

  test("more than a socket may join end in an error each, not in silence", async () => {
    const ada = await user(playground, { sub: "ada" });
    const all = await Promise.all(Array.from({ length: 100 }, (_, index) => ada.joinRoom(`many-${index}`).joined));
    expect(all.filter(({ state }) => state === "joined")).toHaveLength(50);
    const codes = all.flatMap(({ error }) => error?.errorCode ?? []);
    expect(codes).toEqual(Array.from({ length: 50 }, () => "room.limit"));
  });
});

test("a location decides who gets what, over reconnects too", async () => {
  const [ada, bob] = [await user(playground, { sub: "ada" }), await user(playground, { sub: "bob" })];
  bob.updateLocation({ pathName: "/elsewhere" });
  ada.updateLocation({ pathName: "/board", searchParams: { tab: "1" } });
  await Promise.all([joined(ada, "pages"), joined(bob, "pages")]);
  const cursors = vi.fn();
  bob.upsertSyncEventCallback({ name: "presence/cursor", version: "v1", callback: cursors });
  const { count } = recordSteps(bob);
  const move = async (number: number) => {
    const answer = await ada.syncRequest({
      name: "presence/cursor",
      version: "v1",
      data: { x: number, y: 0 },
      receiver: "pages",
    });
    expect(answer).toMatchObject({ serverOutput: { pathName: "/board" } });
    await step(ada, number, "pages");
    await count(number);
  };
  await move(1);
  expect(cursors).not.toHaveBeenCalled();

  bob.updateLocation({ pathName: "/board" });
  const isMoved = nextFrame(bob, ({ event, direction }) => event === "updateLocation" && direction === "in");
  await isMoved;
  bob.reconnect();
  ada.reconnect();
  await Promise.all([untilState(ada, "connected"), joined(bob, "pages"), joined(ada, "pages")]);
  await move(2);
  expect(cursors).toHaveBeenCalledTimes(1);

  ada.updateLocation({ pathName: "no path" });
  const refusal = await nextFrame(ada, ({ event, direction }) => event === "updateLocation" && direction === "in");
  expect(ada.getStatus().lastError).toEqual(refusal.payload);
});

test("data that is no JSON is answered and not thrown", async () => {
  const ada = createSync({ url: playground.url });
  const circular: Record<string, unknown> = {};
  circular.self = circular;
  const answer = await ada.syncRequest({
    name: "test/nestedTest/room",
    version: "v1",
    data: circular as never,
    receiver: "r",
  });
  expect(answer).toMatchObject({ status: "error", errorCode: "sync.invalidInput", httpStatus: 422 });
  expect(ada.getStatus().state).toBe("idle");
});
