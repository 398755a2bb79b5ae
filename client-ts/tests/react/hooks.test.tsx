// The hooks, under StrictMode and through unmounts, on a real server.

import { act, cleanup, render, renderHook, screen, waitFor } from "@testing-library/react";
import { type ReactNode, StrictMode, useState, version } from "react";
import type { SyncClient } from "syncline";
import {
  SyncProvider,
  useRoom,
  useSync,
  useSyncEvent,
  useSyncEvents,
  useSyncLocation,
  useSyncStatus,
} from "syncline/react";
import { afterAll, afterEach, beforeAll, describe, expect, test, vi } from "vitest";
import { joined, nextFrame, recordFrames, recordSteps, step, user } from "../support/clients.js";
import { type Playground, startPlayground } from "../support/playground.js";

let playground: Playground;
beforeAll(async () => {
  playground = await startPlayground();
});
afterAll(() => playground.kill());
afterEach(cleanup);

const EVENT = { name: "test/nestedTest/room", version: "v1" } as const;

/** StrictMode, and this client. */
const strictly =
  (sync: SyncClient) =>
  ({ children }: { children: ReactNode }) => (
    <StrictMode>
      <SyncProvider sync={sync}>{children}</SyncProvider>
    </StrictMode>
  );

/** A client in a room, whose deliveries can be waited for. */
async function inRoom(room: string) {
  const sync = await user(playground, { sub: "ada" });
  await joined(sync, room);
  let sent = 0;
  const { count } = recordSteps(sync);
  /** Sends a step and resolves when it has arrived: with the client's own callback, which comes last. */
  const deliver = async () => {
    await step(sync, ++sent, room);
    await count(sent);
  };
  return { sync, deliver };
}

function Listener({ onRoom }: { onRoom(room: string): void }) {
  useSyncEvent({ ...EVENT, callback: ({ room }) => onRoom(room) });
  return null;
}

/** Counts the events that arrive, and tells what it had before each. */
function Counter({ onCount }: { onCount(count: number): void }) {
  const [count, setCount] = useState(0);
  useSyncEvent({
    ...EVENT,
    callback: () => {
      onCount(count);
      setCount(count + 1);
    },
  });
  return <output>{count}</output>;
}

test("these tests run on the React that their project names", () => {
  expect(version.split(".")[0]).toBe(process.env.REACT_MAJOR);
});

describe("useSyncEvents", () => {
  test("sets one callback though StrictMode mounts twice, in a render as in an effect", async () => {
    const { sync, deliver } = await inRoom("strict");
    const [inRender, inEffect] = [vi.fn(), vi.fn()];
    const frames = recordFrames(sync);
    const { unmount } = renderHook(
      () => {
        const { upsertSyncEventCallback } = useSyncEvents();
        upsertSyncEventCallback({ ...EVENT, callback: ({ serverOutput }) => inRender(serverOutput.step) });
        useSyncEvent({ ...EVENT, callback: ({ serverOutput }) => inEffect(serverOutput.step) });
      },
      { wrapper: strictly(sync) },
    );
    await deliver();
    expect([inRender.mock.calls, inEffect.mock.calls]).toEqual([[[1]], [[1]]]);
    unmount();
    await deliver();
    expect([inRender.mock.calls, inEffect.mock.calls]).toEqual([[[1]], [[1]]]);
    expect(frames.filter(({ event }) => event === "connect")).toEqual([]);
  });

  test("replaces this component's callback for the event, and no other component's", async () => {
    const { sync, deliver } = await inRoom("replace");
    const calls: string[] = [];
    const hook = (who: string) =>
      renderHook(
        ({ word }) => {
          const { upsertSyncEventCallback } = useSyncEvents();
          upsertSyncEventCallback({ ...EVENT, callback: () => calls.push(`${who} ${word}`) });
          return upsertSyncEventCallback;
        },
        { wrapper: strictly(sync), initialProps: { word: "old" } },
      );
    const [one, two] = [hook("one"), hook("two")];
    const before = one.result.current;
    one.rerender({ word: "new" });
    expect(one.result.current).toBe(before);
    await deliver();
    expect(calls.sort()).toEqual(["one new", "two old"]);

    calls.length = 0;
    const remove = two.result.current({ ...EVENT, callback: () => calls.push("two by hand") });
    await deliver();
    remove();
    await deliver();
    expect(calls.sort()).toEqual(["one new", "one new", "two by hand"]);
  });

  test("sets nothing after the component is gone", async () => {
    const { sync, deliver } = await inRoom("gone");
    const late = vi.fn();
    const { result, unmount } = renderHook(() => useSyncEvents(), { wrapper: strictly(sync) });
    const { upsertSyncEventCallback } = result.current;
    unmount();
    upsertSyncEventCallback({ ...EVENT, callback: late });
    await deliver();
    expect(late).not.toHaveBeenCalled();
  });

  test("moves with the component to another client", async () => {
    const [ada, bob] = [await inRoom("first client"), await inRoom("second client")];
    const seen: string[] = [];
    const tree = (sync: SyncClient) => (
      <StrictMode>
        <SyncProvider sync={sync}>
          <Listener onRoom={(room) => seen.push(room)} />
        </SyncProvider>
      </StrictMode>
    );
    const { rerender } = render(tree(ada.sync));
    await Promise.all([ada.deliver(), bob.deliver()]);
    rerender(tree(bob.sync));
    await Promise.all([ada.deliver(), bob.deliver()]);
    expect(seen).toEqual(["first client", "second client"]);
  });
});

describe("useSyncEvent", () => {
  test("calls the callback of the last render", async () => {
    const { sync, deliver } = await inRoom("last render");
    const seen: number[] = [];
    render(<Counter onCount={(count) => seen.push(count)} />, { wrapper: strictly(sync) });
    for (const wanted of ["1", "2", "3"]) {
      await deliver();
      await waitFor(() => expect(screen.getByRole("status").textContent).toBe(wanted));
    }
    expect(seen).toEqual([0, 1, 2]);
  });
});

describe("useRoom", () => {
  test("joins once, stays while any component uses the room, and leaves with the last", async () => {
    const sync = await user(playground, { sub: "ada" });
    const frames = recordFrames(sync);
    const sent = () => frames.filter(({ direction }) => direction === "out").map(({ event }) => event);
    const wrapper = strictly(sync);
    const states: string[] = [];
    const one = renderHook(() => states.push(useRoom("shared").state), { wrapper });
    const two = renderHook(() => useRoom("shared"), { wrapper });
    await waitFor(() => expect(two.result.current).toEqual({ state: "joined", error: null }));
    expect(new Set(states)).toEqual(new Set(["joining", "joined"]));
    expect(sent()).toEqual(["joinRoom"]);
    one.unmount();
    expect((await step(sync, 1, "shared")).status).toBe("success");
    const left = nextFrame(sync, ({ event, direction }) => event === "leaveRoom" && direction === "in");
    two.unmount();
    expect((await left).payload).toEqual({ status: "success", rooms: [] });
    expect(sent()).toEqual(["joinRoom", "sync", "leaveRoom"]);
  });

  test("changes rooms, and is in none without a name", async () => {
    const sync = await user(playground, { sub: "ada" });
    const { result, rerender } = renderHook(({ room }: { room: string | null }) => useRoom(room), {
      wrapper: strictly(sync),
      initialProps: { room: null as string | null },
    });
    expect(result.current).toEqual({ state: "out", error: null });
    expect(sync.getStatus().state).toBe("idle");
    for (const room of ["red", "blue"]) {
      rerender({ room });
      expect(result.current.state).toBe("joining");
      await waitFor(() => expect(result.current.state).toBe("joined"));
    }
    expect([sync.getRoomStatus("red").state, sync.getRoomStatus("blue").state]).toEqual(["out", "joined"]);
  });

  test("says why a room may not be joined", async () => {
    const sync = await user(playground, { sub: "ada", rooms: ["mine"] });
    const { result } = renderHook(() => useRoom("yours"), { wrapper: strictly(sync) });
    await waitFor(() => expect(result.current.state).toBe("error"));
    expect(result.current.error?.errorCode).toBe("room.joinDenied");
  });
});

describe("useSyncStatus", () => {
  test("follows state and queue, and does not connect by itself", async () => {
    const sync = await user(playground, { sub: "ada" });
    const { result, unmount } = renderHook(() => useSyncStatus(), { wrapper: strictly(sync) });
    expect(result.current).toEqual({ state: "idle", queueLength: 0, dropped: 0, lastError: null });
    act(() => sync.connect());
    await waitFor(() => expect(result.current.state).toBe("connected"));
    let waiting: Promise<unknown> | undefined;
    act(() => {
      sync.disconnect();
      waiting = step(sync, 1, "nowhere");
    });
    expect(result.current).toMatchObject({ state: "offline", queueLength: 1 });
    unmount();
    // Nobody listens any more: no update of what is gone.
    sync.close();
    await waiting;
  });
});

test("useSyncLocation tells the page when it changes, and only then", async () => {
  const sync = await user(playground, { sub: "ada" });
  const frames = recordFrames(sync);
  const told = () => frames.filter(({ direction }) => direction === "out").map(({ payload }) => payload);
  const { rerender } = renderHook(({ path, tab }) => useSyncLocation(path, { tab }), {
    wrapper: strictly(sync),
    initialProps: { path: "/a", tab: "1" },
  });
  await nextFrame(sync, ({ event, direction }) => event === "updateLocation" && direction === "in");
  rerender({ path: "/a", tab: "1" });
  rerender({ path: "/a", tab: "2" });
  rerender({ path: "/b", tab: "2" });
  await joined(sync, "after");
  expect(told().filter((payload) => payload && "pathName" in (payload as object))).toEqual([
    { pathName: "/a", searchParams: { tab: "1" } },
    { pathName: "/a", searchParams: { tab: "2" } },
    { pathName: "/b", searchParams: { tab: "2" } },
  ]);
});

test("useSync gives the provider's client, whose functions can be taken apart", async () => {
  const sync = await user(playground, { sub: "ada" });
  const { result } = renderHook(() => useSync(), { wrapper: strictly(sync) });
  const { syncRequest, joinRoom } = result.current;
  joinRoom("apart");
  const answer = await syncRequest({ ...EVENT, data: { step: 1, active: true }, receiver: "apart" });
  expect(answer.status).toBe("success");
});
