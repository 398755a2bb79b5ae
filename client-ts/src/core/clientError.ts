// The errors that the client makes itself, in the reader's language. The texts are the server's, generated.

import type { clientTexts } from "../generated/framework.generated.js";
import type { SyncError } from "./answer.js";

/** A code of the client's own; `offline.dropped` with its reason. */
export type ClientErrorKey = keyof typeof clientTexts;

/**
 * The texts, in a chunk of their own. It is loaded with the first connection, so that it is there when the network is
 * not; a failed attempt is repeated with the next error.
 */
export const loadTexts = () => import("../generated/framework.generated.js");

/** A text in the reader's language, or in English. */
export function inLanguage(text: Readonly<Record<string, string> & { en: string }>, locale = "en"): string {
  return text[locale.toLowerCase().replace(/[-_].*/, "")] ?? text.en;
}

/** Makes such an error. When the texts cannot be loaded, its message is its code. Never rejected. */
export async function clientError(key: ClientErrorKey, locale: string | undefined): Promise<SyncError> {
  const [errorCode = key, reason] = key.split(":");
  const message = await loadTexts().then(
    ({ clientTexts }) => inLanguage(clientTexts[key], locale),
    () => errorCode,
  );
  return { status: "error", errorCode, ...(reason && { errorParams: { reason } }), message, httpStatus: 0 };
}

/** What data is answered that cannot be sent at all; the reason is technical, as the server's is. */
export function notJson(error: unknown): SyncError {
  const message = String(error);
  const errorParams = { path: "", reason: message };
  return { status: "error", errorCode: "sync.invalidInput", errorParams, message, httpStatus: 422 };
}
