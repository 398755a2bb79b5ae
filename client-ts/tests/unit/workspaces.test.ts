// A workspace against a server that says what the test wants: how it connects, each state of its status, its end.

import { createWorkspace } from "syncline/workspaces";
import { beforeEach, describe, expect, test, vi } from "vitest";
import { createClient } from "../../src/core/client.js";
import { loadClosedTexts } from "../../src/core/closed.js";
import { client, type FakeServer, failSockets, fakePage, fakeServer, seconds, settle } from "../support/snapshots.js";
import { type Board, openBoard, statuses, sync, written } from "../support/workspaces.js";

let server: FakeServer;
beforeEach(() => {
  server = fakeServer();
});

describe("the status", () => {
  test("goes through each state, on the way to a first state", async () => {
    const board = createWorkspace<Board>("board", { sync: client() });
    const seen = statuses(board);
    await settle();
    expect(seen).toEqual(["connecting"]);
    server.socket().onopen?.();
    expect(seen.at(-1)).toBe("authenticating");
    server.socket().say({ type: "presence", users: [{ user_id: "ada", status: "online" }] });
    expect(seen.at(-1)).toBe("connected");
    server.socket().say({ type: "init", data: { topic: "Lunch" }, heads: ["h1"] });
    expect(board.getSnapshot()).toEqual({
      data: { topic: "Lunch" },
      status: "synced",
      error: null,
      presence: [{ user_id: "ada", status: "online" }],
      pending: 0,
    });
    await server.socket().end(1001);
    expect(board.getSnapshot()).toMatchObject({ status: "disconnected", presence: [], data: { topic: "Lunch" } });
    await seconds(1);
    sync(server);
    board.close();
    expect(seen).toEqual([
      ...["connecting", "authenticating", "connected", "synced", "disconnected"],
      ...["connecting", "authenticating", "connected", "synced", "disconnected"],
    ]);
    expect(server.socket().closed).toBe(true);
  });

  for (const [code, error] of [
    [4000, { errorCode: "connection.refused", httpStatus: 400, message: "De server heeft de verbinding geweigerd." }],
    [4001, { errorCode: "auth_required", httpStatus: 401, message: "Log in om verder te gaan." }],
    [4003, { errorCode: "forbidden", httpStatus: 403, message: "Je hebt hier geen toegang toe." }],
    [4099, { errorCode: "connection.refused", httpStatus: 400, message: "De server heeft de verbinding geweigerd." }],
  ] as const) {
    test(`is an error, for good, after a close with ${code}`, async () => {
      await loadClosedTexts();
      const board = await openBoard({ sync: client({ token: undefined }) });
      const written = board.set("topic", "Lunch");
      server.socket().onopen?.();
      await server.socket().end(code, "because");
      expect(board.getSnapshot()).toEqual({
        data: {},
        status: "error",
        error: { status: "error", ...error },
        presence: [],
        pending: 0,
      });
      expect(await written).toMatchObject(error);
      expect(await board.set("topic", "Dinner")).toMatchObject(error);
      expect(board.getSnapshot().data).toEqual({});
      await seconds(3600);
      expect(server.sockets).toHaveLength(1);
    });
  }

  for (const code of [1000, 1001, 1006, 1008, 1011, 4100, 4403, 4408]) {
    test(`is disconnected for a while after a close with ${code}`, async () => {
      const board = await openBoard();
      sync(server);
      await server.socket().end(code);
      expect(board.getSnapshot()).toMatchObject({ status: "disconnected", error: null });
      await seconds(0.9);
      expect(server.sockets).toHaveLength(1);
      await seconds(0.1);
      expect(board.getSnapshot().status).toBe("connecting");
      sync(server);
      expect(board.getSnapshot().status).toBe("synced");
    });
  }

  test("after an error is another one when the client is configured anew, or on request", async () => {
    const own = client();
    const board = await openBoard({ sync: own });
    await server.socket().end(4003);
    own.configure({ url: "http://server", token: () => "another" });
    await settle();
    expect(board.getSnapshot()).toMatchObject({ status: "connecting", error: null });
    await server.socket().end(4003);
    expect(board.getSnapshot().status).toBe("error");
    board.reconnect();
    await settle();
    sync(server);
    expect(board.getSnapshot()).toMatchObject({ status: "synced", error: null });
    await server.socket().end();
    board.reconnect();
    expect(board.getSnapshot().status).toBe("connecting");
    await settle();
    expect(server.sockets).toHaveLength(4);
  });

  test("waits until the client is configured, and while it is offline by its own word or the device's", async () => {
    const page = fakePage();
    const own = createClient();
    const board = await openBoard({ sync: own });
    expect(board.getSnapshot().status).toBe("disconnected");
    own.configure({ url: "http://server" });
    await settle();
    sync(server);
    own.disconnect();
    expect(board.getSnapshot().status).toBe("disconnected");
    expect(server.socket().closed).toBe(true);
    await seconds(60);
    expect(server.sockets).toHaveLength(1);
    await page.network(false);
    own.close();
    await seconds(60);
    expect(server.sockets).toHaveLength(1);
    await page.network(true);
    sync(server);
    expect(board.getSnapshot().status).toBe("synced");
  });

  test("of what is no workspace is an error, and nothing is asked", async () => {
    for (const id of ["", "a/b", "..", "ä", "x".repeat(129)]) {
      const board = await openBoard({}, id);
      board.reconnect();
      expect(board.getSnapshot()).toMatchObject({ status: "error", error: { errorCode: "workspace.invalid" } });
      expect(await board.set("topic", "")).toMatchObject({ errorCode: "workspace.invalid" });
    }
    await openBoard({}, `a:b.c_d-E9${"x".repeat(118)}`);
    expect(server.sockets).toHaveLength(1);
  });
});

describe("a connection", () => {
  test("says who it is, what it wants, and what it has", async () => {
    const token = vi.fn(() => "a token");
    const board = await openBoard({ sync: client({ token }), wsUrl: "https://push.example.com/sync" });
    expect(server.socket().url).toBe("wss://push.example.com/sync/v1/sync/board?close=1&presence=1&token=a+token");
    sync(server, {}, ["h1", "h2"]);
    await server.socket().end();
    await seconds(1);
    expect(server.socket().url).toMatch(/token=a\+token&heads=h1,h2$/);
    // Heads of one connection only count when they have led to a state.
    server.socket().onopen?.();
    await server.socket().end();
    await seconds(2);
    expect(server.socket().url).not.toContain("heads");
    sync(server, {}, Array(33).fill("h"));
    await server.socket().end();
    await seconds(1);
    expect(server.socket().url).not.toContain("heads");
    expect(token.mock.calls).toEqual([[{}], [{}], [{}], [{}]]);
    board.close();
  });

  test("that was never made keeps what it has", async () => {
    await openBoard();
    sync(server);
    await failSockets(server, 3);
    expect(server.socket().url).toContain("heads=h0");
  });

  test("is tried again after 1, 2, 4 .. 30 s, and after 1 s again when there was a state", async () => {
    await openBoard();
    expect((await failSockets(server, 7)).map(Math.round)).toEqual([1, 2, 4, 8, 16, 30, 30]);
    sync(server);
    expect((await failSockets(server, 2)).map(Math.round)).toEqual([1, 2]);
  });

  test("without a state in 15 s is none, and one that is silent is asked", async () => {
    const board = await openBoard();
    server.socket().onopen?.();
    server.socket().say({ type: "presence", users: [] });
    await seconds(14.9);
    expect(board.getSnapshot().status).toBe("connected");
    await seconds(0.1);
    server.socket().onopen?.();
    expect(board.getSnapshot().status).toBe("disconnected");
    await seconds(1);
    const socket = sync(server);
    await seconds(20);
    expect(socket.sent).toEqual([{ type: "ping" }]);
    socket.say({ type: "pong" });
    await seconds(29.9);
    expect(board.getSnapshot().status).toBe("synced");
    await seconds(0.1);
    expect(board.getSnapshot().status).toBe("disconnected");
    expect(socket.closed).toBe(true);
  });

  test("is made at once when somebody looks again, and not while nobody does", async () => {
    const page = fakePage();
    await openBoard();
    sync(server);
    await page.show(false);
    await server.socket().end();
    await seconds(120);
    expect(server.sockets).toHaveLength(1);
    await page.show(true);
    expect(server.sockets).toHaveLength(2);
    sync(server);
    await server.socket().end();
    await page.network(true);
    expect(server.sockets).toHaveLength(3);
    sync(server);
    await page.show(true);
    expect(server.socket().sent).toEqual([{ type: "ping" }]);
  });

  test("is made while nobody looks if something waits to be sent", async () => {
    const page = fakePage();
    const board = await openBoard();
    sync(server);
    await page.show(false);
    await server.socket().end();
    await seconds(120);
    void board.set("topic", "Lunch");
    await settle();
    expect(server.sockets).toHaveLength(2);
    // But not more often than else.
    await server.socket().end();
    void board.set("topic", "Dinner");
    await settle();
    expect(server.sockets).toHaveLength(2);
    await seconds(2);
    expect(server.sockets).toHaveLength(3);
    expect(written(sync(server))).toHaveLength(1);
  });

  test("to another server begins with nothing", async () => {
    const own = client();
    const board = await openBoard({ sync: own });
    const first = sync(server, { topic: "Lunch" });
    const lost = board.set("count", 1);
    own.configure({ url: "http://second" });
    expect(board.getSnapshot()).toMatchObject({ data: {}, pending: 0 });
    expect(await lost).toMatchObject({ errorCode: "request.aborted" });
    expect(first.closed).toBe(true);
    await settle();
    expect(server.socket().url).toMatch(/^ws:\/\/second\/v1\/sync\/board\?close=1&presence=1$/);
    first.say({ type: "op", payload: { key: "topic", value: "late" }, heads: ["h9"] });
    expect(board.getSnapshot().data).toEqual({});
  });

  test("that cannot be made says why", async () => {
    vi.stubGlobal("WebSocket", undefined);
    const board = await openBoard();
    expect(board.getSnapshot()).toMatchObject({ status: "disconnected", error: { errorCode: "connection.failed" } });
    const nowhere = await openBoard({ wsUrl: "http://" });
    expect(nowhere.getSnapshot()).toMatchObject({ status: "disconnected", error: { errorCode: "connection.failed" } });
  });
});

test("who is there is told until the connection ends", async () => {
  const board = await openBoard();
  const socket = sync(server);
  const users = [{ user_id: "ada", status: "online" }];
  socket.say({ type: "presence", users });
  const { presence } = board.getSnapshot();
  expect(presence).toEqual(users);
  socket.say({ type: "presence", users: [...users] });
  expect(board.getSnapshot().presence).toBe(presence);
  socket.say({ type: "presence", users: [...users, { user_id: "bob", status: "online" }] });
  expect(board.getSnapshot().presence).toHaveLength(2);
  await socket.end();
  expect(board.getSnapshot().presence).toEqual([]);
});

test("what was closed hears and says nothing more", async () => {
  const page = fakePage();
  const onError = vi.fn();
  const board = createWorkspace<Board>("board", { sync: client(), onError });
  await settle();
  const socket = sync(server);
  const answer = board.set("topic", "Lunch");
  board.close();
  expect(await answer).toMatchObject({ errorCode: "request.aborted" });
  socket.say({ type: "init", data: { topic: "late" }, heads: [] });
  socket.onerror?.();
  await socket.end(4001);
  board.reconnect();
  await page.network(true);
  await seconds(60);
  expect(board.getSnapshot()).toMatchObject({ status: "disconnected", data: {}, pending: 0 });
  expect(await board.set("topic", "Dinner")).toMatchObject({ errorCode: "request.aborted" });
  expect(onError).not.toHaveBeenCalled();
  expect([socket.closed, server.sockets.length, page.listening()]).toEqual([true, 1, 0]);
  const early = createWorkspace("early", { sync: client() });
  early.close();
  await settle();
  expect(server.sockets).toHaveLength(1);
});

test("a listener may close it at any time", async () => {
  for (const status of ["connecting", "authenticating", "connected", "synced"]) {
    const own = client();
    const board = await openBoard({ sync: own });
    await server.socket().end();
    board.subscribe(() => {
      if (board.getSnapshot().status === status) board.close();
    });
    void board.set("topic", "Lunch");
    await seconds(1);
    server.socket().onopen?.();
    server.socket().say({ type: "init", data: { topic: "Dinner" }, heads: ["h"] });
    expect(board.getSnapshot()).toMatchObject({ status: "disconnected", pending: 0 });
    expect(board.getSnapshot().data.topic).toBe(status === "synced" ? "Dinner" : undefined);
  }
});
