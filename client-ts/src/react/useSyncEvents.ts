// Callbacks that live as long as a component does.

import { useCallback, useEffect, useState } from "react";
import type { SyncClient } from "../core/client.js";
import type { SyncEventCallback, SyncEventName, SyncEventVersion } from "../core/routes.js";
import { useSync } from "./SyncProvider.js";

/** What {@link useSyncEvents} returns. */
export interface SyncEvents {
  /** Sets this component's callback for an event, in place of its last; the result removes it, as unmounting does. */
  upsertSyncEventCallback<const Name extends SyncEventName, const Version extends SyncEventVersion<Name>>(
    callback: SyncEventCallback<Name, Version>,
  ): () => void;
}

/** One component's callback for one event. */
interface Own {
  attach(sync: SyncClient): () => void;
  detach?: (() => void) | undefined;
}

/** One component's callbacks, and the client that they are set at while the component is mounted. */
interface Scope {
  sync?: SyncClient | undefined;
  owns: Map<string, Own>;
}

/**
 * Lets a component set callbacks: while it renders, in effects or in event handlers. `upsertSyncEventCallback` stays
 * the same function.
 *
 * @example
 * const { upsertSyncEventCallback } = useSyncEvents();
 * upsertSyncEventCallback({
 *   name: "examples/updateCounter",
 *   version: "v2",
 *   callback: ({ serverOutput }) => setCount(serverOutput.newValue),
 * });
 */
export function useSyncEvents(): SyncEvents {
  const sync = useSync();
  const [scope] = useState<Scope>(() => ({ owns: new Map() }));

  useEffect(() => {
    scope.sync = sync;
    for (const own of scope.owns.values()) own.detach = own.attach(sync);
    return () => {
      // They are kept: under StrictMode the same component is mounted again without a render between.
      scope.sync = undefined;
      for (const own of scope.owns.values()) own.detach?.();
    };
  }, [scope, sync]);

  const upsertSyncEventCallback = useCallback<SyncEvents["upsertSyncEventCallback"]>(
    (callback) => {
      const route = `${callback.name}/${callback.version}`;
      const own: Own = { attach: (sync) => sync.upsertSyncEventCallback(callback, scope) };
      scope.owns.set(route, own);
      // Before the component is mounted nothing is set: a render may come to nothing.
      if (scope.sync) own.detach = own.attach(scope.sync);
      return () => {
        if (scope.owns.get(route) === own) scope.owns.delete(route);
        own.detach?.();
      };
    },
    [scope],
  );
  return { upsertSyncEventCallback };
}
