// Writes to a workspace, against a server that says what the test wants: what is shown of them, how they are sent, and
// that each is answered once.

import type { SyncError } from "syncline";
import type { WorkspaceWrite } from "syncline/workspaces";
import { beforeEach, describe, expect, test, vi } from "vitest";
import { client, type FakeServer, fakeServer, seconds, settle } from "../support/snapshots.js";
import { accept, again, last, openBoard, refuse, shownAs, sync, writes, written } from "../support/workspaces.js";

let server: FakeServer;
beforeEach(() => {
  server = fakeServer();
});

describe("a write", () => {
  test("is shown at once, sent with an id of its own, and answered with the heads", async () => {
    vi.setSystemTime(1_000_000);
    const board = await openBoard();
    const socket = sync(server, { topic: "Lunch" });
    const notes = ["a"];
    const answers = [board.set("notes", notes), board.delete("topic")];
    notes.push("b");
    expect(board.getSnapshot()).toMatchObject({ data: { notes: ["a"] }, pending: 2 });
    expect(board.getSnapshot().data).not.toHaveProperty("topic");
    const [first, second] = written(socket);
    expect(first).toEqual({
      type: "op",
      id: expect.stringMatching(/^[\w-]{10,64}$/),
      payload: { key: "notes", value: ["a"], timestamp: 1_000_000_000 },
    });
    expect(second).toEqual({ type: "delete", id: expect.anything(), payload: { key: "topic" } });
    expect(second?.id).not.toBe(first?.id);
    const shown = board.getSnapshot().data;
    for (const op of written(socket)) accept(socket, op);
    expect(await Promise.all(answers)).toEqual([
      { status: "success", heads: [`after ${first?.id}`] },
      { status: "success", heads: [`after ${second?.id}`] },
    ]);
    expect(board.getSnapshot()).toMatchObject({ pending: 0, status: "synced" });
    expect(board.getSnapshot().data).toBe(shown);
    // Another client's ids are others.
    void (await openBoard()).set("topic", "Dinner");
    expect(last(sync(server)).id.split("-")[0]).not.toBe(first?.id.split("-")[0]);
  });

  test("that the server refuses is taken back, and reported", async () => {
    const onError = vi.fn<(error: SyncError, write?: WorkspaceWrite) => void>();
    const board = await openBoard({ onError });
    const socket = sync(server, { topic: "Lunch" });
    for (const [code, status] of [
      ["permission_denied", 403],
      ["invalid_op", 422],
      ["too_large", 413],
    ] as const) {
      const answer = board.set("topic", "Dinner");
      const dropped = board.delete("count");
      expect(board.getSnapshot().data.topic).toBe("Dinner");
      refuse(socket, written(socket).at(-2)?.id, code, status);
      const error = { status: "error", errorCode: code, message: `No: ${code}.`, httpStatus: status };
      expect(await answer).toEqual(error);
      expect(onError).toHaveBeenLastCalledWith(error, { type: "op", key: "topic", value: "Dinner" });
      expect(board.getSnapshot()).toMatchObject({
        data: { topic: "Lunch" },
        pending: 1,
        status: "synced",
        error: null,
      });
      accept(socket, last(socket));
      expect((await dropped).status).toBe("success");
    }
    expect(onError).toHaveBeenCalledTimes(3);
    const gone = board.delete("topic");
    expect(board.getSnapshot().data).toEqual({});
    refuse(socket, last(socket).id, "permission_denied", 403);
    await gone;
    expect(board.getSnapshot().data).toEqual({ topic: "Lunch" });
    refuse(socket, undefined, "invalid_op", 422);
    refuse(socket, "nobody's", "invalid_op", 422);
    expect(onError).toHaveBeenLastCalledWith(expect.objectContaining({ errorCode: "invalid_op" }), undefined);
    expect(onError).toHaveBeenCalledTimes(6);
  });

  test("that JSON cannot say is not made", async () => {
    const onError = vi.fn();
    const board = await openBoard({ onError });
    const socket = sync(server);
    const loop: unknown[] = [];
    loop.push(loop);
    for (const value of [undefined, loop, 1n]) {
      expect(await board.set("any", value)).toMatchObject({ errorCode: "sync.invalidInput", httpStatus: 422 });
    }
    expect(onError).toHaveBeenCalledTimes(3);
    expect(socket.sent).toEqual([]);
    expect(board.getSnapshot()).toMatchObject({ data: {}, pending: 0 });
  });

  test("whose reporter throws is answered all the same", async () => {
    const thrown = vi.fn();
    vi.stubGlobal("queueMicrotask", (call: () => void) => {
      try {
        call();
      } catch (error) {
        thrown(error);
      }
    });
    const board = await openBoard({
      onError() {
        throw new Error("mine");
      },
    });
    const answer = board.set("topic", "Lunch");
    await server.socket().end(4003);
    expect(await answer).toMatchObject({ errorCode: "forbidden" });
    expect(thrown).toHaveBeenCalledTimes(1);
  });
});

describe("what others write", () => {
  test("to a key that we are writing to does not show until ours is answered", async () => {
    const board = await openBoard();
    const socket = sync(server, { topic: "Lunch" });
    const values = shownAs(board, "topic");
    void board.set("topic", "mine");
    const mine = last(socket);
    const theirs = (value: string) => socket.say({ type: "op", payload: { key: "topic", value }, heads: ["h"] });
    theirs("before mine");
    socket.say({ type: "op", payload: mine.payload, heads: ["h"] });
    theirs("after mine");
    expect(values).toEqual(["Lunch", "mine"]);
    socket.say({ type: "ack", id: mine.id, heads: ["h"] });
    expect(values).toEqual(["Lunch", "mine", "after mine"]);
    void board.delete("topic");
    theirs("once more");
    socket.say({ type: "op", payload: { key: "count", value: 1 }, heads: ["h"] });
    expect(values).toEqual(["Lunch", "mine", "after mine", undefined]);
    expect(board.getSnapshot().data).toEqual({ count: 1 });
    refuse(socket, last(socket).id, "permission_denied", 403);
    expect(values.at(-1)).toBe("once more");
  });

  test("while a state comes anew is under what is on its way", async () => {
    const board = await openBoard();
    const socket = sync(server, { topic: "Lunch", count: 1 });
    const values = shownAs(board, "topic");
    const answer = board.set("topic", "mine");
    const [sent] = written(socket);
    socket.say({ type: "init", data: { topic: "theirs", notes: ["b"] }, heads: ["h5"] });
    expect(board.getSnapshot()).toMatchObject({ data: { topic: "mine", notes: ["b"] }, pending: 1, status: "synced" });
    expect(board.getSnapshot().data).not.toHaveProperty("count");
    // Its answer may have been among what the server threw away.
    expect(written(socket)).toEqual([sent, sent]);
    accept(socket, last(socket));
    accept(socket, last(socket));
    expect((await answer).status).toBe("success");
    expect(values).toEqual(["Lunch", "mine"]);
  });
});

describe("without a connection", () => {
  test("writes wait, and are sent in order", async () => {
    const board = await openBoard();
    const answers = [board.set("topic", "Lunch"), board.set("count", 1), board.delete("notes")];
    expect(board.getSnapshot()).toMatchObject({ data: { topic: "Lunch", count: 1 }, pending: 3, status: "connecting" });
    const socket = sync(server, { notes: ["a"] });
    expect(board.getSnapshot().data).toEqual({ topic: "Lunch", count: 1 });
    expect(writes(socket)).toEqual([
      ["topic", "Lunch"],
      ["count", 1],
      ["notes", undefined],
    ]);
    for (const op of written(socket)) accept(socket, op);
    expect((await Promise.all(answers)).every(({ status }) => status === "success")).toBe(true);
  });

  test("what has no answer is sent again, with the same ids and in the same order", async () => {
    const board = await openBoard();
    const first = sync(server);
    const answers = [board.set("topic", "a"), board.set("count", 1), board.set("notes", [])];
    const sent = written(first);
    expect(sent).toHaveLength(3);
    first.say({ type: "ack", id: sent[1]?.id, heads: [] });
    await first.end();
    void board.set("more", 1);
    await seconds(1);
    server.socket().onopen?.();
    expect(server.socket().sent).toEqual([]);
    const second = sync(server, { topic: "a" });
    expect(written(second).slice(0, 2)).toEqual([sent[0], sent[2]]);
    expect(writes(second)[2]).toEqual(["more", 1]);
    expect(board.getSnapshot()).toMatchObject({ pending: 3, data: { topic: "a", notes: [], more: 1 } });
    // It had been done: this is all that comes of it.
    second.say({ type: "ack", id: sent[0]?.id, heads: ["h7"] });
    expect(await answers[0]).toEqual({ status: "success", heads: ["h7"] });
    const third = await again(server, { topic: "a" });
    expect(written(third)).toEqual(written(second).slice(1));
  });

  test("of writes to a key that were not sent the last is sent, in its own place, and answers all", async () => {
    const board = await openBoard();
    const answers = [board.set("topic", "a"), board.set("count", 1), board.delete("topic"), board.set("topic", "b")];
    expect(board.getSnapshot()).toMatchObject({ data: { topic: "b", count: 1 }, pending: 2 });
    const socket = sync(server);
    expect(writes(socket)).toEqual([
      ["count", 1],
      ["topic", "b"],
    ]);
    const { id } = last(socket);
    for (const op of written(socket)) accept(socket, op);
    expect((await Promise.all(answers)).map((answer) => answer.status === "success" && answer.heads[0])).toEqual(
      [id, written(socket)[0]?.id, id, id].map((id) => `after ${id}`),
    );
  });

  test("a write that was sent is not replaced, and the next to its key waits for its answer", async () => {
    const board = await openBoard();
    const socket = sync(server);
    void board.set("topic", "a");
    void board.set("topic", "b");
    void board.set("topic", "c");
    void board.set("count", 1);
    expect(writes(socket)).toEqual([["topic", "a"]]);
    expect(board.getSnapshot()).toMatchObject({ data: { topic: "c" }, pending: 3 });
    const second = await again(server);
    expect(writes(second)).toEqual([["topic", "a"]]);
    accept(second, last(second));
    expect(writes(second).slice(1)).toEqual([
      ["topic", "c"],
      ["count", 1],
    ]);
    expect(board.getSnapshot().data).toEqual({ topic: "c", count: 1 });
    void board.set("topic", "d");
    refuse(second, written(second)[1]?.id, "invalid_op", 422);
    expect(writes(second).at(-1)).toEqual(["topic", "d"]);
  });

  test("only so many wait; one more is refused, and a further one to the same key is none", async () => {
    const onError = vi.fn();
    const board = await openBoard({ onError, sync: client({ locale: "en" }), maxPending: 3 });
    for (const key of ["a", "b", "c", "a"]) void board.set(key, 1);
    expect(await board.set("d", 1)).toMatchObject({
      errorCode: "offline.dropped",
      errorParams: { reason: "queueFull" },
      message: expect.stringContaining("too many requests"),
    });
    expect(onError).toHaveBeenCalledTimes(1);
    expect(Object.keys(board.getSnapshot().data)).toEqual(["a", "b", "c"]);
    const socket = sync(server);
    accept(socket, last(socket));
    void board.set("d", 1);
    expect(writes(socket).map(([key]) => key)).toEqual(["b", "c", "a", "d"]);
    const many = await openBoard();
    for (let number = 0; number < 1000; number++) void many.set(`${number}`, 1);
    expect(many.getSnapshot().pending).toBe(1000);
    expect(await many.set("1000", 1)).toMatchObject({ errorCode: "offline.dropped" });
  });

  test("32 are on the wire at a time", async () => {
    const board = await openBoard();
    for (let number = 0; number < 40; number++) void board.set(`${number}`, number);
    const socket = sync(server);
    expect(written(socket)).toHaveLength(32);
    socket.say({ type: "ack", id: written(socket)[5]?.id, heads: [] });
    expect(writes(socket).at(-1)).toEqual(["32", 32]);
    expect(written(socket)).toHaveLength(33);
  });

  test("what may have been done a day ago is not sent again", async () => {
    const own = client();
    const board = await openBoard({ sync: own });
    sync(server, { topic: "Lunch" });
    const old = board.set("topic", "old");
    own.disconnect();
    void board.set("count", 1);
    await seconds(23 * 3600 - 10);
    own.configure({ url: "http://server/" });
    own.close();
    await settle();
    expect(writes(sync(server, { topic: "newer" }))).toEqual([
      ["topic", "old"],
      ["count", 1],
    ]);
    await seconds(10);
    const socket = await again(server, { topic: "newer" });
    expect(writes(socket)).toEqual([["count", 1]]);
    expect(await old).toMatchObject({ errorCode: "request.disconnected" });
    expect(board.getSnapshot().data).toEqual({ topic: "newer", count: 1 });
  });
});
