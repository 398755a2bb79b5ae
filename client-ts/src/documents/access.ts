// The way to a document on its server: one connection of y-websocket's provider, with its token. What comes over it is
// not known here, and when another one is made is `core/line.ts`'s.

import type { WebsocketProvider } from "y-websocket";
import type { SyncError } from "../core/answer.js";
import type { SyncClient } from "../core/client.js";
import { type Closed, closedError, loadClosedTexts } from "../core/closed.js";
import { technicalError } from "../core/http.js";
import type { LineConnection, LineEnd } from "../core/line.js";
import type { Token, TokenRequest } from "../core/options.js";
import { socketUrl, type WebSocketClass } from "../core/socket.js";

/** How an app may go its own way to the server. */
export interface AccessOptions {
  /** Where WebSockets connect, for example `wss://sync.example.com`. Default: the client's `url`, with `ws` for `http`. */
  wsUrl?: string | undefined;
  /** The class of sockets: Node.js has none of its own before version 22. Default: the browser's. */
  WebSocket?: WebSocketClass | undefined;
}

/** What a connection tells. */
export interface ConnectionEvents {
  /** There is a socket; nothing has come over it yet. */
  onSocket(socket: WebSocket): void;
  /** A frame has come, and the provider has dealt with it. */
  onFrame(bytes: Uint8Array): void;
  /** The session has expired: the next connection asks for a new token. */
  onExpired(): void;
  onEnd(end: LineEnd): void;
}

/** A connection. */
export interface Connection extends LineConnection {
  /** It works. Until then the time of the opening runs. */
  alive(): void;
}

/** What a connection begins with. */
export interface ConnectionStart {
  sync: SyncClient;
  /** It connects only when it is told so here. */
  provider: WebsocketProvider;
  wsUrl: string | undefined;
  /** The last connection's session has expired. */
  expired: boolean;
}

/** How many milliseconds it may take from the opening, token included, until it works. */
const OPEN_MS = 15_000;

const [MALFORMED, TOO_LARGE, UNAUTHENTICATED, FORBIDDEN, DELETED] = [1003, 1009, 4401, 4403, 4410];

/** What is final, as the HTTP endpoints say it. */
const REFUSALS: { [code: number]: [errorCode: string, httpStatus: number] } = {
  // It would be sent the same again.
  [MALFORMED]: ["malformed", 400],
  [TOO_LARGE]: ["too_large", 413],
  [UNAUTHENTICATED]: ["auth_required", 401],
  [FORBIDDEN]: ["forbidden", 403],
  [DELETED]: ["deleted", 410],
};

/** The server's word with `TOO_LARGE` when it is the document that is, and not a message. */
const FULL = "full";

const BYTES_MAX = 256;

/** Whether a server can know it, and an address can say it: of one or two dots it makes something else. */
export function isDocument(id: string): boolean {
  try {
    const bytes = encodeURIComponent(id).replace(/%../g, ".").length;
    return bytes >= 1 && bytes <= BYTES_MAX && !/^\.{1,2}$|\p{Cc}/u.test(id);
  } catch {
    // Half of a character.
    return false;
  }
}

/** What is said of an id that is none. */
export const notDocument = (id: string): SyncError => technicalError("document.invalid", `not a document: ${id}`);

/** What a close means that is final; nothing of any other. The close itself has at most a word. */
function refusalOf(code: number, word: string, locale: string | undefined): Closed | undefined {
  const refusal = REFUSALS[code];
  if (!refusal) return undefined;
  const text = code === TOO_LARGE && word === FULL ? FULL : undefined;
  return closedError(...refusal, word, locale, text);
}

/** Opens a connection. A token that is refused is replaced by a new one, once. */
export function connect({ sync, provider, wsUrl, expired }: ConnectionStart, on: ConnectionEvents): Connection {
  const { options, locale } = sync.shared;
  let live = false;
  let over = false;
  let request: TokenRequest = expired ? { refused: "auth.expired" } : {};

  const close = () => {
    over = true;
    clearTimeout(timer);
    provider.off("connection-close", closed);
    provider.disconnect();
  };
  const end = (why: LineEnd) => {
    if (over) return;
    close();
    on.onEnd(why);
  };
  const timer = setTimeout(() => end({}), OPEN_MS);

  const closed = (event: CloseEvent | null) => {
    // 3.0 does not ask `shouldReconnect`, and would come back with the token of before.
    provider.shouldConnect = false;
    const { code = 0, reason = "" } = event ?? {};
    if (live && code === UNAUTHENTICATED) {
      on.onExpired();
      end({ atOnce: true });
    } else if (code === UNAUTHENTICATED && !request.refused && options().token) {
      // An app may have kept its token for longer than it lasts, over a time offline for one.
      request = { refused: "auth.invalid" };
      void open();
    } else {
      end({ ...refusalOf(code, reason, locale()) });
    }
  };

  const open = async () => {
    let token: Token;
    try {
      token = await options().token?.(request);
    } catch (cause) {
      return end({ error: technicalError("token.failed", cause) });
    }
    if (over) return;
    try {
      provider.serverUrl = socketUrl(wsUrl ?? options().url ?? "", "/sync/v1", {});
      provider.params = { close: "1", ...(token && { token }) };
      provider.connect();
    } catch (error) {
      return end({ error: technicalError("connection.failed", error) });
    }
    const socket = provider.ws;
    if (!socket) return;
    on.onSocket(socket);
    const { onmessage } = socket;
    // What is told here, the provider has dealt with. When it ends the socket, it takes this off.
    socket.onmessage = (event) => {
      onmessage?.call(socket, event);
      if (!over) on.onFrame(new Uint8Array(event.data));
    };
  };
  provider.on("connection-close", closed);
  void loadClosedTexts();
  void open();

  return {
    close,
    alive() {
      live = true;
      clearTimeout(timer);
    },
  };
}
