// What a workspace shows of what a server says: values that stay the same objects, keys of any name, states that come anew.

import { beforeEach, describe, expect, test, vi } from "vitest";
import { type FakeServer, fakeServer, seconds } from "../support/snapshots.js";
import { openBoard, shownAs, sync } from "../support/workspaces.js";

let server: FakeServer;
beforeEach(() => {
  server = fakeServer();
});

describe("what is shown", () => {
  test("is another object only when a value is, and a value only when it says something else", async () => {
    const board = await openBoard();
    sync(server, { topic: "Lunch", notes: ["a"], deep: { list: [{ x: 1 }] } });
    const before = board.getSnapshot();
    const listener = vi.fn();
    board.subscribe(listener);
    const socket = server.socket();
    socket.say({ type: "op", payload: { key: "deep", value: { list: [{ x: 1 }] } }, heads: ["h1"] });
    socket.say({ type: "delete", payload: { key: "nothing" }, heads: ["h2"] });
    socket.say({ type: "init", data: { deep: { list: [{ x: 1 }] }, notes: ["a"], topic: "Lunch" }, heads: ["h3"] });
    socket.say({ type: "presence", users: [] });
    expect(board.getSnapshot()).toBe(before);
    expect(listener).not.toHaveBeenCalled();
    socket.say({ type: "op", payload: { key: "notes", value: ["a", "b"] }, heads: ["h4"] });
    const after = board.getSnapshot();
    expect(after.data).toEqual({ topic: "Lunch", notes: ["a", "b"], deep: { list: [{ x: 1 }] } });
    expect(after.data.deep).toBe(before.data.deep);
    expect(before.data.notes).toEqual(["a"]);
    expect(Object.isFrozen(after.data)).toBe(true);
    expect(listener).toHaveBeenCalledTimes(1);
    for (const value of [["b", "a"], ["a"], { 0: "a" }, "a", null, [["a"]], { 1: "a" }]) {
      socket.say({ type: "op", payload: { key: "notes", value }, heads: ["h5"] });
      expect(board.getSnapshot().data.notes).toEqual(value);
    }
    for (const value of ['{"__proto__":{}}', '{"b":{}}']) {
      socket.say(`{"type":"op","payload":{"key":"notes","value":${value}},"heads":["h6"]}`);
      expect(JSON.stringify(board.getSnapshot().data.notes)).toBe(value);
    }
  });

  test("has keys of any name, and none that nobody set", async () => {
    const board = await openBoard();
    const socket = server.socket();
    socket.onopen?.();
    socket.say('{"type":"init","heads":[],"data":{"__proto__":{"polluted":1},"hasOwnProperty":2}}');
    const { data } = board.getSnapshot();
    expect(Object.keys(data)).toEqual(["__proto__", "hasOwnProperty"]);
    expect(data.toString).toBeUndefined();
    expect(data.polluted).toBeUndefined();
    for (const key of ["__proto__", "constructor", "toString", "valueOf"]) {
      socket.say(`{"type":"op","payload":{"key":"${key}","value":{"x":1}},"heads":["h"]}`);
      expect(Object.getOwnPropertyDescriptor(board.getSnapshot().data, key)?.value).toEqual({ x: 1 });
      void board.set(key, "mine");
      expect(Object.getOwnPropertyDescriptor(board.getSnapshot().data, key)?.value).toBe("mine");
      void board.delete(key);
      expect(Object.keys(board.getSnapshot().data)).not.toContain(key);
    }
    expect(({} as { polluted?: number }).polluted).toBeUndefined();
  });

  test("goes on from where it was: a resume, an init, and nothing before either", async () => {
    const board = await openBoard();
    sync(server, { topic: "Lunch", count: 1, notes: [] });
    server.socket().say({ type: "op", payload: { key: "count", value: 2, timestamp: 1 }, heads: ["h1"] });
    await server.socket().end();
    await seconds(1);
    expect(new URL(server.socket().url).searchParams.get("heads")).toBe("h1");
    const socket = server.socket();
    socket.onopen?.();
    socket.say({ type: "op", payload: { key: "count", value: "too early" }, heads: ["hx"] });
    expect(board.getSnapshot().data.count).toBe(2);
    socket.say({
      type: "resume",
      heads: ["h3"],
      ops: [
        { type: "op", payload: { key: "count", value: 3, timestamp: 1 } },
        { type: "delete", payload: { key: "notes", timestamp: 1 } },
        { type: "op", payload: { key: "count", value: 4, timestamp: 1 } },
      ],
    });
    expect(board.getSnapshot()).toMatchObject({ status: "synced", data: { topic: "Lunch", count: 4 } });
    expect(board.getSnapshot().data).not.toHaveProperty("notes");
    await socket.end();
    await seconds(1);
    expect(server.socket().url).toContain("heads=h3");
    const values = shownAs(board, "count");
    sync(server, { count: 5 }, ["h9"]);
    expect(board.getSnapshot().data).toEqual({ count: 5 });
    expect(values).toEqual([4, 5]);
  });

  test("is not changed by what cannot be understood", async () => {
    const board = await openBoard();
    const socket = sync(server, { topic: "Lunch" });
    const before = board.getSnapshot();
    for (const message of ["", "{", "null", "7", "[]", "{}", { type: 7 }, { type: "news" }, { type: "init" }]) {
      socket.say(message);
    }
    socket.say({ type: "init", data: null });
    socket.say({ type: "op", payload: { key: "topic" } });
    socket.say({ type: "op", payload: { key: 7, value: 7 } });
    socket.say({ type: "op" });
    socket.say({ type: "resume" });
    socket.say({ type: "resume", ops: [{ type: "op", payload: { key: "topic", value: 1 } }, { type: "news" }] });
    socket.say({ type: "ack", id: "nobody's" });
    expect(board.getSnapshot()).toBe(before);
  });
});
