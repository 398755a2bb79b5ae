// Requests to the server's HTTP endpoints, with the token and language of a client. What the answers mean is not known
// here.

import type { SyncError } from "./answer.js";
import type { SyncClient } from "./client.js";
import type { ClientErrorKey } from "./clientError.js";
import { type SyncOptions, TIMEOUT_MS, type Token, type TokenRequest } from "./options.js";

/** What a request sends besides token and language. */
export interface HttpRequest {
  method: "GET" | "PUT" | "POST";
  /** From the server's address on. */
  path: string;
  accept?: string;
  headers?: Record<string, string> | undefined;
  body?: string;
  signal: AbortSignal;
  /** Asks for a token anew, with these words. What is opened lasts as long as its token, so it begins with a new one. */
  renew?: TokenRequest | undefined;
}

/** Why there is nothing better to say: an answer of the server, or none. */
export interface Refusal {
  error: SyncError | ClientErrorKey;
  /** How long the server asks to wait. */
  retryAfterMs?: number | undefined;
}

/** Sends a request; resolves with a response that is well (304 is), or with why there is none. Rejected only by `token`. */
export type Send = (request: HttpRequest) => Promise<Response | Refusal>;

/** An error without the server: a function of the app's that failed, for example. Its message is technical. */
export const technicalError = (errorCode: string, cause: unknown): SyncError => ({
  status: "error",
  errorCode,
  message: String(cause),
  httpStatus: 0,
});

/** Why there is nothing when `token` failed. */
export const tokenFailed = (cause: unknown): Refusal => ({ error: technicalError("token.failed", cause) });

/** How a token's refusal is called in `token({ refused })`: `auth_expired` is `auth.expired`. */
const tokenCode = (plain: string) =>
  plain.replace(/^auth_/, "auth.").replace(/_(.)/g, (_, letter: string) => letter.toUpperCase());

/** The server's `{error, message}` as everything here says it; a proxy's page is no answer. */
async function refusalOf(response: Response): Promise<Refusal> {
  const body: unknown = await response.json().catch(() => undefined);
  const seconds = Number(response.headers.get("retry-after")) || 0;
  const retryAfterMs = seconds > 0 ? seconds * 1000 : undefined;
  if (typeof body !== "object" || body === null || !("error" in body)) {
    return { error: "request.disconnected", retryAfterMs };
  }
  const message = "message" in body ? String(body.message) : String(body.error);
  return {
    error: { status: "error", errorCode: String(body.error), message, httpStatus: response.status },
    retryAfterMs,
  };
}

/** Makes the function that sends requests. A token is kept until the server refuses it. */
export function createSend({ shared: { options, locale } }: SyncClient): Send {
  let kept: Promise<Token> | undefined;
  /** Whose token that is: another server gets another one. */
  let from: Partial<SyncOptions> | undefined;

  const ask = (request: TokenRequest) => {
    const asked = options();
    from = asked;
    const asking = (async () => asked.token?.(request))();
    kept = asking;
    // What failed is not kept: the next request asks again.
    asking.catch(() => {
      if (kept === asking) from = undefined;
    });
    return asking;
  };
  const attempt = async (request: HttpRequest, token: Token): Promise<Response | Refusal> => {
    const { path, accept = "application/json", headers: more, renew: _, ...init } = request;
    const language = locale();
    const url = `${options().url?.replace(/\/+$/, "") ?? ""}${path}`;
    const headers = {
      ...more,
      accept,
      ...(init.body !== undefined && { "content-type": "application/json" }),
      ...(language && { "accept-language": language }),
      ...(token && { authorization: `Bearer ${token}` }),
    };
    try {
      const response = await fetch(url, { ...init, headers, cache: "no-store" });
      return response.ok || response.status === 304 ? response : await refusalOf(response);
    } catch {
      return { error: "request.disconnected" };
    }
  };

  return async (request) => {
    const token = await (from !== options() || request.renew ? ask(request.renew ?? {}) : kept);
    const answer = await attempt(request, token);
    if (answer instanceof Response || typeof answer.error === "string" || answer.error.httpStatus !== 401)
      return answer;
    const next = await ask({ refused: tokenCode(answer.error.errorCode) });
    return next && next !== token ? attempt(request, next) : answer;
  };
}

/** Does something until `until`, and in time: then there is no answer, whatever it still waits for. */
export function inTime<Done>(
  work: (signal: AbortSignal) => Promise<Done | Refusal>,
  until: AbortSignal,
  timeoutMs: number | undefined = TIMEOUT_MS,
): Promise<Done | Refusal> {
  const tooLate = AbortSignal.timeout(Math.min(timeoutMs, 2 ** 31 - 1));
  const signal = AbortSignal.any([until, tooLate]);
  let end = () => {};
  const ended = new Promise<Refusal>((resolve) => {
    end = () => resolve({ error: tooLate.aborted ? "request.timeout" : "request.disconnected" });
    signal.addEventListener("abort", end);
  });
  // Without listeners the signal goes; `until` may stay for long.
  return Promise.race([work(signal), ended]).finally(() => signal.removeEventListener("abort", end));
}

/** What was answered to {@link askJson}. */
export interface JsonAnswer {
  response: Response;
  /** Nothing, with 304. */
  body: unknown;
}

/** Sends a request and reads its answer, in time. Never rejected. */
export const askJson = (send: Send, request: HttpRequest, timeoutMs?: number): Promise<JsonAnswer | Refusal> =>
  inTime<JsonAnswer>(
    async (signal) => {
      const response = await send({ ...request, signal }).catch(tokenFailed);
      if (!(response instanceof Response)) return response;
      if (response.status === 304) return { response, body: undefined };
      return response.json().then(
        (body: unknown) => ({ response, body }),
        () => ({ error: "request.disconnected" }),
      );
    },
    request.signal,
    timeoutMs,
  );
