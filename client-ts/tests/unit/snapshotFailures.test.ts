// A watched topic that is lost, refused, hidden or offline, and what it does then.

import { beforeEach, describe, expect, test, vi } from "vitest";
import {
  client,
  type FakeServer,
  failSockets,
  fakePage,
  fakeServer,
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

describe("a lost socket", () => {
  test("is tried again after 1, 2, 4 .. 30 s, and after 1 again once there was one", async () => {
    const watch = await watchGame({ transport: "websocket" });
    expect(await failSockets(server, 7)).toEqual([1, 2, 4, 8, 16, 30, 30]);
    expect(watch.getSnapshot()).toMatchObject({ status: "connecting", transport: "websocket", error: null });
    server.socket().push(1);
    expect(await failSockets(server, 2)).toEqual([1, 2]);
    expect(watch.getSnapshot()).toMatchObject({ status: "reconnecting", lockVersion: 1 });
  });

  test("waits for at least half of that", async () => {
    vi.spyOn(Math, "random").mockReturnValue(0);
    await watchGame({ transport: "websocket" });
    expect(await failSockets(server, 7)).toEqual([0.5, 1, 2, 4, 8, 15, 15]);
  });

  test("that never was one is explained by reading, which brings the snapshot as well", async () => {
    const watch = await watchGame();
    server.onRead = () => version(2);
    await server.socket().end();
    expect(watch.getSnapshot()).toMatchObject({ lockVersion: 2, status: "connecting", error: null });
    expect(server.reads()).toHaveLength(1);
  });

  for (const [httpStatus, error] of [
    [401, "auth_required"],
    [403, "forbidden"],
    [404, "not_found"],
  ] as const) {
    test(`is not tried again when reading says ${error}, until that may have changed`, async () => {
      const sync = client();
      const watch = await watchGame({ sync });
      server.onRead = () => refusal(httpStatus, error);
      await server.socket().end();
      expect(shown(watch)).toEqual({
        status: "disconnected",
        transport: "websocket",
        error: { status: "error", errorCode: error, message: `No: ${error}.`, httpStatus },
      });
      await seconds(3600);
      expect(server.sockets).toHaveLength(1);
      sync.configure({ url: "http://server/", token: () => "another" });
      expect(watch.getSnapshot()).toMatchObject({ status: "connecting", error: null });
      await settle();
      server.socket().push(1);
      expect(server.sockets).toHaveLength(2);
      expect(server.tickets().at(-1)?.headers.authorization).toBe("Bearer another");
      expect(watch.getSnapshot()).toMatchObject({ status: "connected", error: null });
    });
  }

  test("is tried again when reading says to wait, and not before", async () => {
    const watch = await watchGame();
    server.onRead = () => refusal(503, "shutting_down", { "retry-after": "7" });
    await server.socket().end();
    expect(watch.getSnapshot()).toMatchObject({ status: "connecting", error: { errorCode: "shutting_down" } });
    await seconds(6.9);
    expect(server.sockets).toHaveLength(1);
    await seconds(0.1);
    expect(server.sockets).toHaveLength(2);
  });

  test("4401: at once again, with a new token", async () => {
    const token = vi.fn(({ refused }: { refused?: string }) => refused ?? "first");
    const watch = await watchGame({ sync: client({ token }) });
    server.socket().push(1);
    await seconds(1);
    await server.socket().end(4401, "session expired");
    expect(server.sockets).toHaveLength(2);
    expect(server.tickets().map(({ headers }) => headers.authorization)).toEqual([
      "Bearer first",
      "Bearer auth.expired",
    ]);
    server.socket().push(2);
    expect(watch.getSnapshot()).toMatchObject({ status: "connected", lockVersion: 2, error: null });
    // One that expires each time at once is no reason to go round and round.
    await server.socket().end(4401);
    expect(server.sockets).toHaveLength(2);
    await seconds(1);
    expect(server.sockets).toHaveLength(3);
    server.socket().push(3);
    await server.socket().end();
    await seconds(1);
    expect(token.mock.calls.map(([{ refused }]) => refused)).toEqual([
      undefined,
      "auth.expired",
      "auth.expired",
      undefined,
    ]);
  });

  for (const [words, onRead, message] of [
    ["with the words of the server", () => refusal(403, "forbidden"), "No: forbidden."],
    ["without any when there is no network", noNetwork, "forbidden"],
    ["whatever reading says", () => version(2), "forbidden"],
  ] as const) {
    test(`4403: final, ${words}`, async () => {
      const watch = await watchGame();
      server.socket().push(1);
      server.onRead = onRead;
      await server.socket().end(4403, "withdrawn");
      await seconds(3600);
      expect(watch.getSnapshot()).toMatchObject({
        status: "disconnected",
        error: { errorCode: "forbidden", message, httpStatus: 403 },
      });
      expect(server.sockets).toHaveLength(1);
    });
  }

  for (const code of [1001, 1009, 1011, 4408]) {
    test(`${code}: again after a while`, async () => {
      const watch = await watchGame();
      server.socket().push(1);
      await server.socket().end(code);
      expect(watch.getSnapshot().status).toBe("reconnecting");
      await seconds(0.9);
      expect(server.sockets).toHaveLength(1);
      await seconds(0.1);
      expect(server.sockets).toHaveLength(2);
    });
  }

  test("an error on it is shown until the next snapshot; one that says there is nothing to see is final", async () => {
    const watch = await watchGame();
    const socket = server.socket();
    socket.push(1);
    socket.say({ type: "error", code: "rate_limited", message: "Te snel." });
    expect(watch.getSnapshot()).toMatchObject({
      status: "connected",
      error: { errorCode: "rate_limited", message: "Te snel.", httpStatus: 429 },
    });
    socket.push(2);
    expect(watch.getSnapshot().error).toBeNull();
    socket.say({ type: "error", code: "not_found", message: "Weg." });
    expect(watch.getSnapshot()).toMatchObject({ status: "disconnected", error: { errorCode: "not_found" } });
    expect(socket.closed).toBe(true);
    await seconds(60);
    expect(server.sockets).toHaveLength(1);
  });
});

describe("without a ticket", () => {
  test("because there is no token: final", async () => {
    server.onTicket = () => refusal(401, "auth_required");
    const watch = await watchGame({ sync: client({ token: undefined }) });
    await seconds(60);
    expect(server.asked).toHaveLength(1);
    expect(watch.getSnapshot()).toMatchObject({ status: "disconnected", error: { errorCode: "auth_required" } });
  });

  test("because the token was too old: with a new one, at once", async () => {
    const good = server.onTicket;
    server.onTicket = (asked) =>
      asked.headers.authorization === "Bearer new" ? good(asked) : refusal(401, "auth_expired");
    const token = vi.fn(({ refused }: { refused?: string }) => (refused === "auth.expired" ? "new" : "old"));
    await watchGame({ sync: client({ token }) });
    expect(server.sockets).toHaveLength(1);
  });

  test("for now: when the server says", async () => {
    const good = server.onTicket;
    server.onTicket = () => refusal(429, "rate_limited", { "retry-after": "5" });
    const watch = await watchGame();
    expect(watch.getSnapshot()).toMatchObject({ status: "connecting", error: { errorCode: "rate_limited" } });
    server.onTicket = good;
    await seconds(4.9);
    expect(server.sockets).toEqual([]);
    await seconds(0.1);
    server.socket().push(1);
    expect(watch.getSnapshot()).toMatchObject({ status: "connected", error: null });
  });

  for (const getTicket of [
    () => Promise.reject(new Error("no route")),
    () => {
      throw new Error("no route");
    },
    () => undefined as unknown as string,
  ]) {
    test(`of an app that fails (${getTicket}): again after a while`, async () => {
      const watch = await watchGame({ getTicket, transport: "websocket" });
      expect(watch.getSnapshot()).toMatchObject({ status: "connecting", error: { errorCode: "ticket.failed" } });
      watch.configure({ getTicket: () => "a ticket", transport: "websocket" });
      await seconds(1);
      expect(server.socket().ticket).toBe("a ticket");
    });
  }

  test("of an app that passes on why not: final", async () => {
    const no = { status: "error", errorCode: "forbidden", message: "No.", httpStatus: 403 } as const;
    const watch = await watchGame({ getTicket: () => Promise.reject(no) });
    expect(watch.getSnapshot()).toMatchObject({ status: "disconnected", error: no });
  });

  test("because token failed: again after a while, with a token asked for anew", async () => {
    let fails = true;
    const token = async () => {
      if (fails) throw new Error("no login");
      return "token";
    };
    const watch = await watchGame({ sync: client({ token }) });
    expect(watch.getSnapshot()).toMatchObject({ status: "connecting", error: { errorCode: "token.failed" } });
    fails = false;
    await seconds(1);
    server.socket().push(1);
    expect(watch.getSnapshot()).toMatchObject({ status: "connected", error: null });
  });

  test("to a place that is none", async () => {
    const watch = await watchGame({ wsUrl: "no place", transport: "websocket" });
    expect(watch.getSnapshot()).toMatchObject({ error: { errorCode: "connection.failed" } });
  });

  test("where there are no sockets: polling, after a while", async () => {
    vi.stubGlobal("WebSocket", undefined);
    server.onRead = () => version(1);
    const watch = await watchGame();
    expect(watch.getSnapshot()).toMatchObject({ error: { errorCode: "connection.failed" } });
    await seconds(3);
    expect(watch.getSnapshot()).toMatchObject({ transport: "polling", status: "connected", error: null });
  });
});

describe("a hidden page", () => {
  test("tries nothing, and catches up at once when it is seen", async () => {
    const page = fakePage();
    const watch = await watchGame();
    const socket = server.socket();
    socket.push(1);
    await page.show(false);
    // A socket that is there stays.
    socket.push(2);
    expect(watch.getSnapshot().lockVersion).toBe(2);
    await socket.end();
    await seconds(3600);
    expect(server.sockets).toHaveLength(1);
    expect(watch.getSnapshot().status).toBe("reconnecting");
    await page.show(true);
    expect(server.sockets).toHaveLength(2);
    server.socket().push(3);
    expect(watch.getSnapshot()).toMatchObject({ status: "connected", lockVersion: 3 });
  });

  test("is not polled for, and once at once when it is seen", async () => {
    const page = fakePage();
    server.onRead = () => version(1);
    const watch = await watchGame({ transport: "polling" });
    await page.show(false);
    await seconds(3600);
    expect(server.reads()).toHaveLength(1);
    server.onRead = () => version(2);
    await page.show(true);
    expect(watch.getSnapshot()).toMatchObject({ status: "connected", lockVersion: 2 });
    await seconds(3);
    expect(server.reads()).toHaveLength(3);
  });

  test("that is seen again asks its socket for a sign of life", async () => {
    const page = fakePage();
    const watch = await watchGame();
    const socket = server.socket();
    socket.push(1);
    await page.show(false);
    await page.show(true);
    await page.show(true);
    expect(socket.sent).toEqual([{ type: "ping" }]);
    await seconds(10);
    expect(watch.getSnapshot().status).toBe("reconnecting");
  });

  test("tries nothing either when the network comes back", async () => {
    const page = fakePage();
    await watchGame();
    server.socket().push(1);
    await page.show(false);
    await page.network(false);
    await page.network(true);
    await seconds(60);
    expect(server.sockets).toHaveLength(1);
    await page.show(true);
    expect(server.sockets).toHaveLength(2);
    // One that is waited for, too.
    await server.socket().end();
    await page.show(false);
    await page.network(true);
    expect(server.sockets).toHaveLength(2);
  });

  test("opened in the background connects once", async () => {
    const page = fakePage();
    await page.show(false);
    await watchGame();
    expect(server.sockets).toHaveLength(1);
    await server.socket().end();
    await seconds(60);
    expect(server.sockets).toHaveLength(1);
  });

  test("does not come before the server wants it", async () => {
    const page = fakePage();
    server.onTicket = () => refusal(503, "busy", { "retry-after": "10" });
    await watchGame();
    await page.show(false);
    await page.show(true);
    expect(server.tickets()).toHaveLength(1);
    await seconds(10);
    expect(server.tickets()).toHaveLength(2);
  });
});

test("a device that goes offline and comes back", async () => {
  const page = fakePage();
  const watch = await watchGame();
  server.socket().push(1);
  await failSockets(server, 2);
  const socket = server.socket();
  await page.network(false);
  expect(socket.closed).toBe(true);
  expect(watch.getSnapshot()).toMatchObject({ status: "disconnected", lockVersion: 1, error: null });
  await seconds(3600);
  expect(server.sockets).toHaveLength(3);
  await page.network(true);
  expect(watch.getSnapshot().status).toBe("reconnecting");
  expect(server.sockets).toHaveLength(4);
  // What failed before is forgotten.
  expect(await failSockets(server, 4)).toEqual([1, 2, 4, 8]);
  await server.socket().end();
  const { length } = server.sockets;
  await page.network(true);
  expect(server.sockets).toHaveLength(length + 1);
  watch.close();
  expect(page.listening()).toBe(0);
});

test("a client that was told to disconnect", async () => {
  const sync = client({ socket: { transports: ["websocket"] } });
  const watch = await watchGame({ sync });
  server.socket().push(1);
  sync.disconnect();
  expect(server.socket().closed).toBe(true);
  expect(watch.getSnapshot().status).toBe("disconnected");
  server.onRead = () => version(2);
  expect(await watch.refresh()).toMatchObject({ changed: true });
  expect(watch.getSnapshot()).toMatchObject({ status: "disconnected", lockVersion: 2 });
  expect(server.sockets).toHaveLength(1);
});
