// How a topic is watched: by polling, by polling in place of a socket, by what an app brings, and a change between them.

import { pollingTransport, type SnapshotTransport, websocketTransport } from "syncline/snapshots";
import { beforeEach, describe, expect, test, vi } from "vitest";
import {
  client,
  type FakeServer,
  FakeSocket,
  failSockets,
  fakePage,
  fakeServer,
  GAME,
  refusal,
  seconds,
  settle,
  version,
  watchGame,
} from "../support/snapshots.js";

let server: FakeServer;
beforeEach(() => {
  server = fakeServer();
});

describe("polling", () => {
  test("reads every 3 s, with the tag of what was there", async () => {
    const token = vi.fn(() => "token");
    const watch = await watchGame({ transport: "polling", sync: client({ token }), initialSnapshot: null });
    expect(watch.getSnapshot()).toMatchObject({ status: "connecting", transport: "polling" });
    let now = 1;
    server.onRead = ({ headers }) =>
      headers["if-none-match"] === `"${now}"` ? new Response(null, { status: 304 }) : version(now);
    await seconds(1);
    expect(watch.getSnapshot()).toMatchObject({ status: "connected", lockVersion: 1, error: null });
    const before = watch.getSnapshot();
    await seconds(2.9);
    expect(server.reads()).toHaveLength(2);
    await seconds(6.1);
    expect(watch.getSnapshot()).toBe(before);
    now = 2;
    await seconds(3);
    expect(watch.getSnapshot()).toMatchObject({ status: "connected", lockVersion: 2 });
    await seconds(3);
    expect(server.reads().map(({ headers }) => headers["if-none-match"])).toEqual([
      undefined,
      undefined,
      '"1"',
      '"1"',
      '"1"',
      '"1"',
      '"2"',
    ]);
    expect(server.reads()[0]).toMatchObject({
      url: "http://server/api/games/7/snapshot",
      headers: { authorization: "Bearer token", "accept-language": "nl" },
    });
    expect(server.sockets).toEqual([]);
    expect(token).toHaveBeenCalledTimes(1);
  });

  test("with another token asks for all of it", async () => {
    server.onRead = () => version(1);
    const sync = client();
    await watchGame({ transport: "polling", sync });
    await seconds(3);
    sync.configure({ url: "http://server/", token: () => "another" });
    await seconds(3);
    expect(server.reads().map(({ headers }) => [headers.authorization, headers["if-none-match"]])).toEqual([
      ["Bearer token", undefined],
      ["Bearer token", '"1"'],
      ["Bearer another", undefined],
    ]);
  });

  test("without a token, for it failed, asks for one again", async () => {
    server.onRead = () => version(1);
    let fails = true;
    const token = async () => {
      if (fails) throw new Error("no login");
      return "token";
    };
    const watch = await watchGame({ transport: "polling", sync: client({ token }) });
    expect(watch.getSnapshot()).toMatchObject({ status: "connecting", error: { errorCode: "token.failed" } });
    fails = false;
    await seconds(1);
    expect(watch.getSnapshot()).toMatchObject({ status: "connected", error: null });
  });

  test("asks one thing at a time, also when the page is seen again", async () => {
    const page = fakePage();
    server.onRead = () => new Promise(() => {});
    const watch = await watchGame({ transport: "polling" });
    await page.show(false);
    await page.show(true);
    expect(server.reads()).toHaveLength(1);
    watch.close();
  });

  test("comes in after three failures of the socket, and goes with the next socket", async () => {
    const watch = await watchGame();
    await failSockets(server, 2);
    expect(watch.getSnapshot()).toMatchObject({ transport: "websocket" });
    expect(server.reads()).toHaveLength(2);
    server.onRead = () => version(1);
    await server.socket().end();
    expect(watch.getSnapshot()).toMatchObject({ transport: "polling", status: "connected", lockVersion: 1 });
    server.onRead = () => version(2);
    await seconds(3);
    expect(watch.getSnapshot().lockVersion).toBe(2);
    await seconds(1);
    expect(server.sockets).toHaveLength(4);
    // The socket is tried again all the while, with the backoff, and fails unnoticed.
    expect(await failSockets(server, 1)).toEqual([8]);
    expect(watch.getSnapshot()).toMatchObject({ transport: "polling", status: "connected", error: null });
    const good = server.onTicket;
    server.onTicket = () => refusal(429, "rate_limited");
    const listener = vi.fn();
    watch.subscribe(listener);
    await server.socket().end();
    await seconds(30);
    server.onTicket = good;
    expect(watch.getSnapshot()).toMatchObject({ transport: "polling", status: "connected", error: null });
    expect(listener).not.toHaveBeenCalled();
    while (server.sockets.length < 6) await seconds(1);
    server.socket().push(3);
    expect(watch.getSnapshot()).toMatchObject({ transport: "websocket", status: "connected", lockVersion: 3 });
    const { length } = server.reads();
    await seconds(15);
    expect(server.reads()).toHaveLength(length);
    // One failure is none in a row.
    await server.socket().end();
    expect(watch.getSnapshot()).toMatchObject({ transport: "websocket", status: "reconnecting" });
  });

  test("that fails is tried again with the backoff, while the socket is too", async () => {
    const watch = await watchGame();
    await failSockets(server, 3);
    expect(watch.getSnapshot()).toMatchObject({ transport: "polling", status: "connecting" });
    server.onRead = () => refusal(404, "not_found");
    await seconds(30);
    expect(watch.getSnapshot()).toMatchObject({ status: "disconnected", error: { errorCode: "not_found" } });
    const { length } = server.asked;
    await seconds(3600);
    expect(server.asked).toHaveLength(length);
  });

  test("by the app's own way", async () => {
    const getSnapshot = vi.fn(async () => ({ data: { turn: "mine" }, lockVersion: 1 }));
    const watch = await watchGame({ transport: "polling", getSnapshot });
    expect(watch.getSnapshot()).toMatchObject({ status: "connected", lockVersion: 1, snapshot: { turn: "mine" } });
    await seconds(3);
    expect(getSnapshot).toHaveBeenCalledTimes(2);
    expect(server.asked).toEqual([]);
    watch.configure({ transport: "polling", getSnapshot: () => null as never });
    expect(await watch.refresh()).toMatchObject({ errorCode: "snapshot.failed" });
    const no = { status: "error", errorCode: "not_found", message: "No.", httpStatus: 404 } as const;
    watch.configure({ transport: "polling", getSnapshot: () => Promise.reject(no) });
    expect(await watch.refresh()).toEqual(no);
    await seconds(3);
    expect(watch.getSnapshot()).toMatchObject({ status: "disconnected", error: no });
  });
});

describe("other settings", () => {
  test("another transport takes over, and what is there stays", async () => {
    const watch = await watchGame();
    server.socket().push(1);
    server.onRead = () => version(2);
    watch.configure({ transport: "polling" });
    expect(server.socket().closed).toBe(true);
    expect(watch.getSnapshot()).toMatchObject({ transport: "polling", lockVersion: 1 });
    await settle();
    expect(watch.getSnapshot()).toMatchObject({ status: "connected", lockVersion: 2 });
    watch.configure({});
    await settle();
    expect(server.sockets).toHaveLength(2);
    server.socket().push(3);
    expect(watch.getSnapshot()).toMatchObject({ transport: "websocket", status: "connected", lockVersion: 3 });
    const { length } = server.reads();
    await seconds(10);
    expect(server.reads()).toHaveLength(length);
  });

  test("a transport of the app's own", async () => {
    const close = vi.fn();
    let events: Parameters<SnapshotTransport["open"]>[1] | undefined;
    const own: SnapshotTransport = {
      name: "pigeon",
      open(context, given) {
        expect(context.topic).toEqual(GAME);
        events = given;
        return { close };
      },
    };
    const watch = await watchGame({ transport: own });
    expect(watch.getSnapshot()).toMatchObject({ transport: "pigeon", status: "connecting" });
    events?.onSnapshot({ data: { turn: "flown" }, lockVersion: 1 });
    expect(watch.getSnapshot()).toMatchObject({ status: "connected", snapshot: { turn: "flown" } });
    const before = events;
    events?.onEnd({ retryAfterMs: 2000 });
    before?.onSnapshot({ data: { turn: "lost" }, lockVersion: 2 });
    expect(watch.getSnapshot()).toMatchObject({ status: "reconnecting", lockVersion: 1 });
    await seconds(2);
    events?.onLive();
    expect(watch.getSnapshot()).toMatchObject({ status: "connected", lockVersion: 1 });
    watch.close();
    expect(close).toHaveBeenCalledTimes(1);
    const broken: SnapshotTransport = {
      name: "broken",
      open() {
        throw new Error("broken");
      },
    };
    expect((await watchGame({ transport: broken })).getSnapshot()).toMatchObject({
      status: "connecting",
      error: { errorCode: "connection.failed", message: "Error: broken" },
    });
  });

  test("of two transports the second comes in after three failures, whether or not there is a token", async () => {
    const made: FakeSocket[] = [];
    const own = class extends FakeSocket {
      constructor(url: string) {
        super(url);
        made.push(this);
      }
    } as unknown as new (
      url: string,
    ) => WebSocket;
    const close = vi.fn();
    const open = vi.fn<SnapshotTransport["open"]>(() => ({ close }));
    const transport = [websocketTransport({ WebSocket: own }), { name: "pigeon", open }] as const;
    const watch = await watchGame({ transport, getTicket: () => "ticket", sync: client({ token: undefined }) });
    expect(watch.getSnapshot()).toMatchObject({ transport: "websocket", status: "connecting" });
    for (let failures = 1; failures <= 3; failures++) {
      expect(open).not.toHaveBeenCalled();
      await made.at(-1)?.end();
      if (failures < 3) await seconds(4);
    }
    const [, pigeon] = open.mock.lastCall ?? [];
    pigeon?.onSnapshot({ data: { turn: "flown" }, lockVersion: 1 });
    expect(watch.getSnapshot()).toMatchObject({ transport: "pigeon", status: "connected", lockVersion: 1 });
    await seconds(8);
    expect(made).toHaveLength(4);
    made.at(-1)?.push(2);
    expect(watch.getSnapshot()).toMatchObject({ transport: "websocket", status: "connected", lockVersion: 2 });
    expect(close).toHaveBeenCalledTimes(1);
    watch.configure({ transport });
    expect(made.at(-1)?.closed, "the same two are no change").toBe(false);
  });

  test("the package's transports with other times, or another class of sockets", async () => {
    server.onRead = () => version(1);
    await watchGame({ transport: pollingTransport({ everyMs: 500 }) });
    await seconds(2);
    expect(server.reads()).toHaveLength(5);
    const made: FakeSocket[] = [];
    const WebSocket = class extends FakeSocket {
      constructor(url: string) {
        super(url);
        made.push(this);
      }
    } as unknown as new (
      url: string,
    ) => WebSocket;
    await watchGame({ transport: websocketTransport({ WebSocket, pingMs: 1000 }) });
    made[0]?.push(1);
    await seconds(1);
    expect(made[0]?.sent).toEqual([{ type: "ping" }]);
    expect(server.sockets).toEqual([]);
  });
});
