// Which client the hooks below a component use.

import { createContext, createElement, type ReactElement, type ReactNode, useContext } from "react";
import type { SyncClient } from "../core/client.js";
import { defaultSync } from "../core/defaultSync.js";

const SyncContext = /* @__PURE__ */ createContext<SyncClient>(defaultSync);

/** The properties of {@link SyncProvider}. */
export interface SyncProviderProps {
  /** The client, made by `createSync`. Whoever made it closes it. */
  sync: SyncClient;
  children?: ReactNode;
}

/** Gives the hooks below it a client other than the default one. */
export function SyncProvider({ sync, children }: SyncProviderProps): ReactElement {
  return createElement(SyncContext.Provider, { value: sync }, children);
}

/** The client that the hooks here use: for `syncRequest` and the rest in components that may stand below a {@link SyncProvider}. */
export function useSync(): SyncClient {
  return useContext(SyncContext);
}
