// Documents that several holders have open, one for each client, id and way to it.

import type { SyncClient } from "../core/client.js";
import { createHolds, type Hold } from "../core/holds.js";
import { createDocument, type DocumentOptions, type SyncedDocument } from "./document.js";

/** What a holder wants. */
export interface Holder extends Pick<DocumentOptions, "wsUrl"> {
  sync: SyncClient;
  id: string;
}

interface Shared {
  readonly document: SyncedDocument;
  close(): void;
}

const documents = /* @__PURE__ */ createHolds<Shared>();

const keyOf = ({ id, wsUrl }: Holder) => JSON.stringify([id, wsUrl]);

/** The document, while anybody holds it. */
export const sharedDocument = (holder: Holder): SyncedDocument | undefined =>
  documents.get(holder.sync, keyOf(holder))?.document;

/** Takes hold of the document, and opens it if nobody did. What is let go of stays until the server has it. */
export function holdDocument(holder: Holder): Hold<SyncedDocument> {
  const { sync, id, wsUrl } = holder;
  const { value, release } = documents.hold(sync, keyOf(holder), () => {
    const document = createDocument(id, { sync, wsUrl });
    return { document, close: document.destroy };
  });
  const { document } = value;
  return {
    value: document,
    release() {
      // What is refused is never sent, be it the connection or, with an error on a live one, the change.
      const isDone = () => {
        const { saved, status, error } = document.getSnapshot();
        return saved !== "unsent" || status === "refused" || (status === "connected" && error !== null);
      };
      if (isDone()) return release();
      const stop = document.subscribe(() => {
        if (!isDone()) return;
        stop();
        release();
      });
    },
  };
}
