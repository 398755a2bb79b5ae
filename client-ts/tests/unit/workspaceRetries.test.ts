// Writes to a workspace that the server does not take at first: sent again when there is hope, given up when there is none.

import { beforeEach, describe, expect, test, vi } from "vitest";
import { type FakeServer, fakeServer, seconds } from "../support/snapshots.js";
import { accept, again, last, openBoard, refuse, type SentOp, sync, writes, written } from "../support/workspaces.js";

let server: FakeServer;
beforeEach(() => {
  server = fakeServer();
});

describe("what the server could not do now", () => {
  test("is sent again when the server says, before what comes after it", async () => {
    const onError = vi.fn();
    const board = await openBoard({ onError });
    const socket = sync(server);
    const answers = [board.set("topic", "a"), board.set("count", 1)];
    const [first, second] = written(socket);
    refuse(socket, first?.id, "rate_limited", 429, { seconds: 5 });
    refuse(socket, second?.id, "rate_limited", 429, { seconds: 2 });
    void board.set("topic", "b");
    expect(board.getSnapshot()).toMatchObject({ data: { topic: "b", count: 1 }, pending: 3 });
    await seconds(4.9);
    expect(written(socket)).toHaveLength(2);
    await seconds(0.1);
    expect(written(socket).slice(2)).toEqual([first, second]);
    for (const op of [first, second]) accept(socket, op as SentOp);
    expect((await Promise.all(answers)).map(({ status }) => status)).toEqual(["success", "success"]);
    expect(writes(socket).at(-1)).toEqual(["topic", "b"]);
    refuse(socket, last(socket).id, "rate_limited", 429);
    await seconds(0.9);
    expect(written(socket)).toHaveLength(5);
    await seconds(0.1);
    expect(written(socket)).toHaveLength(6);
    void board.set("notes", []);
    for (const [key, wait] of [
      [-2, 1],
      [-1, 3],
    ] as const) {
      refuse(socket, written(socket).at(key)?.id, "rate_limited", 429, { seconds: wait });
    }
    await seconds(2.9);
    expect(written(socket)).toHaveLength(7);
    await seconds(0.1);
    expect(written(socket)).toHaveLength(9);
    // More than a timer can wait, and still waiting at the end.
    refuse(socket, last(socket).id, "rate_limited", 429, { seconds: 1e9 });
    await seconds(10);
    expect(written(socket)).toHaveLength(9);
    expect(onError).not.toHaveBeenCalled();
  });

  test("is sent on the next connection if there is another one by then, and waits there as well", async () => {
    const board = await openBoard();
    const first = sync(server);
    void board.set("topic", "a");
    refuse(first, last(first).id, "rate_limited", 429, { seconds: 3 });
    const second = await again(server);
    expect(second.sent).toEqual([]);
    await seconds(2);
    expect(written(second)).toEqual(written(first));
  });

  test("and could not save is tried five times, and then taken back", async () => {
    const board = await openBoard();
    const socket = sync(server, { topic: "Lunch" });
    const answer = board.set("topic", "a");
    const { id } = last(socket);
    for (const wait of [1, 2, 4, 8]) {
      refuse(socket, id, "persistence_failed", 500);
      socket.say({ type: "init", data: { topic: "Lunch" }, heads: ["h"] });
      const { length } = socket.sent;
      await seconds(wait - 0.1);
      expect(socket.sent).toHaveLength(length);
      expect(board.getSnapshot().data.topic).toBe("a");
      await seconds(0.1);
      expect(last(socket).id).toBe(id);
      expect(socket.sent).toHaveLength(length + 1);
    }
    refuse(socket, id, "persistence_failed", 500);
    expect(await answer).toMatchObject({ errorCode: "persistence_failed", httpStatus: 500 });
    expect(board.getSnapshot()).toMatchObject({ data: { topic: "Lunch" }, pending: 0 });
  });

  test("and ended the connection over is the largest: it is given up, and the rest gets through", async () => {
    const board = await openBoard();
    const socket = sync(server);
    void board.set("count", 1);
    const large = board.set("topic", "x".repeat(1000));
    void board.set("notes", []);
    await socket.end(1009);
    expect(await large).toMatchObject({ errorCode: "too_large", httpStatus: 413 });
    await seconds(1);
    expect(writes(sync(server))).toEqual([
      ["count", 1],
      ["notes", []],
    ]);
    const none = await openBoard();
    await server.socket().end(1009);
    expect(none.getSnapshot().status).toBe("disconnected");
  });

  test("and hung up over three times, if it is large", async () => {
    const board = await openBoard();
    let socket = sync(server);
    const [small, large] = ["x".repeat(60_000), "x".repeat(70_000)];
    const answer = board.set("large", large);
    void board.set("small", small);
    for (const _ of [1, 2]) {
      socket = await again(server);
      expect(writes(socket)).toEqual([
        ["large", large],
        ["small", small],
      ]);
      // A state in between is no end.
      socket.say({ type: "init", data: {}, heads: [] });
    }
    socket = await again(server);
    expect(writes(socket)).toEqual([["small", small]]);
    expect(await answer).toMatchObject({ errorCode: "too_large", httpStatus: 413 });
    for (const _ of [1, 2, 3]) expect(writes(await again(server))).toEqual([["small", small]]);
    expect(board.getSnapshot()).toMatchObject({ data: { small }, pending: 1 });
  });
});
