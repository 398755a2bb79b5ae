// A workspace in a component, shared with all others that use it.

import { useCallback, useEffect, useMemo, useRef, useSyncExternalStore } from "react";
import { createReader, type WorkspaceHistory } from "../workspaces/history.js";
import type { WorkspaceAnswer } from "../workspaces/pending.js";
import { holdWorkspace, sharedWorkspace } from "../workspaces/sharedWorkspaces.js";
import {
  BEFORE,
  type Workspace,
  type WorkspaceOptions,
  type WorkspaceState,
  type WorkspaceWriter,
} from "../workspaces/workspace.js";
import { useSync } from "./SyncProvider.js";

/** What {@link useWorkspace} is told. `onError` hears of the writes of all components that use the workspace. */
export type UsedWorkspaceOptions = Pick<WorkspaceOptions, "sync" | "wsUrl" | "onError">;

/** What {@link useWorkspace} returns. Its functions stay the same, and what they have begun goes on after an unmount. */
export interface UsedWorkspace<Data extends object> extends WorkspaceState<Data>, WorkspaceWriter<Data> {
  readonly history: WorkspaceHistory<Data>;
  /** {@link Workspace.reconnect}: tries now, also after status `error`. */
  readonly reconnect: Workspace<Data>["reconnect"];
}

/**
 * A workspace's values, with our own writes at once, and how it stands with the connection. Components that use the same
 * one share one connection, which is there while any of them is. `null`: none.
 *
 * @example
 * const { data, set, status } = useWorkspace<{ topic: string }>("board");
 * <input value={data.topic ?? ""} onChange={(event) => set("topic", event.target.value)} />
 */
export function useWorkspace<Data extends object = Record<string, unknown>>(
  id: string | null | undefined,
  { sync: given, wsUrl, onError }: UsedWorkspaceOptions = {},
): UsedWorkspace<Data> {
  const nearest = useSync();
  const sync = given ?? nearest;
  const holder = useMemo(() => (id == null ? null : { sync, id, wsUrl }), [sync, id, wsUrl]);

  const last = useRef(onError);
  useEffect(() => {
    last.current = onError;
  });
  const subscribe = useCallback(
    (listener: () => void) => {
      if (!holder) return () => {};
      const { value: workspace, release } = holdWorkspace(holder, (...told) => last.current?.(...told));
      const stop = workspace.subscribe(listener);
      return () => {
        stop();
        release();
      };
    },
    [holder],
  );
  const read = () => (holder && sharedWorkspace(holder)?.getSnapshot()) || BEFORE;

  const functions = useMemo(() => {
    // Held until it is answered: the component may be gone by then.
    const write = async (call: (workspace: Workspace) => Promise<WorkspaceAnswer>) => {
      if (!holder) return sync.shared.error("request.aborted");
      const { value, release } = holdWorkspace(holder);
      const answer = await call(value);
      release();
      return answer;
    };
    return {
      set: (key: string, value: unknown) => write((workspace) => workspace.set(key, value)),
      delete: (key: string) => write((workspace) => workspace.delete(key)),
      history: createReader<Data>(id ?? "", sync).history,
      reconnect: () => (holder && sharedWorkspace(holder))?.reconnect(),
    };
  }, [holder, sync, id]);

  // That it is of this type is whoever writes to the workspace's promise.
  const state = useSyncExternalStore(subscribe, read, () => BEFORE) as WorkspaceState<Data>;
  return { ...state, ...functions } as UsedWorkspace<Data>;
}
