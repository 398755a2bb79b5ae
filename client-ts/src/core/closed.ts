// Why the server closes a connection for good, in the reader's language. A close has room for a code and a word, so the
// texts are the server's, generated.

import type { closedTexts } from "../generated/closed.generated.js";
import type { SyncError } from "./answer.js";
import { inLanguage } from "./clientError.js";

type Texts = typeof closedTexts;

/** What is known of such an end. */
export interface Closed {
  error: SyncError;
  /** The same error in the reader's language, if the texts are not here yet. Never rejected. */
  words?: Promise<SyncError> | undefined;
}

let texts: Texts | undefined;

/**
 * Loads the texts, a chunk of their own: with each connection, so that they are here when it ends, since an end waits for
 * nothing. What failed is repeated with the next one. Never rejected.
 */
export const loadClosedTexts = (): Promise<void> =>
  import("../generated/closed.generated.js").then(
    ({ closedTexts }) => {
      texts = closedTexts;
    },
    () => {},
  );

/**
 * The error of such an end, at once: `word`, or the code, is its message only while the texts are not here, and for good if they
 * cannot be loaded. `text` is which of them; one that is not known says no more than that it was refused.
 */
export function closedError(
  errorCode: string,
  httpStatus: number,
  word: string,
  locale: string | undefined,
  text = errorCode,
): Closed {
  const say = (): SyncError => {
    const message = texts ? inLanguage(texts[text as keyof Texts] ?? texts.refused, locale) : word || errorCode;
    return { status: "error", errorCode, message, httpStatus };
  };
  return { error: say(), words: texts ? undefined : loadClosedTexts().then(say) };
}
