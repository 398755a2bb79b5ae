// A watched topic against a server that says what the test wants: how it connects, which snapshot counts, refreshes.

import { watchSnapshot } from "syncline/snapshots";
import { beforeEach, describe, expect, test, vi } from "vitest";
import { createClient } from "../../src/core/client.js";
import {
  client,
  type FakeServer,
  failSockets,
  fakeServer,
  GAME,
  type Game,
  json,
  noNetwork,
  refusal,
  seconds,
  settle,
  shown,
  version,
  watchGame,
} from "../support/snapshots.js";

let server: FakeServer;
beforeEach(() => {
  server = fakeServer();
});

describe("a connection", () => {
  test("begins with a ticket, and is one with the first snapshot", async () => {
    vi.setSystemTime(1_000_000);
    const watch = await watchGame();
    expect(shown(watch)).toEqual({ status: "connecting", transport: "websocket" });
    expect(server.asked).toEqual([
      {
        method: "POST",
        url: "http://server/api/ws/token",
        headers: { accept: "application/json", "accept-language": "nl", authorization: "Bearer token" },
      },
    ]);
    expect(server.sockets.map(({ url }) => url)).toEqual(["ws://server/ws/games/7?token=ticket+1"]);
    server.socket().push(3);
    expect(shown(watch)).toEqual({
      snapshot: { turn: "turn 3" },
      lockVersion: 3,
      status: "connected",
      transport: "websocket",
      lastUpdatedAt: 1_000_000,
    });
    expect(server.reads()).toEqual([]);
  });

  test("has a ticket of its own, each time, and a token asked for just before", async () => {
    const token = vi.fn(() => "token");
    await watchGame({ sync: client({ token }) });
    await failSockets(server, 3);
    expect(server.sockets.map(({ ticket }) => ticket)).toEqual(["ticket 1", "ticket 2", "ticket 3", "ticket 4"]);
    // Reading why the sockets failed took the tokens that were there.
    expect(server.reads()).not.toEqual([]);
    expect(token).toHaveBeenCalledTimes(4);
  });

  for (const [url, wsUrl, kind, address] of [
    ["https://sync.example.com", undefined, "game", "wss://sync.example.com/ws/games/7"],
    ["https://example.com/sync/", undefined, "game", "wss://example.com/sync/ws/games/7"],
    ["http://localhost:3000", undefined, "auction", "ws://localhost:3000/ws/snapshots/auction/7"],
    ["http://localhost:3000", "wss://push.example.com/", "game", "wss://push.example.com/ws/games/7"],
    ["http://localhost:3000", "https://push.example.com", "game", "wss://push.example.com/ws/games/7"],
    ["", undefined, "game", "wss://page.example.com/ws/games/7"],
    ["/sync", undefined, "auction", "wss://page.example.com/sync/ws/snapshots/auction/7"],
  ] as const) {
    test(`to ${url || "the page's own server"}${wsUrl ? ` by ${wsUrl}` : ""}, of a topic of kind ${kind}`, async () => {
      vi.stubGlobal("location", new URL("https://page.example.com/games/9?tab=1#top"));
      const watch = await watchGame({ sync: client({ url }), wsUrl }, { kind, id: "7" });
      expect(server.socket().url).toBe(`${address}?token=ticket+1`);
      server.socket().push(1, "mine", { topic: { kind, id: "7" } });
      expect(watch.getSnapshot()).toMatchObject({ status: "connected", snapshot: { turn: "mine" } });
      await watch.refresh();
      const path = kind === "game" ? "/api/games/7/snapshot" : "/api/snapshots/auction/7";
      expect(server.reads().map(({ url }) => url)).toEqual([`${url.replace(/\/$/, "")}${path}`]);
    });
  }

  test("with a ticket of the app's own needs neither token nor url", async () => {
    const getTicket = vi.fn(async () => "from the app");
    const watch = await watchGame({ sync: createClient(), wsUrl: "wss://server", getTicket });
    expect(server.socket().url).toBe("wss://server/ws/games/7?token=from+the+app");
    expect(server.asked).toEqual([]);
    // Without a token reading would say no, which is not why the sockets fail.
    server.onRead = () => refusal(401, "auth_required");
    await failSockets(server, 4);
    expect(getTicket).toHaveBeenCalledTimes(5);
    expect(server.reads()).toEqual([]);
    expect(watch.getSnapshot()).toMatchObject({ status: "connecting", transport: "websocket", error: null });
  });

  test("waits until the client is configured", async () => {
    const sync = createClient();
    const watch = await watchGame({ sync });
    expect(server.asked).toEqual([]);
    sync.configure({ url: "http://server" });
    await settle();
    server.socket().push(1);
    expect(watch.getSnapshot().status).toBe("connected");
  });

  test("that was closed while it was made is not made", async () => {
    const watch = watchSnapshot(GAME, { sync: client() });
    watch.close();
    await settle();
    await seconds(60);
    expect(server.sockets).toEqual([]);
    const late = await watchGame();
    const socket = server.socket();
    late.close();
    expect(socket.closed).toBe(true);
    socket.push(1);
    await socket.end();
    await seconds(60);
    expect(server.sockets).toHaveLength(1);
    expect(late.getSnapshot()).toMatchObject({ status: "disconnected", lockVersion: null });
    expect(await late.refresh()).toMatchObject({ errorCode: "request.aborted" });
  });

  test("that was closed hears nothing more, and what it still says throws nothing", async () => {
    const watch = await watchGame();
    server.socket().push(1);
    watch.close();
    server.socket().push(2);
    // Sockets of Node.js packages throw errors that nobody listens to.
    server.socket().onerror?.();
    expect(server.socket().onerror).not.toBeNull();
    expect(watch.getSnapshot()).toMatchObject({ status: "disconnected", lockVersion: 1 });
  });

  test("is asked for a sign of life after 20 s without one, and is dead 10 s later", async () => {
    const watch = await watchGame();
    const socket = server.socket();
    socket.push(1);
    await seconds(19);
    socket.push(1);
    await seconds(19.9);
    expect(socket.sent).toEqual([]);
    await seconds(0.1);
    expect(socket.sent).toEqual([{ type: "ping" }]);
    await seconds(9.9);
    socket.say({ type: "pong" });
    await seconds(29.9);
    expect(socket.sent).toHaveLength(2);
    expect(watch.getSnapshot().status).toBe("connected");
    await seconds(0.1);
    expect(watch.getSnapshot().status).toBe("reconnecting");
    expect(socket.closed).toBe(true);
    // Why it is dead was not asked: it had been one.
    expect(server.reads()).toEqual([]);
    await seconds(1);
    server.socket().push(2);
    expect(server.sockets).toHaveLength(2);
    expect(watch.getSnapshot()).toMatchObject({ status: "connected", lockVersion: 2 });
  });

  test("without a snapshot in 15 s is none", async () => {
    const watch = await watchGame();
    const socket = server.socket();
    await seconds(14);
    socket.say({ type: "pong" });
    await seconds(0.9);
    expect(socket.closed).toBe(false);
    await seconds(0.1);
    expect(socket.closed).toBe(true);
    expect(watch.getSnapshot()).toMatchObject({ status: "connecting", error: null });
    await seconds(1);
    expect(server.sockets).toHaveLength(2);
  });

  test("whose ticket comes too late is not made", async () => {
    const give: ((ticket: string) => void)[] = [];
    const getTicket = () => new Promise<string>((resolve) => give.push(resolve));
    const watch = await watchGame({ getTicket });
    await seconds(15);
    give[0]?.("late");
    await seconds(1);
    expect(server.sockets).toEqual([]);
    watch.close();
    give[1]?.("later");
    await settle();
    expect(server.sockets).toEqual([]);
  });

  test("whose ticket never comes does not wait for ever", async () => {
    const getTicket = vi.fn(() => new Promise<string>(() => {}));
    await watchGame({ getTicket });
    await seconds(15);
    expect(server.reads()).toHaveLength(1);
    expect(getTicket).toHaveBeenCalledTimes(1);
    await seconds(1);
    expect(getTicket).toHaveBeenCalledTimes(2);
  });
});

describe("a snapshot", () => {
  test("that is not newer is dropped, wherever it comes from", async () => {
    const watch = await watchGame({ initialSnapshot: { data: { turn: "rendered" }, lockVersion: 4 } });
    expect(watch.getSnapshot()).toMatchObject({ snapshot: { turn: "rendered" }, lockVersion: 4, status: "connecting" });
    server.socket().push(4, "another 4");
    expect(watch.getSnapshot()).toMatchObject({ snapshot: { turn: "rendered" }, lockVersion: 4, status: "connected" });
    server.socket().push(6);
    const before = watch.getSnapshot();
    const listener = vi.fn();
    watch.subscribe(listener);
    server.socket().push(5);
    server.socket().push(6, "another 6");
    server.onRead = () => version(5);
    expect(await watch.refresh()).toEqual({ status: "success", changed: false, lockVersion: 6 });
    expect(watch.getSnapshot()).toBe(before);
    expect(listener).not.toHaveBeenCalled();
    server.onRead = () => version(8);
    expect(await watch.refresh()).toEqual({ status: "success", changed: true, lockVersion: 8 });
    server.socket().push(7);
    expect(watch.getSnapshot()).toMatchObject({ lockVersion: 8, snapshot: { turn: "turn 8" } });
    watch.configure({ initialSnapshot: { data: { turn: "rendered again" }, lockVersion: 9 } });
    watch.configure({ initialSnapshot: { data: { turn: "rendered" }, lockVersion: 4 } });
    expect(watch.getSnapshot()).toMatchObject({ lockVersion: 9, snapshot: { turn: "rendered again" } });
    expect(server.sockets).toHaveLength(1);
  });

  test("that overtakes a reading which was asked for before is not taken back by it", async () => {
    const watch = await watchGame();
    let answer: (response: Response) => void = () => {};
    server.onRead = () =>
      new Promise((resolve) => {
        answer = resolve;
      });
    const refreshed = watch.refresh();
    await settle();
    server.socket().push(6);
    answer(version(5));
    expect(await refreshed).toMatchObject({ changed: false, lockVersion: 6 });
    expect(watch.getSnapshot().snapshot).toEqual({ turn: "turn 6" });
  });

  test("that cannot be understood, or is for others, changes nothing", async () => {
    vi.spyOn(console, "error").mockImplementation(() => {});
    const watch = await watchGame();
    const socket = server.socket();
    socket.push(1);
    const before = watch.getSnapshot();
    for (const message of ["", "{", "null", "7", '"snapshot"', "[]", "{}", { type: 7 }, { type: "snapshot" }])
      socket.say(message);
    socket.onmessage?.({ data: new ArrayBuffer(8) });
    for (const lockVersion of ["2", 2.5, null, undefined, Number.NaN]) socket.push(lockVersion);
    socket.push(2, "another game's", { topic: { kind: "game", id: "8" } });
    socket.push(2, "another kind's", { topic: { kind: "auction", id: "7" } });
    for (const topic of [null, "game:7", undefined]) socket.push(2, "nobody's", { topic });
    socket.say({ type: "snapshot", topic: GAME, lockVersion: 2, version: 1 });
    socket.say({ type: "ack", command: "subscribe", topic: GAME });
    server.onRead = () => json({ version: "2", data: {} });
    expect(await watch.refresh()).toMatchObject({ errorCode: "request.disconnected" });
    server.onRead = () => new Response("<h1>Welcome to the hotel</h1>");
    expect(await watch.refresh()).toMatchObject({ errorCode: "request.disconnected" });
    expect(watch.getSnapshot()).toBe(before);
    socket.push(2);
    expect(watch.getSnapshot().lockVersion).toBe(2);
  });

  test("of a protocol that is not known is passed over, loudly", async () => {
    const error = vi.spyOn(console, "error").mockImplementation(() => {});
    const watch = await watchGame();
    server.socket().push(1, "new", { version: 2 });
    server.socket().push(2, "new", { version: 2 });
    expect(watch.getSnapshot()).toMatchObject({ lockVersion: null, status: "connecting" });
    expect(error.mock.calls).toEqual([[expect.stringContaining("protocol version 2")]]);
  });

  test("of another server is another one", async () => {
    const sync = client();
    const watch = await watchGame({ sync });
    server.socket().push(9);
    const first = server.socket();
    sync.configure({ url: "http://second" });
    expect(first.closed).toBe(true);
    expect(watch.getSnapshot()).toMatchObject({ snapshot: null, lockVersion: null, status: "connecting" });
    await settle();
    expect(server.socket().url).toContain("ws://second/");
    server.socket().push(1);
    expect(watch.getSnapshot()).toMatchObject({ lockVersion: 1, status: "connected" });
  });
});

test("what is no topic is asked for nowhere", async () => {
  for (const topic of [
    { kind: "game", id: "a/b" },
    { kind: "game", id: "" },
    { kind: "game", id: "x".repeat(65) },
    { kind: "..", id: "7" },
  ]) {
    const watch = await watchGame({}, topic);
    expect(watch.getSnapshot()).toMatchObject({ status: "disconnected", error: { errorCode: "topic.invalid" } });
    expect(await watch.refresh()).toMatchObject({ errorCode: "topic.invalid" });
    watch.configure({ transport: "polling" });
    await settle();
  }
  expect(server.asked).toEqual([]);
});

describe("a refresh", () => {
  test("of what was refused begins anew when it is not any longer", async () => {
    const watch = await watchGame();
    server.onRead = () => refusal(404, "not_found");
    await server.socket().end();
    expect(await watch.refresh()).toMatchObject({ errorCode: "not_found", message: "No: not_found.", httpStatus: 404 });
    expect(watch.getSnapshot().status).toBe("disconnected");
    server.onRead = () => version(1);
    expect(await watch.refresh("fallback")).toEqual({ status: "success", changed: true, lockVersion: 1 });
    expect(watch.getSnapshot()).toMatchObject({ status: "disconnected", lockVersion: 1 });
    expect(await watch.refresh("manual")).toEqual({ status: "success", changed: false, lockVersion: 1 });
    expect(watch.getSnapshot()).toMatchObject({ status: "connecting", error: null });
    await settle();
    expect(server.sockets).toHaveLength(2);
  });

  test("tries the socket as well, if the server is there", async () => {
    const watch = await watchGame({ transport: "websocket" });
    await failSockets(server, 5);
    await server.socket().end();
    server.onRead = noNetwork;
    expect(await watch.refresh()).toMatchObject({
      errorCode: "request.disconnected",
      message: expect.stringContaining("verbinding"),
      httpStatus: 0,
    });
    await settle();
    expect(server.sockets).toHaveLength(6);
    server.onRead = () => version(1);
    await watch.refresh();
    await settle();
    expect(server.sockets).toHaveLength(7);
  });

  test("is one at a time, and the next answers all that ask meanwhile", async () => {
    const watch = await watchGame();
    const answers: ((response: Response) => void)[] = [];
    server.onRead = () => new Promise((resolve) => answers.push(resolve));
    const [first, second, third] = [watch.refresh(), watch.refresh(), watch.refresh()];
    await settle();
    const late = watch.refresh();
    expect(answers).toHaveLength(1);
    answers[0]?.(version(1));
    expect(await first).toMatchObject({ lockVersion: 1 });
    expect(await second).toMatchObject({ lockVersion: 1 });
    expect(await third).toMatchObject({ lockVersion: 1 });
    await settle();
    answers[1]?.(version(2));
    expect(await late).toMatchObject({ lockVersion: 2 });
    expect(answers).toHaveLength(2);
  });

  test("that is under way at the end is answered", async () => {
    const watch = await watchGame();
    server.onRead = () => new Promise(() => {});
    const refreshed = watch.refresh();
    await settle();
    watch.close();
    expect(await refreshed).toMatchObject({ errorCode: "request.aborted" });
  });
});

test("what goes over the wire can be seen, tickets and tokens apart", async () => {
  const sync = client();
  const frames: unknown[] = [];
  sync.inspect(({ direction, event, payload }) => frames.push([direction, event, payload]));
  const watch = await watchGame({ sync });
  server.socket().push(1);
  server.onRead = () => refusal(429, "rate_limited");
  await watch.refresh();
  expect(frames).toEqual([
    ["in", "snapshot", { topic: GAME, data: { turn: "turn 1" }, lockVersion: 1 }],
    ["out", "snapshot", { topic: GAME, reason: "manual" }],
    ["in", "snapshot", expect.objectContaining({ errorCode: "rate_limited" })],
  ]);
  expect(JSON.stringify(frames)).not.toMatch(/ticket|Bearer/);
});

test("a listener that throws disturbs nobody", async () => {
  const watch = await watchGame();
  const seen: (Game | null)[] = [];
  const thrown = vi.fn();
  vi.stubGlobal("queueMicrotask", (call: () => void) => {
    try {
      call();
    } catch (error) {
      thrown(error);
    }
  });
  watch.subscribe(() => {
    throw new Error("mine");
  });
  watch.subscribe(() => seen.push(watch.getSnapshot().snapshot));
  server.socket().push(1);
  expect(seen).toEqual([{ turn: "turn 1" }]);
  expect(thrown).toHaveBeenCalledTimes(1);
});
