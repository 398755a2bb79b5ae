// useWorkspace, under StrictMode and through unmounts, on a server that says what the test wants.

import { act, cleanup, render, renderHook, screen } from "@testing-library/react";
import { type ReactNode, StrictMode } from "react";
import type { SyncClient } from "syncline";
import { SyncProvider, type UsedWorkspaceOptions, useWorkspace } from "syncline/react";
import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { holdWorkspace } from "../../src/workspaces/sharedWorkspaces.js";
import { client, type FakeServer, fakeServer, json, seconds, settle } from "../support/snapshots.js";
import { accept, type Board, type SentOp, sync, writes, written } from "../support/workspaces.js";

let server: FakeServer;
let own: SyncClient;
beforeEach(() => {
  server = fakeServer();
  own = client();
});
afterEach(async () => {
  cleanup();
  await settle();
});

/** StrictMode, and this client. */
const wrapper = ({ children }: { children: ReactNode }) => (
  <StrictMode>
    <SyncProvider sync={own}>{children}</SyncProvider>
  </StrictMode>
);

interface Props extends UsedWorkspaceOptions {
  id: string | null;
}

/** A component that uses a workspace. */
async function use(props: Props = { id: "board" }) {
  const used = renderHook(({ id, ...options }: Props) => useWorkspace<Board>(id, options), {
    wrapper,
    initialProps: props,
  });
  await act(settle);
  return used;
}

const open = () => server.sockets.filter(({ closed }) => !closed).map(({ url }) => new URL(url).pathname);

test("under StrictMode there is one socket, from the first render to the unmount", async () => {
  const { result, unmount } = await use();
  expect(result.current).toMatchObject({ data: {}, status: "connecting", error: null, presence: [], pending: 0 });
  expect(open()).toEqual(["/v1/sync/board"]);
  await act(async () => void sync(server, { topic: "Lunch" }));
  expect(result.current).toMatchObject({ data: { topic: "Lunch" }, status: "synced" });
  unmount();
  await settle();
  expect(open()).toEqual([]);
  expect(server.sockets).toHaveLength(1);
});

test("what is written is shown at once, and answered", async () => {
  const { result } = await use();
  const socket = server.socket();
  await act(async () => void sync(server, { topic: "Lunch" }));
  const { set, delete: remove } = result.current;
  let answer: ReturnType<typeof set> | undefined;
  await act(async () => {
    answer = set("topic", "Dinner");
  });
  expect(result.current).toMatchObject({ data: { topic: "Dinner" }, pending: 1 });
  const rendered = result.current.data;
  await act(async () => accept(socket, written(socket)[0] as SentOp));
  expect((await answer)?.status).toBe("success");
  expect(result.current.pending).toBe(0);
  expect(result.current.data).toBe(rendered);
  await act(async () => void remove("topic"));
  expect(result.current.data).toEqual({});
  await act(async () => accept(socket, written(socket)[1] as SentOp));
  expect(result.current).toMatchObject({ data: {}, pending: 0, set, delete: remove });
});

test("components with one workspace share one connection, which goes with the last of them", async () => {
  const one = await use();
  await act(async () => void sync(server, { notes: ["a"] }));
  const two = await use();
  expect(two.result.current.data).toBe(one.result.current.data);
  await act(async () => void two.result.current.set("topic", "Lunch"));
  expect(one.result.current.data.topic).toBe("Lunch");
  await act(async () => accept(server.socket(), written(server.socket())[0] as SentOp));
  one.unmount();
  await settle();
  expect(open()).toEqual(["/v1/sync/board"]);
  two.unmount();
  await settle();
  expect(open()).toEqual([]);
  expect(server.sockets).toHaveLength(1);
});

test("a component that takes another's place takes its connection", async () => {
  const Shown = () => <p>{useWorkspace<Board>("board").data.topic}</p>;
  const { rerender } = render(<Shown key="one" />, { wrapper });
  await act(settle);
  await act(async () => void sync(server, { topic: "Lunch" }));
  rerender(<Shown key="two" />);
  await act(settle);
  expect(screen.getByText("Lunch")).toBeTruthy();
  expect(server.sockets).toHaveLength(1);
  expect(open()).toHaveLength(1);
});

test("another workspace, client or way is another connection, and null is none", async () => {
  const { result, rerender } = await use();
  await act(async () => void sync(server, { topic: "Lunch" }));
  const { set } = result.current;
  rerender({ id: "other" });
  await act(settle);
  expect(result.current).toMatchObject({ data: {}, status: "connecting" });
  expect(result.current.set).not.toBe(set);
  expect(open()).toEqual(["/v1/sync/other"]);
  rerender({ id: "other", wsUrl: "wss://push.example.com" });
  await act(settle);
  rerender({ id: "other", sync: client({ url: "http://elsewhere" }) });
  await act(settle);
  expect(server.sockets.map(({ url }) => new URL(url).host)).toEqual([
    "server",
    "server",
    "push.example.com",
    "elsewhere",
  ]);
  rerender({ id: null });
  await act(settle);
  expect(result.current).toMatchObject({ data: {}, status: "disconnected" });
  expect(open()).toEqual([]);
  expect(await result.current.set("topic", "Lunch")).toMatchObject({ errorCode: "request.aborted" });
});

test("what was written is finished after an unmount", async () => {
  const { result, unmount } = await use();
  const answer = result.current.set("topic", "Lunch");
  unmount();
  await settle();
  expect(open()).toHaveLength(1);
  const socket = sync(server);
  expect(writes(socket)).toEqual([["topic", "Lunch"]]);
  accept(socket, written(socket)[0] as SentOp);
  expect((await answer).status).toBe("success");
  await settle();
  expect(open()).toEqual([]);
});

test("an unmount leaves no listener", async () => {
  const { value: board, release } = holdWorkspace({ sync: own, id: "board", wsUrl: undefined });
  const { subscribe } = board;
  let listening = 0;
  board.subscribe = (listener) => {
    listening++;
    const stop = subscribe(listener);
    return () => {
      listening--;
      stop();
    };
  };
  const { unmount } = await use();
  expect(listening).toBe(1);
  unmount();
  expect(listening).toBe(0);
  release();
});

test("each component hears of errors, with its last function, until it is gone", async () => {
  const [first, second, other] = [vi.fn(), vi.fn(), vi.fn()];
  const { result, rerender, unmount } = await use({ id: "board", onError: first });
  const two = await use({ id: "board", onError: other });
  rerender({ id: "board", onError: second });
  const socket = server.socket();
  await act(async () => void sync(server));
  const refused = async () => {
    await act(async () => void two.result.current.set("topic", "Lunch"));
    const { id } = written(socket).at(-1) as SentOp;
    await act(async () => socket.say({ type: "error", id, code: "permission_denied", status: 403, message: "No." }));
  };
  await refused();
  expect([first, second, other].map(({ mock }) => mock.calls.length)).toEqual([0, 1, 1]);
  expect(second).toHaveBeenCalledWith(expect.objectContaining({ errorCode: "permission_denied" }), {
    type: "op",
    key: "topic",
    value: "Lunch",
  });
  expect(result.current).toMatchObject({ data: {}, status: "synced" });
  unmount();
  await settle();
  await refused();
  expect([first, second, other].map(({ mock }) => mock.calls.length)).toEqual([0, 1, 2]);
});

test("its history is read with the token, and stays the same object", async () => {
  const { result, rerender } = await use();
  const { history } = result.current;
  server.onRead = () => json([]);
  expect(await history.list()).toEqual({ status: "success", changes: [] });
  rerender({ id: "board" });
  expect(result.current.history).toBe(history);
  expect(server.reads()[0]).toMatchObject({
    url: "http://server/v1/history/board",
    headers: { authorization: "Bearer token" },
  });
});

test("a lost connection is shown, and made anew", async () => {
  const { result } = await use();
  await act(async () => void sync(server, { topic: "Lunch" }));
  await act(() => server.socket().end());
  expect(result.current).toMatchObject({ status: "disconnected", data: { topic: "Lunch" } });
  await act(async () => void (await seconds(1)));
  await act(async () => void sync(server, { topic: "Dinner" }));
  expect(result.current).toMatchObject({ status: "synced", data: { topic: "Dinner" } });
});

test("what was refused is tried again when that is asked for, and not before", async () => {
  const { result, rerender } = await use();
  const { reconnect } = result.current;
  await act(() => server.socket().end(4003));
  expect(result.current).toMatchObject({ status: "error", error: { errorCode: "forbidden" } });
  await act(async () => void (await seconds(60)));
  expect(server.sockets).toHaveLength(1);
  await act(async () => reconnect());
  await act(async () => void sync(server, { topic: "Lunch" }));
  expect(result.current).toMatchObject({ status: "synced", error: null, data: { topic: "Lunch" }, reconnect });
  rerender({ id: null });
  await act(async () => result.current.reconnect());
  expect(result.current.status).toBe("disconnected");
  expect(server.sockets).toHaveLength(2);
});
