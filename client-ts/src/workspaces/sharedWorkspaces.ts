// Workspaces that several holders have open, one for each client, id and way to it.

import type { SyncClient } from "../core/client.js";
import { createHolds, type Hold } from "../core/holds.js";
import { safely } from "../core/safely.js";
import { createWorkspace, type Workspace, type WorkspaceOptions } from "./workspace.js";

/** What a holder wants. Who holds the same is told of the same errors. */
export interface Holder extends Pick<WorkspaceOptions, "wsUrl"> {
  sync: SyncClient;
  id: string;
}

type OnError = NonNullable<WorkspaceOptions["onError"]>;

interface Shared {
  readonly workspace: Workspace;
  readonly listeners: Set<OnError>;
  close(): void;
}

const workspaces = /* @__PURE__ */ createHolds<Shared>();

const keyOf = ({ id, wsUrl }: Holder) => JSON.stringify([id, wsUrl]);

/** The workspace, while anybody holds it. */
export const sharedWorkspace = (holder: Holder): Workspace | undefined =>
  workspaces.get(holder.sync, keyOf(holder))?.workspace;

/** Takes hold of the workspace, and opens it if nobody did. */
export function holdWorkspace(holder: Holder, onError?: OnError): Hold<Workspace> {
  const { sync, id, wsUrl } = holder;
  const { value, release } = workspaces.hold(sync, keyOf(holder), () => {
    const listeners = new Set<OnError>();
    const tellAll: OnError = (...told) => {
      for (const listener of listeners) safely(() => listener(...told));
    };
    const workspace = createWorkspace(id, { sync, wsUrl, onError: tellAll });
    return { workspace, listeners, close: workspace.close };
  });
  if (onError) value.listeners.add(onError);
  return {
    value: value.workspace,
    release() {
      if (onError) value.listeners.delete(onError);
      release();
    },
  };
}
