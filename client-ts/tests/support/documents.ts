// Documents of a test, destroyed after it, and ways to wait for what they do. It asserts nothing.

import { createSync, type SyncClient, type SyncOptions } from "syncline";
import { createDocument, type DocumentOptions, type DocumentState, type SyncedDocument } from "syncline/documents";
import { onTestFinished } from "vitest";
import { WebSocket } from "ws";
import type { Claims, Playground } from "./playground.js";

/** A client of that user's, which may read and write. */
export async function writer(
  playground: Playground,
  claims: Partial<Claims> = {},
  options: Partial<SyncOptions> = {},
): Promise<SyncClient> {
  const token = await playground.token({ sub: "ada", scope: "read write", ...claims });
  const sync = createSync({ url: playground.url, token: () => token, ...options });
  onTestFinished(() => sync.close());
  return sync;
}

/** A document that is destroyed after the test. */
export function openDocument(sync: SyncClient, id = "notes", options: DocumentOptions = {}): SyncedDocument {
  const document = createDocument(id, { sync, WebSocket: WebSocket as never, ...options });
  onTestFinished(() => document.destroy());
  return document;
}

/** Its text. */
export const textOf = ({ doc }: SyncedDocument) => doc.getText("text").toString();

/** Writes at the text's end. */
export function type({ doc }: SyncedDocument, text: string): void {
  const shared = doc.getText("text");
  shared.insert(shared.length, text);
}

/** Waits until its state is so. */
export function shows(document: SyncedDocument, isSo: (state: DocumentState) => boolean): Promise<void> {
  return new Promise((resolve) => {
    const look = () => {
      if (!isSo(document.getSnapshot())) return;
      stop();
      resolve();
    };
    const stop = document.subscribe(look);
    look();
  });
}

/** Waits until these have what the server has. */
export const synced = (...documents: SyncedDocument[]) =>
  Promise.all(documents.map((document) => shows(document, ({ synced }) => synced)));

/** Waits until it reads so. */
export function reads(document: SyncedDocument, isSo: (text: string) => boolean): Promise<void> {
  return new Promise((resolve) => {
    const look = () => {
      if (!isSo(textOf(document))) return;
      document.doc.off("update", look);
      resolve();
    };
    document.doc.on("update", look);
    look();
  });
}

/** Waits until so many are there, itself included if it says who it is. */
export function present({ awareness }: SyncedDocument, count: number): Promise<void> {
  return new Promise((resolve) => {
    const look = () => {
      if (awareness.getStates().size !== count) return;
      awareness.off("change", look);
      resolve();
    };
    awareness.on("change", look);
    look();
  });
}

/** What one field of its state goes through from now on; the first is the present value. */
export function shown<Field extends keyof DocumentState>(
  document: SyncedDocument,
  field: Field,
): DocumentState[Field][] {
  const seen = [document.getSnapshot()[field]];
  document.subscribe(() => {
    const value = document.getSnapshot()[field];
    if (value !== seen.at(-1)) seen.push(value);
  });
  return seen;
}
