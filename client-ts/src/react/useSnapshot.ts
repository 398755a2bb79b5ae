// A topic's newest snapshot in a component, shared with all others that watch it.

import { useCallback, useEffect, useMemo, useState, useSyncExternalStore } from "react";
import type { SnapshotRecord } from "../snapshots/record.js";
import { type Holder, holdSnapshot, settle, sharedSnapshot } from "../snapshots/sharedSnapshots.js";
import type { SnapshotOptions, SnapshotState, SnapshotWatch } from "../snapshots/watch.js";
import { useSync } from "./SyncProvider.js";

/** What {@link useSnapshot} returns. */
export interface UsedSnapshot<Data> extends SnapshotState<Data> {
  /** {@link SnapshotWatch.refresh}. It stays the same function. */
  readonly refreshSnapshot: SnapshotWatch<Data>["refresh"];
}

/** What is watched, as a component has it. */
export interface UsedTopic {
  kind: string;
  id: string | number;
}

/** Whose data that is, by the topic it first came with: the next topic's is another one. */
const owners = /* @__PURE__ */ new WeakMap<object, string>();

function isOf(key: string, { data }: SnapshotRecord): boolean {
  if (typeof data !== "object" || data === null) return true;
  const owner = owners.get(data) ?? key;
  owners.set(data, owner);
  return owner === key;
}

/**
 * The newest snapshot of a topic, and how it stands with the connection. Components that watch the same topic share one
 * connection, which is there while any of them is; what their options say, the last of them says. `null`: no topic.
 *
 * @example
 * const { snapshot, status, refreshSnapshot } = useSnapshot<Auction>({ kind: "auction", id: "7" });
 */
export function useSnapshot<Data = unknown>(
  topic: UsedTopic | null | undefined,
  { sync: given, ...settings }: SnapshotOptions<Data> = {},
): UsedSnapshot<Data> {
  const nearest = useSync();
  const sync = given ?? nearest;
  const kind = topic?.kind ?? "";
  const id = topic ? String(topic.id) : "";
  const own = useMemo(() => (kind || id ? { kind, id } : null), [kind, id]);

  const said = settings.initialSnapshot;
  const initial = said && isOf(`${kind}/${id}`, said) ? said : undefined;
  const { transport } = settings;
  const first = typeof transport === "object" && "0" in transport ? transport[0] : transport;
  const name = typeof first === "object" ? first.name : first === "polling" ? first : "websocket";
  const before = useMemo<SnapshotState>(
    () => ({
      snapshot: null,
      lockVersion: null,
      status: own ? "connecting" : "disconnected",
      lastUpdatedAt: null,
      transport: name,
      error: null,
    }),
    [own, name],
  );

  const [holder] = useState<Holder>(() => ({ settings: {} }));
  useEffect(() => {
    holder.settings = { ...settings, initialSnapshot: initial };
    if (own) settle(sync, own);
  });
  const subscribe = useCallback(
    (listener: () => void) => {
      if (!own) return () => {};
      const { value: watch, release } = holdSnapshot(sync, own, holder);
      const stop = watch.subscribe(listener);
      return () => {
        stop();
        release();
      };
    },
    [sync, own, holder],
  );
  const read = () => (own && sharedSnapshot(sync, own)?.getSnapshot()) || before;
  const refreshSnapshot = useCallback<UsedSnapshot<Data>["refreshSnapshot"]>(
    async (reason) =>
      (await (own && sharedSnapshot(sync, own))?.refresh(reason)) ?? sync.shared.error("request.aborted"),
    [sync, own],
  );

  // That it is of this type is the server's promise.
  const state = useSyncExternalStore(subscribe, read, () => before) as SnapshotState<Data>;
  // What came with the page is there before the effect that watches, and never behind what is shown.
  const isNewer = initial && (state.lockVersion === null || initial.lockVersion > state.lockVersion);
  const shown = isNewer ? { snapshot: initial.data, lockVersion: initial.lockVersion } : {};
  return { ...state, ...shown, refreshSnapshot };
}
