// A document in a component, shared with all others that use it.

import { useCallback, useMemo, useSyncExternalStore } from "react";
import type { Doc } from "yjs";
import {
  type Awareness,
  BEFORE,
  type DocumentOptions,
  type DocumentState,
  type SyncedDocument,
} from "../documents/document.js";
import { type Holder, holdDocument, sharedDocument } from "../documents/sharedDocuments.js";
import { useSync } from "./SyncProvider.js";

/** What {@link useDocument} is told. */
export type UsedDocumentOptions = Pick<DocumentOptions, "sync" | "wsUrl">;

/** What {@link useDocument} returns. */
export interface UsedDocument extends DocumentState {
  /** The document; `null` in a first render, and where a page is rendered on a server. */
  readonly doc: Doc | null;
  /** Who is there; `null` when `doc` is. */
  readonly awareness: Awareness | null;
  /** {@link SyncedDocument.reconnect}. It stays the same function. */
  reconnect(): void;
}

/** A document, at a moment. */
interface View extends DocumentState, Pick<UsedDocument, "doc" | "awareness"> {}

const NONE: View = { ...BEFORE, doc: null, awareness: null };

/** The same object for the same state. */
const views = /* @__PURE__ */ new WeakMap<DocumentState, View>();

function viewOf(document: SyncedDocument): View {
  const state = document.getSnapshot();
  const { doc, awareness } = document;
  const view = views.get(state) ?? { ...state, doc, awareness };
  views.set(state, view);
  return view;
}

function look(holder: Holder | null): View {
  const document = holder && sharedDocument(holder);
  return document ? viewOf(document) : NONE;
}

/**
 * A document of Yjs, and how it stands with its connection. Components that use the same one share one, with one connection,
 * while any of them is there; what they have changed is sent after the last of them is gone. `null`: none.
 *
 * @example
 * const { doc, awareness, status, saved } = useDocument("notes");
 */
export function useDocument(
  id: string | null | undefined,
  { sync: given, wsUrl }: UsedDocumentOptions = {},
): UsedDocument {
  const nearest = useSync();
  const sync = given ?? nearest;
  const holder = useMemo(() => (id == null ? null : { sync, id, wsUrl }), [sync, id, wsUrl]);
  const subscribe = useCallback(
    (listener: () => void) => {
      if (!holder) return () => {};
      const { value: document, release } = holdDocument(holder);
      const stop = document.subscribe(listener);
      return () => {
        stop();
        release();
      };
    },
    [holder],
  );
  const reconnect = useCallback(() => {
    if (holder) sharedDocument(holder)?.reconnect();
  }, [holder]);
  const view = useSyncExternalStore(
    subscribe,
    () => look(holder),
    () => NONE,
  );
  return { ...view, reconnect };
}
