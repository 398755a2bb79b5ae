// A workspace's tokens: those that are refused, kept for too long, expire, or cannot be had.

import { beforeEach, describe, expect, test, vi } from "vitest";
import { client, type FakeServer, fakeServer, seconds } from "../support/snapshots.js";
import { openBoard, statuses, sync, written } from "../support/workspaces.js";

let server: FakeServer;
beforeEach(() => {
  server = fakeServer();
});

describe("a token", () => {
  /** A function that gives tokens, and what it was told. */
  const tokens = (...given: (string | null | Error)[]) =>
    vi.fn(async () => {
      const next = given.length > 1 ? given.shift() : given[0];
      if (next instanceof Error) throw next;
      return next;
    });
  const used = () => server.sockets.map(({ ticket }) => ticket);

  test("that was kept for too long is replaced at once, after each time offline", async () => {
    const token = tokens("old", "new", "old", "newer");
    const board = await openBoard({ sync: client({ token }) });
    const seen = statuses(board);
    for (const round of [1, 2]) {
      server.socket().onopen?.();
      await server.socket().end(4001);
      sync(server);
      expect(used()).toHaveLength(round * 2);
      await server.socket().end(1006);
      await seconds(1);
    }
    expect(used().slice(0, 4)).toEqual(["old", "new", "old", "newer"]);
    expect(token.mock.calls.slice(0, 4)).toEqual([
      [{}],
      [{ refused: "auth.invalid" }],
      [{}],
      [{ refused: "auth.invalid" }],
    ]);
    expect(seen).not.toContain("error");
  });

  test("that has expired is replaced at once, and when there is no other it is tried later", async () => {
    const token = tokens("old", "new", "old", "old", "old", "newest");
    const board = await openBoard({ sync: client({ token }) });
    await server.socket().end(4401);
    sync(server);
    await server.socket().end();
    await seconds(1);
    await server.socket().end(4401);
    expect(used()).toEqual(["old", "new", "old", "old"]);
    await server.socket().end(4401);
    expect(board.getSnapshot()).toMatchObject({ status: "disconnected", error: null });
    await seconds(2);
    await server.socket().end(4401);
    expect(used()).toHaveLength(5);
    await seconds(4);
    sync(server);
    expect(used()).toEqual(["old", "new", "old", "old", "old", "newest"]);
    const expired = [{ refused: "auth.expired" }];
    expect(token.mock.calls).toEqual([[{}], expired, [{}], expired, expired, expired]);
  });

  test("that the server takes back later is an error", async () => {
    const board = await openBoard({ sync: client({ token: tokens("one", "two") }) });
    sync(server);
    const answer = board.set("topic", "Lunch");
    await server.socket().end(4001);
    expect(board.getSnapshot().status).toBe("error");
    expect(await answer).toMatchObject({ errorCode: "auth_required" });
    expect(used()).toEqual(["one"]);
  });

  for (const [what, given, times] of [
    ["new and refused as well", ["old", "new"], 2],
    ["the same again", ["old", "old"], 1],
    ["none", ["old", null], 1],
    ["none twice", [null, null], 1],
  ] as const) {
    test(`that is ${what} is an error`, async () => {
      const token = tokens(...given);
      const board = await openBoard({ sync: client({ token }) });
      await server.socket().end(4001);
      if (times === 2) await server.socket().end(4001);
      expect(board.getSnapshot()).toMatchObject({ status: "error", error: { errorCode: "auth_required" } });
      await seconds(3600);
      expect(server.sockets).toHaveLength(times);
      expect(token).toHaveBeenCalledTimes(2);
    });
  }

  test("that was missing is asked for once more", async () => {
    const board = await openBoard({ sync: client({ token: tokens(null, "logged in") }) });
    await server.socket().end(4001);
    sync(server);
    expect(used()).toEqual([null, "logged in"]);
    expect(board.getSnapshot().status).toBe("synced");
  });

  test("that expires is replaced at once; one that never lasts is not, over and over", async () => {
    const token = tokens("one", "two", "three");
    const board = await openBoard({ sync: client({ token }) });
    sync(server);
    await seconds(10);
    await server.socket().end(4401);
    expect(used()).toEqual(["one", "two"]);
    expect(token).toHaveBeenLastCalledWith({ refused: "auth.expired" });
    sync(server);
    await server.socket().end(4401);
    expect(board.getSnapshot().status).toBe("disconnected");
    expect(used()).toHaveLength(2);
    await seconds(1);
    expect(used()).toHaveLength(3);
    expect(token).toHaveBeenLastCalledWith({ refused: "auth.expired" });
    await server.socket().end();
    await seconds(2);
    expect(token).toHaveBeenLastCalledWith({});
  });

  test("that replaces an expired one and is refused is an error", async () => {
    const board = await openBoard({ sync: client({ token: tokens("one", "two") }) });
    sync(server);
    await seconds(10);
    await server.socket().end(4401);
    await server.socket().end(4001);
    expect(board.getSnapshot().status).toBe("error");
    expect(used()).toEqual(["one", "two"]);
  });

  test("that cannot be had is asked for again, and shown", async () => {
    const board = await openBoard({ sync: client({ token: tokens(new Error("no login"), "good") }) });
    expect(board.getSnapshot()).toMatchObject({ status: "disconnected", error: { errorCode: "token.failed" } });
    await seconds(1);
    sync(server);
    expect(board.getSnapshot()).toMatchObject({ status: "synced", error: null });
  });

  test("goes to no inspector", async () => {
    const own = client({ token: () => "secret" });
    const frames: unknown[] = [];
    own.inspect(({ direction, event, payload }) => frames.push([direction, event, payload]));
    const board = await openBoard({ sync: own });
    sync(server);
    void board.delete("topic");
    const [{ id } = { id: "" }] = written(server.socket());
    expect(frames).toEqual([
      ["in", "workspace", { workspace: "board", type: "init", data: {}, heads: ["h0"] }],
      ["out", "workspace", { workspace: "board", type: "delete", id, payload: { key: "topic" } }],
    ]);
    expect(JSON.stringify(frames)).not.toContain("secret");
  });
});
