// A game in a component.

import type { SnapshotOptions } from "../snapshots/watch.js";
import { type UsedSnapshot, useSnapshot } from "./useSnapshot.js";

/** What {@link useGameSync} is told. */
export interface GameSyncOptions<Data = unknown> extends SnapshotOptions<Data> {
  /** The game; `null`: none. */
  gameId: string | number | null | undefined;
}

/**
 * The newest snapshot of a game, pushed, and how it stands with the connection: {@link useSnapshot} of kind `game`.
 *
 * @example
 * const { snapshot, status, refreshSnapshot } = useGameSync<Game>({ gameId, initialSnapshot });
 * {status === "reconnecting" && <Banner>Reconnecting...</Banner>}
 * <button onClick={() => refreshSnapshot("manual")}>Refresh</button>
 */
export function useGameSync<Data = unknown>({ gameId, ...options }: GameSyncOptions<Data>): UsedSnapshot<Data> {
  return useSnapshot(gameId == null ? null : { kind: "game", id: gameId }, options);
}
