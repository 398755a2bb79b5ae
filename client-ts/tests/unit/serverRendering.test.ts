// The hooks where there is no browser: a page rendered on a server connects to nothing.

import { createElement, StrictMode } from "react";
import { renderToString } from "react-dom/server";
import { createSync } from "syncline";
import {
  SyncProvider,
  useGameSync,
  useRoom,
  useRoomState,
  useSyncEvent,
  useSyncLocation,
  useSyncStatus,
  useWorkspace,
} from "syncline/react";
import { useDocument } from "syncline/react/documents";
import { expect, test, vi } from "vitest";

function Page() {
  const { state } = useSyncStatus();
  const room = useRoom("room");
  useSyncLocation("/");
  useSyncEvent({ name: "chat/sendMessage", version: "v1", callback: () => {} });
  const { version, status } = useRoomState("room");
  const game = useGameSync<string>({ gameId: 7, initialSnapshot: { data: "rendered", lockVersion: 3 } });
  const board = useWorkspace("board");
  const { doc, status: documentStatus } = useDocument("notes");
  const keys = Object.keys(board.data).length;
  return `${keys} ${board.status} ${board.pending}, ${state}, ${room.state}, ${version} ${status}, ${game.snapshot} ${game.lockVersion} ${game.status}, ${doc} ${documentStatus}`;
}

test("a page is rendered as it is before anything has happened, and nothing connects", () => {
  const token = vi.fn();
  const sync = createSync({ url: "http://localhost:9", token });
  const page = createElement(StrictMode, null, createElement(SyncProvider, { sync }, createElement(Page)));
  expect(renderToString(page)).toBe(
    "0 disconnected 0, idle, joining, 0 connecting, rendered 3 connecting, null connecting",
  );
  expect(sync.getStatus().state).toBe("idle");
  expect(sync.getRoomStatus("room").state).toBe("out");
  expect(token).not.toHaveBeenCalled();
});
