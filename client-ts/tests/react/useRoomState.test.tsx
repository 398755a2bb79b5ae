// useRoomState, under StrictMode and through unmounts, on a real server.

import { act, cleanup, renderHook, waitFor } from "@testing-library/react";
import { type ReactNode, StrictMode } from "react";
import { createSync, type SyncClient } from "syncline";
import { SyncProvider, useRoomState } from "syncline/react";
import { afterAll, afterEach, beforeAll, expect, test, vi } from "vitest";
import { type Playground, startPlayground } from "../support/playground.js";
import type { Board } from "../support/rooms.js";

let playground: Playground;
beforeAll(async () => {
  playground = await startPlayground();
});
afterAll(() => playground.kill());
afterEach(() => {
  cleanup();
  vi.restoreAllMocks();
});

const client = () => createSync({ url: playground.url });

/** StrictMode, and this client. */
const strictly =
  (sync: SyncClient) =>
  ({ children }: { children: ReactNode }) => (
    <StrictMode>
      <SyncProvider sync={sync}>{children}</SyncProvider>
    </StrictMode>
  );

const use = (sync: SyncClient, room: string) =>
  renderHook(({ room }) => useRoomState<Board>(room), { wrapper: strictly(sync), initialProps: { room } });

/** The streams that are asked for from now on. */
function recordStreams(): string[] {
  const streams: string[] = [];
  const real = globalThis.fetch;
  vi.spyOn(globalThis, "fetch").mockImplementation((url, init) => {
    if (String(url).endsWith("/stream")) streams.push(String(url).split("/").at(-2) ?? "");
    return real(url, init);
  });
  return streams;
}

const openStreams = async () =>
  Number(/^syncline_room_streams (\d+)$/m.exec(await (await fetch(`${playground.url}/metrics`)).text())?.[1]);

test("components that use a room share one stream, which goes with the last of them", async () => {
  const streams = recordStreams();
  const sync = client();
  const [one, two] = [use(sync, "shared"), use(sync, "shared")];
  expect(one.result.current).toMatchObject({ state: null, version: 0, status: "connecting", error: null });
  await waitFor(() => expect(one.result.current.status).toBe("connected"));
  const { setState } = one.result.current;
  await act(async () => {
    void setState({ text: "hello" });
  });
  expect(two.result.current.state).toEqual({ text: "hello" });
  await waitFor(() => expect(two.result.current.version).toBe(1));
  expect(one.result.current).toMatchObject({ state: { text: "hello" }, version: 1 });
  expect(one.result.current.setState).toBe(setState);
  expect(one.result.current.state).toBe(two.result.current.state);
  one.unmount();
  expect(await openStreams()).toBe(1);
  two.unmount();
  await expect.poll(openStreams).toBe(0);
  expect(streams).toEqual(["shared"]);
});

test("another room is another state; the first is left", async () => {
  const sync = client();
  const { result, rerender, unmount } = use(sync, "first");
  await act(() => result.current.setState({ text: "first" }));
  rerender({ room: "second" });
  expect(result.current).toMatchObject({ state: null, version: 0 });
  await waitFor(() => expect(result.current.status).toBe("connected"));
  expect(result.current.state).toBeNull();
  await expect.poll(openStreams).toBe(1);
  rerender({ room: "first" });
  await waitFor(() => expect(result.current).toMatchObject({ state: { text: "first" }, version: 1 }));
  unmount();
});

test("what was begun before an unmount is finished, and the stream goes then", async () => {
  const sync = client();
  const { result, unmount } = use(sync, "begun");
  const first = result.current.setState({ text: "first" });
  const last = result.current.setState({ text: "last" });
  unmount();
  expect(await first).toMatchObject({ status: "success" });
  expect(await last).toMatchObject({ status: "success", state: { text: "last" } });
  await expect.poll(openStreams).toBe(0);
});

test("two clients on one page are two readers", async () => {
  const [ada, bob] = [use(client(), "readers"), use(client(), "readers")];
  await waitFor(() => expect(bob.result.current.status).toBe("connected"));
  await act(() => ada.result.current.setState({ text: "by ada" }));
  await waitFor(() => expect(bob.result.current).toMatchObject({ state: { text: "by ada" }, version: 1 }));
});
