// useGameSync and useSnapshot, under StrictMode and through unmounts, on a server that says what the test wants.

import { act, cleanup, render, renderHook, screen } from "@testing-library/react";
import { type ReactNode, StrictMode } from "react";
import type { SyncClient } from "syncline";
import { type GameSyncOptions, SyncProvider, useGameSync, useSnapshot } from "syncline/react";
import { pollingTransport, type SnapshotTransport } from "syncline/snapshots";
import { afterEach, beforeEach, expect, test, vi } from "vitest";
import {
  client,
  type FakeServer,
  fakeServer,
  type Game,
  json,
  refusal,
  settle,
  version,
} from "../support/snapshots.js";

let server: FakeServer;
let sync: SyncClient;
beforeEach(() => {
  server = fakeServer();
  sync = client();
});
afterEach(async () => {
  cleanup();
  await settle();
});

/** StrictMode, and this client. */
const wrapper = ({ children }: { children: ReactNode }) => (
  <StrictMode>
    <SyncProvider sync={sync}>{children}</SyncProvider>
  </StrictMode>
);

/** A component that uses a game. */
async function use(options: GameSyncOptions<Game>) {
  const used = renderHook((options: GameSyncOptions<Game>) => useGameSync<Game>(options), {
    wrapper,
    initialProps: options,
  });
  await act(settle);
  return used;
}

const push = (lockVersion: number, gameId = "7") =>
  act(async () => {
    const socket = server.sockets.filter(({ url }) => url.includes(`/ws/games/${gameId}?`)).at(-1);
    socket?.push(lockVersion, `turn ${lockVersion}`, { topic: { kind: "game", id: gameId } });
  });

const open = () => server.sockets.filter(({ closed }) => !closed).map(({ url }) => new URL(url).pathname);

test("under StrictMode there is one socket, from the first render to the unmount", async () => {
  const { result, unmount } = await use({ gameId: 7 });
  expect(result.current).toMatchObject({ snapshot: null, lockVersion: null, status: "connecting", error: null });
  expect(server.tickets()).toHaveLength(1);
  expect(open()).toEqual(["/ws/games/7"]);
  await push(1);
  expect(result.current).toMatchObject({ snapshot: { turn: "turn 1" }, lockVersion: 1, status: "connected" });
  expect(result.current.lastUpdatedAt).toBe(Date.now());
  unmount();
  await settle();
  expect(open()).toEqual([]);
  expect(server.sockets).toHaveLength(1);
});

test("an unmount in the middle of connecting leaves nothing", async () => {
  const { unmount } = renderHook(() => useGameSync({ gameId: "7" }), { wrapper });
  unmount();
  await settle();
  await vi.advanceTimersByTimeAsync(60_000);
  expect(server.sockets).toEqual([]);
});

test("components with one game share one connection, which goes with the last of them", async () => {
  const one = await use({ gameId: "7" });
  await push(1);
  const two = await use({ gameId: 7 });
  expect(two.result.current).toMatchObject({ lockVersion: 1, status: "connected" });
  await push(2);
  expect(one.result.current.snapshot).toBe(two.result.current.snapshot);
  expect(two.result.current.lockVersion).toBe(2);
  one.unmount();
  await settle();
  expect(open()).toEqual(["/ws/games/7"]);
  two.unmount();
  await settle();
  expect(open()).toEqual([]);
  expect(server.tickets()).toHaveLength(1);
});

test("a component that takes another's place takes its connection", async () => {
  const Shown = () => <p>{useGameSync<Game>({ gameId: "7" }).lockVersion}</p>;
  const { rerender } = render(<Shown key="one" />, { wrapper });
  await act(settle);
  await push(1);
  rerender(<Shown key="two" />);
  await act(settle);
  expect(screen.getByText("1")).toBeTruthy();
  expect(server.sockets).toHaveLength(1);
  expect(open()).toEqual(["/ws/games/7"]);
});

test("another game is another snapshot, from the first render on", async () => {
  const rendered: (number | null)[] = [];
  const initialSnapshot = { data: { turn: "rendered" }, lockVersion: 9 };
  const { result, rerender } = renderHook(
    (options: GameSyncOptions<Game>) => {
      const used = useGameSync<Game>(options);
      if (options.gameId === "8") rendered.push(used.lockVersion);
      return used;
    },
    { wrapper, initialProps: { gameId: "7", initialSnapshot } as GameSyncOptions<Game> },
  );
  await act(settle);
  expect(result.current).toMatchObject({ lockVersion: 9, snapshot: { turn: "rendered" } });
  const { refreshSnapshot } = result.current;
  // What came with the first game's page is not the second game's.
  rerender({ gameId: "8", initialSnapshot: { ...initialSnapshot } });
  await act(settle);
  expect(new Set(rendered)).toEqual(new Set([null]));
  expect(open()).toEqual(["/ws/games/8"]);
  await push(1, "8");
  expect(result.current).toMatchObject({ lockVersion: 1, status: "connected" });
  expect(result.current.refreshSnapshot).not.toBe(refreshSnapshot);
  rerender({ gameId: null });
  await act(settle);
  expect(result.current).toMatchObject({ snapshot: null, status: "disconnected" });
  expect(await result.current.refreshSnapshot("manual")).toMatchObject({ errorCode: "request.aborted" });
  expect(open()).toEqual([]);
});

test("what was rendered on a server is there at once, and only news replace it", async () => {
  const rendered: unknown[] = [];
  const page = (lockVersion: number) => ({ data: { turn: `rendered ${lockVersion}` }, lockVersion });
  const { result, rerender } = renderHook(
    (options: GameSyncOptions<Game>) => {
      const used = useGameSync<Game>(options);
      rendered.push(used.lockVersion);
      return used;
    },
    { wrapper, initialProps: { gameId: "7", initialSnapshot: page(4) } as GameSyncOptions<Game> },
  );
  await act(settle);
  await push(3);
  expect(result.current).toMatchObject({ lockVersion: 4, status: "connected", snapshot: { turn: "rendered 4" } });
  await push(5);
  expect(result.current).toMatchObject({ lockVersion: 5, snapshot: { turn: "turn 5" } });
  // The page was rendered anew.
  rerender({ gameId: "7", initialSnapshot: page(6) });
  expect(result.current).toMatchObject({ lockVersion: 6, snapshot: { turn: "rendered 6" } });
  const other = await use({ gameId: "7", initialSnapshot: page(2) });
  expect(other.result.current.lockVersion).toBe(6);
  expect(rendered).toEqual([...rendered].sort());
  expect(server.sockets).toHaveLength(1);
});

test("a refresh stays the same function, and tells what became of it", async () => {
  const { result, unmount } = await use({ gameId: "7" });
  const { refreshSnapshot } = result.current;
  await push(1);
  server.onRead = () => version(2);
  await act(async () => {
    expect(await refreshSnapshot("manual")).toEqual({ status: "success", changed: true, lockVersion: 2 });
  });
  expect(result.current).toMatchObject({ lockVersion: 2, refreshSnapshot });
  server.onRead = () => refusal(429, "rate_limited");
  expect(await refreshSnapshot("fallback")).toMatchObject({ errorCode: "rate_limited" });
  expect(result.current).toMatchObject({ lockVersion: 2, status: "connected", error: null });
  unmount();
  await settle();
  const { length } = server.asked;
  expect(await refreshSnapshot()).toMatchObject({ errorCode: "request.aborted" });
  expect(server.asked).toHaveLength(length);
});

test("another transport takes over in place, by whichever component says so", async () => {
  const { result, rerender } = await use({ gameId: "7" });
  await push(1);
  server.onRead = () => version(2);
  rerender({ gameId: "7", transport: "polling" });
  await act(settle);
  expect(result.current).toMatchObject({ transport: "polling", status: "connected", lockVersion: 2 });
  expect(open()).toEqual([]);
  rerender({ gameId: "7" });
  await act(settle);
  await push(3);
  expect(result.current).toMatchObject({ transport: "websocket", status: "connected", lockVersion: 3 });
  const other = await use({ gameId: "7", transport: "polling" });
  expect(result.current.transport).toBe("polling");
  other.unmount();
  await act(settle);
  expect(result.current.transport).toBe("websocket");
});

test("functions that are new at each render open nothing anew, and the last ones are asked", async () => {
  const asked: number[] = [];
  const options = (render: number): GameSyncOptions<Game> => ({
    gameId: "7",
    wsUrl: "wss://push.example.com",
    getTicket: async () => {
      asked.push(render);
      return `ticket of render ${render}`;
    },
  });
  const { rerender } = await use(options(1));
  await push(1);
  for (const render of [2, 3]) rerender(options(render));
  await act(settle);
  expect(server.sockets).toHaveLength(1);
  await act(() => server.socket().end(4408));
  await act(async () => void (await vi.advanceTimersByTimeAsync(1000)));
  expect(asked).toEqual([1, 3]);
  expect(server.sockets.map(({ url }) => url)).toEqual([
    "wss://push.example.com/ws/games/7?token=ticket+of+render+1",
    "wss://push.example.com/ws/games/7?token=ticket+of+render+3",
  ]);
});

test("two kinds, and a client of their own", async () => {
  const own = client({ url: "http://other" });
  function Both() {
    const game = useSnapshot<Game>({ kind: "game", id: "7" });
    const auction = useSnapshot<{ bid: number }>({ kind: "auction", id: 7 }, { sync: own });
    return <p>{`${game.snapshot?.turn}, ${auction.snapshot?.bid}, ${auction.status}`}</p>;
  }
  render(<Both />, { wrapper });
  await act(settle);
  expect(server.sockets.map(({ url }) => url.split("?")[0]).sort()).toEqual([
    "ws://other/ws/snapshots/auction/7",
    "ws://server/ws/games/7",
  ]);
  await push(1);
  await act(async () => {
    for (const socket of server.sockets) {
      socket.say({
        type: "snapshot",
        topic: { kind: "auction", id: "7" },
        data: { bid: 5 },
        lockVersion: 1,
        version: 1,
      });
    }
  });
  expect(screen.getByText("turn 1, 5, connected")).toBeTruthy();
});

test("a refusal is shown, and a refresh finds out that it is one no longer", async () => {
  server.onTicket = () => refusal(401, "auth_required");
  const { result } = await use({ gameId: "7" });
  expect(result.current).toMatchObject({ status: "disconnected", error: { errorCode: "auth_required" } });
  server.onRead = () => version(1);
  server.onTicket = () => json({ token: "ticket", expires_in: 90 });
  await act(async () => void (await result.current.refreshSnapshot("manual")));
  await act(settle);
  await push(2);
  expect(result.current).toMatchObject({ status: "connected", lockVersion: 2, error: null });
});

test("a transport that stays the same object is opened once", async () => {
  server.onRead = () => version(1);
  const transport = pollingTransport({ everyMs: 60_000 });
  const { result, rerender } = await use({ gameId: "7", transport });
  for (let render = 0; render < 3; render++) rerender({ gameId: "7", transport });
  await act(settle);
  expect(result.current).toMatchObject({ transport: "polling", lockVersion: 1 });
  expect(server.reads()).toHaveLength(1);
});

test("two transports are one in place of the other", async () => {
  const open = vi.fn<SnapshotTransport["open"]>(() => ({ close() {} }));
  const transport = [{ name: "pigeon", open }, pollingTransport()] as const;
  const { result, rerender } = await use({ gameId: null, transport });
  expect(result.current).toMatchObject({ transport: "pigeon", status: "disconnected" });
  for (let render = 0; render < 3; render++) rerender({ gameId: "7", transport });
  await act(settle);
  expect(result.current).toMatchObject({ transport: "pigeon", status: "connecting" });
  expect(open).toHaveBeenCalledTimes(1);
});
