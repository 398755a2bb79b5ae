"use client";

import type { SyncError } from "syncline";
import { useGameSync } from "syncline/react";
import type { SnapshotRecord } from "syncline/snapshots";

interface GameState {
  turn: string;
}

/** A request to a route of this app; what the server refuses is thrown as it said it. */
async function own(path: string, init?: RequestInit) {
  const answer = await fetch(path, init);
  const body = await answer.json();
  if (answer.ok) return body;
  const { error: errorCode, message } = body;
  throw { status: "error", errorCode, message, httpStatus: answer.status } satisfies SyncError;
}

const getTicket = async (): Promise<string> => (await own("/api/ws-token", { method: "POST" })).token;

export function Game({ gameId, initial }: { gameId: string; initial: SnapshotRecord<GameState> }) {
  const { snapshot, status } = useGameSync<GameState>({
    gameId,
    initialSnapshot: initial,
    wsUrl: process.env.NEXT_PUBLIC_BACKEND_WS_URL ?? "wss://sync.example.com",
    getTicket,
    getSnapshot: async (signal) => {
      const { data, version } = await own(`/api/game-snapshot/${gameId}`, { signal });
      return { data, lockVersion: version };
    },
  });
  return (
    <p>
      {snapshot?.turn} {status === "reconnecting" && "(reconnecting…)"}
    </p>
  );
}
