// The shapes of answers and errors as they are on the wire, whatever the event. What an event's own are is in
// `routes.ts`.

import type { FrameworkErrors, SyncErrorParam } from "../generated/framework.generated.js";
import type { ClientErrorKey } from "./clientError.js";

export type { FrameworkErrors, SyncErrorParam };

/** Any error: of the framework, of an app's handler, or made by the client itself. */
export interface SyncError {
  status: "error";
  /** For example `sync.rateLimited`. */
  errorCode: string;
  /** The values in the message, when it has some. */
  errorParams?: { [name: string]: SyncErrorParam } | undefined;
  /** For people, in the reader's language. */
  message: string;
  /** 0 when there was no response. */
  httpStatus: number;
}

/** Any answer to what a client sent. */
export type AnyAnswer = { status: "success"; [field: string]: unknown } | SyncError;

/** The answer, or why there was none. */
export type Outcome = AnyAnswer | ClientErrorKey;

/** How long to wait after an answer that says "not done, come back later"; nothing for any other. */
export function retryAfterMs(outcome: Outcome): number | undefined {
  if (typeof outcome === "string" || outcome.status === "success") return undefined;
  switch (outcome.errorCode) {
    case "sync.rateLimited":
      return Number(outcome.errorParams?.seconds) * 1000 || 1000;
    case "sync.inboxFull":
    case "server.shuttingDown":
      return 250;
    default:
      return undefined;
  }
}
