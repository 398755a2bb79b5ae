// Requests to `/api/rooms`, with the token and language of a client. What the answers mean for a room is not known here.

import type { SyncError } from "../core/answer.js";
import type { SyncClient } from "../core/client.js";
import type { ClientErrorKey } from "../core/clientError.js";
import type { SyncOptions, Token } from "../core/options.js";

/** What a request sends besides token and language. */
export interface RoomRequest {
  method: "GET" | "PUT";
  /** Below the room: empty, or `/stream`. */
  path: string;
  accept: string;
  body?: string;
  signal: AbortSignal;
}

/** Why there is nothing better to say: an answer of the server, or none. */
export interface Refusal {
  error: SyncError | ClientErrorKey;
  /** How long the server asks to wait. */
  retryAfterMs?: number | undefined;
}

/** Sends a request; resolves with a response that is well, or with why there is none. Rejected only by `token`. */
export type SendToRoom = (request: RoomRequest) => Promise<Response | Refusal>;

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

/** Makes the function that sends a room's requests. A token is kept until the server refuses it. */
export function createSendToRoom(sync: SyncClient, roomId: string): SendToRoom {
  const { options, locale } = sync.shared;
  let kept: Promise<Token> | undefined;
  /** Whose token that is: another server gets another one. */
  let from: Partial<SyncOptions> | undefined;

  const ask = (refused?: string) => {
    const asked = options();
    from = asked;
    kept = (async () => asked.token?.(refused ? { refused } : {}))();
    return kept;
  };
  const attempt = async ({ path, accept, ...init }: RoomRequest, token: Token): Promise<Response | Refusal> => {
    const language = locale();
    const url = `${options().url?.replace(/\/+$/, "") ?? ""}/api/rooms/${encodeURIComponent(roomId)}${path}`;
    const headers = {
      accept,
      ...(init.body !== undefined && { "content-type": "application/json" }),
      ...(language && { "accept-language": language }),
      ...(token && { authorization: `Bearer ${token}` }),
    };
    try {
      const response = await fetch(url, { ...init, headers, cache: "no-store" });
      return response.ok ? response : await refusalOf(response);
    } catch {
      return { error: "request.disconnected" };
    }
  };

  return async (request) => {
    // A stream lasts as long as its token, so it begins with a new one.
    const token = await (from !== options() || request.method === "GET" ? ask() : kept);
    const answer = await attempt(request, token);
    if (answer instanceof Response || typeof answer.error === "string" || answer.error.httpStatus !== 401)
      return answer;
    const next = await ask(tokenCode(answer.error.errorCode));
    return next && next !== token ? attempt(request, next) : answer;
  };
}
