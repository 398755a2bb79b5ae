// useGameSync on a real server: its paths, tickets and messages, by either transport.

import { act, cleanup, renderHook, waitFor } from "@testing-library/react";
import { type ReactNode, StrictMode } from "react";
import { createSync } from "syncline";
import { SyncProvider, useGameSync } from "syncline/react";
import { afterAll, afterEach, beforeAll, expect, test } from "vitest";
import { type Playground, startPlayground } from "../support/playground.js";

let playground: Playground;
beforeAll(async () => {
  playground = await startPlayground();
});
afterAll(() => playground.kill());
afterEach(cleanup);

/** Writes a game; its version. */
async function put(game: string, turn: string): Promise<number> {
  const token = await playground.token({ sub: "writer", scope: "games:write" });
  const answer = await fetch(`${playground.url}/api/games/${game}/snapshot`, {
    method: "PUT",
    headers: { authorization: `Bearer ${token}`, "content-type": "application/json" },
    body: JSON.stringify({ data: { turn } }),
  });
  expect(answer.status).toBe(200);
  return (await answer.json()).version;
}

function use(game: string, transport: "websocket" | "polling", sub = "ada") {
  const sync = createSync({ url: playground.url, token: () => playground.token({ sub }) });
  const wrapper = ({ children }: { children: ReactNode }) => (
    <StrictMode>
      <SyncProvider sync={sync}>{children}</SyncProvider>
    </StrictMode>
  );
  return renderHook(() => useGameSync<{ turn: string }>({ gameId: game, transport }), { wrapper }).result;
}

test.each(["websocket", "polling"] as const)("a game is followed by %s", async (transport) => {
  const game = `followed-by-${transport}`;
  await put(game, "ada");
  const result = use(game, transport);
  await waitFor(() => expect(result.current.status).toBe("connected"));
  expect(result.current).toMatchObject({ snapshot: { turn: "ada" }, lockVersion: 1, transport, error: null });
  expect(await put(game, "bob")).toBe(2);
  await waitFor(() => expect(result.current.lockVersion).toBe(2), { timeout: 5000 });
  expect(result.current.snapshot).toEqual({ turn: "bob" });
});

test("a refresh by hand has the newest at once, and a game that is not there says so", async () => {
  await put("refreshed", "ada");
  const result = use("refreshed", "polling");
  await waitFor(() => expect(result.current.lockVersion).toBe(1));
  await put("refreshed", "bob");
  await act(async () => {
    expect(await result.current.refreshSnapshot("manual")).toMatchObject({ status: "success", lockVersion: 2 });
  });
  expect(result.current.snapshot).toEqual({ turn: "bob" });
  const missing = use("missing", "websocket");
  await waitFor(() => expect(missing.current.status).toBe("disconnected"));
  expect(missing.current.error).toMatchObject({ errorCode: "not_found", httpStatus: 404 });
});
