// The changes of a board, and the board as it was at the one that is looked at.

import { useEffect, useRef, useState } from "react";
import type { UsedWorkspace } from "syncline/react";
import type { WorkspaceChange } from "syncline/workspaces";
import type { Problem } from "../../ui/Notice";
import type { Board } from "./notes";

/** How many changes are asked for at a time. */
const PAGE = 100;

/** The board as it was. */
export interface Shown {
  readonly change: WorkspaceChange;
  readonly data: Readonly<Partial<Board>>;
}

export interface Past {
  /** The changes that are known, the newest last. */
  readonly changes: readonly WorkspaceChange[];
  /** Whether there may be some before them. */
  readonly hasEarlier: boolean;
  /** Which of them is looked at: the last one is now. */
  readonly index: number;
  /** The board as it was; nothing while it is the one of now. */
  readonly shown: Shown | null;
  /** Whether the server can be asked. */
  readonly reachable: boolean;
  readonly problem: Problem | undefined;
  /** How many keys the last restore changed. */
  readonly restored: number | undefined;
  look(index: number): void;
  back(): void;
  restore(): Promise<void>;
  loadEarlier(): Promise<void>;
}

interface Known {
  readonly changes: readonly WorkspaceChange[];
  readonly hasEarlier: boolean;
}

/** The newest changes, with those before them that are known already. */
function withNewest({ changes, hasEarlier }: Known, page: readonly WorkspaceChange[]): Known {
  const overlap = changes.findIndex(({ hash }) => hash === page[0]?.hash);
  return overlap < 0
    ? { changes: page, hasEarlier: page.length === PAGE }
    : { changes: [...changes.slice(0, overlap), ...page], hasEarlier };
}

export function usePast({ data, status, pending, history }: UsedWorkspace<Board>): Past {
  const [{ changes, hasEarlier }, setKnown] = useState<Known>({ changes: [], hasEarlier: false });
  /** The change that is looked at; nothing when that is now. */
  const [wanted, setWanted] = useState<string | null>(null);
  const [shown, setShown] = useState<Shown | null>(null);
  const [problem, setProblem] = useState<Problem>();
  const [restored, setRestored] = useState<number>();
  /** The same, for answers: to what was asked before they come too late. */
  const newestWish = useRef<string>(null);
  const states = useRef(new Map<string, Shown["data"]>());

  // What is not answered yet is no change yet. When it is, or another's has come, there is one more.
  const settled = status === "synced" && pending === 0 ? data : null;
  useEffect(() => {
    if (settled === null) return;
    let over = false;
    void history.list({ limit: PAGE }).then((answer) => {
      if (over) return;
      if (answer.status === "error") return setProblem(answer);
      setKnown((known) => withNewest(known, answer.changes.toReversed()));
    });
    return () => {
      over = true;
    };
  }, [settled, history]);

  const newest = changes.length - 1;
  const at = changes.findIndex(({ hash }) => hash === wanted);

  function want(change: WorkspaceChange | null) {
    newestWish.current = change?.hash ?? null;
    setWanted(newestWish.current);
    setProblem(undefined);
    setRestored(undefined);
  }

  function back() {
    want(null);
    setShown(null);
  }

  async function look(index: number) {
    const change = changes[index];
    if (change === undefined || index >= newest) return back();
    const held = states.current.get(change.hash);
    // The states that were seen are here; the others are the server's.
    if (!held && status !== "synced") return;
    want(change);
    if (held) return setShown({ change, data: held });
    const answer = await history.at(change.hash);
    if (answer.status === "success") states.current.set(change.hash, answer.data);
    if (newestWish.current !== change.hash) return;
    if (answer.status === "success") return setShown({ change, data: answer.data });
    want(shown?.change ?? null);
    setProblem(answer);
  }

  return {
    changes,
    hasEarlier,
    index: at < 0 ? newest : at,
    shown,
    reachable: status === "synced",
    problem,
    restored,
    look,
    back,
    async restore() {
      if (shown === null) return;
      const answer = await history.restore(shown.change.hash);
      if (answer.status === "error") return setProblem(answer);
      back();
      setRestored(answer.keys);
    },
    async loadEarlier() {
      const answer = await history.list({ limit: PAGE, before: changes[0]?.hash });
      if (answer.status === "error") return setProblem(answer);
      const page = answer.changes.toReversed();
      setKnown((known) => ({ changes: [...page, ...known.changes], hasEarlier: page.length === PAGE }));
    },
  };
}
