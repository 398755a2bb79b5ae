import { useGameSync } from "syncline/react";

interface Game {
  turn: string;
  score: number[];
}

export function Board({ gameId }: { gameId: string }) {
  const { snapshot, lockVersion, status, error, refreshSnapshot } = useGameSync<Game>({ gameId });

  async function play(card: number) {
    await fetch(`/games/${gameId}/play`, { method: "POST", body: JSON.stringify({ card, lockVersion }) });
    await refreshSnapshot("manual"); // one's own move is not waited for
  }

  return (
    <>
      {status === "reconnecting" && <p role="status">Reconnecting…</p>}
      {status === "disconnected" && <p role="alert">{error?.message ?? "You are offline."}</p>}
      <p>{snapshot ? `It is ${snapshot.turn}'s turn.` : "Loading…"}</p>
      <button type="button" onClick={() => play(7)}>
        Play
      </button>
      <button type="button" onClick={() => refreshSnapshot("manual")}>
        Refresh
      </button>
    </>
  );
}
