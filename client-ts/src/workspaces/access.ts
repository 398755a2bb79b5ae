// The way to a workspace on its server: who may not go it, one connection with its token, and reading over HTTP.

import type { SyncError } from "../core/answer.js";
import type { SharedParts, SyncClient } from "../core/client.js";
import { type Closed, closedError, loadClosedTexts } from "../core/closed.js";
import { askJson, createSend, type HttpRequest, technicalError } from "../core/http.js";
import type { LineConnection, LineEnd } from "../core/line.js";
import type { Token, TokenRequest } from "../core/options.js";
import { openSocket, socketUrl, type WebSocketClass } from "../core/socket.js";
import { type Message, readMessage } from "./messages.js";

/** How an app may go its own way to the server. */
export interface AccessOptions {
  /** Where WebSockets connect, for example `wss://sync.example.com`. Default: the client's `url`, with `ws` for `http`. */
  wsUrl?: string | undefined;
  /** The class of sockets: Node.js has none of its own before version 22. Default: the browser's. */
  WebSocket?: WebSocketClass | undefined;
}

/** What a connection tells. */
export interface ConnectionEvents {
  /** The token is asked for, and the socket made. */
  onConnecting(): void;
  /** The socket is there: the server looks at the token. */
  onAuthenticating(): void;
  onMessage(message: Message): void;
  /** The session has expired: the next connection asks for a new token. */
  onExpired(): void;
  /** The server does not take a message that large. */
  onTooLarge(): void;
  onEnd(end: LineEnd): void;
}

/** A connection. */
export interface Connection extends LineConnection {
  send(text: string): void;
  /** There is a first state. Until then the time of the opening runs. */
  alive(): void;
}

/** What a connection begins with. */
export interface ConnectionStart extends AccessOptions {
  sync: SyncClient;
  id: string;
  /** The state that we have: the server sends what is new since, or everything if it does not know it. */
  heads: readonly string[];
  /** The last connection's session has expired. */
  expired: boolean;
}

const [TOO_LARGE, UNAUTHENTICATED, FORBIDDEN, TERMINAL_MAX, EXPIRED] = [1009, 4001, 4003, 4099, 4401];

/** More would make too long an address. */
const HEADS_MAX = 32;

/** Whether a server can know it. Of dots alone an address makes something else. */
export const isWorkspace = (id: string): boolean => /^[\w.:-]{1,128}$/.test(id) && !/^\.+$/.test(id);

/** What is said of an id that is none. */
export const notWorkspace = (id: string): SyncError => technicalError("workspace.invalid", `not a workspace: ${id}`);

/** What a terminal close means, as the HTTP endpoints say it. The close itself has at most a word. */
function refusalOf(code: number, word: string, { locale }: SharedParts): Closed {
  const [errorCode, httpStatus] =
    code === UNAUTHENTICATED
      ? (["auth_required", 401] as const)
      : code === FORBIDDEN
        ? (["forbidden", 403] as const)
        : (["connection.refused", 400] as const);
  return closedError(errorCode, httpStatus, word, locale());
}

/** Opens a connection. A token that is refused is replaced by a new one, once. */
export function connect(
  { sync, id, wsUrl, WebSocket, heads, expired }: ConnectionStart,
  on: ConnectionEvents,
): Connection {
  const { options } = sync.shared;
  let token: Token;
  /** There was a first state: the server has taken the token. */
  let live = false;

  const attempt = (request: TokenRequest, refused?: Closed) => {
    const address = async (): Promise<string | LineEnd> => {
      const last = token;
      try {
        token = await options().token?.(request);
      } catch (cause) {
        return { error: technicalError("token.failed", cause) };
      }
      // The same again would be refused again.
      if (refused && (!token || token === last)) return refused;
      try {
        const query = { close: "1", presence: "1", ...(token && { token }) };
        const url = socketUrl(wsUrl ?? options().url ?? "", `/v1/sync/${id}`, query);
        // With its commas as they are.
        return heads.length > 0 && heads.length <= HEADS_MAX ? `${url}&heads=${heads.map(encodeURIComponent)}` : url;
      } catch (error) {
        return { error: technicalError("connection.failed", error) };
      }
    };
    on.onConnecting();
    return openSocket(
      address,
      {
        onOpen: on.onAuthenticating,
        onMessage(data) {
          const message = readMessage(data);
          if (message) on.onMessage(message);
        },
        onNone: on.onEnd,
        onEnd(code = 0, reason) {
          if (!live && !request.refused && options().token && (code === UNAUTHENTICATED || code === EXPIRED)) {
            // An app may have kept its token for longer than it lasts, over a time offline for one.
            socket =
              code === EXPIRED
                ? attempt({ refused: "auth.expired" })
                : attempt({ refused: "auth.invalid" }, refusalOf(code, reason, sync.shared));
          } else if (code >= 4000 && code <= TERMINAL_MAX) {
            on.onEnd(refusalOf(code, reason, sync.shared));
          } else {
            if (code === EXPIRED) on.onExpired();
            if (code === TOO_LARGE) on.onTooLarge();
            on.onEnd({ atOnce: code === EXPIRED });
          }
        },
      },
      { WebSocket },
    );
  };
  void loadClosedTexts();
  let socket = attempt(expired ? { refused: "auth.expired" } : {});

  return {
    close: () => socket.close(),
    wake: () => socket.wake(),
    send: (text) => socket.send(text),
    alive() {
      live = true;
      socket.alive();
    },
  };
}

/** Makes the function that asks the HTTP endpoints of a workspace: their answer, or why there is none. Never rejected. */
export function createAsk(sync: SyncClient, id: string) {
  const send = createSend(sync);
  return async (request: Omit<HttpRequest, "signal">): Promise<{ body: unknown } | SyncError> => {
    if (!isWorkspace(id)) return notWorkspace(id);
    const said = await askJson(
      send,
      { ...request, signal: new AbortController().signal },
      sync.shared.options().timeoutMs,
    );
    if ("body" in said) return said;
    return typeof said.error === "string" ? sync.shared.error(said.error) : said.error;
  };
}
