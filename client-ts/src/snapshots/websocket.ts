// The transport `websocket`: the server pushes. One socket with one ticket; tickets come from `access.ts`.

import { technicalError } from "../core/http.js";
import { readMessage } from "./record.js";
import type { SnapshotTransport } from "./transport.js";

/** What {@link websocketTransport} is told. */
export interface WebSocketTransportOptions {
  /** The class of sockets: Node.js has none of its own before version 22. Default: the browser's. */
  WebSocket?: (new (url: string) => WebSocket) | undefined;
  /** After how many milliseconds without a message the server is asked for a sign of life. Default: 20,000. */
  pingMs?: number | undefined;
  /** How many milliseconds that sign may take before the connection counts as dead. Default: 10,000. */
  silenceMs?: number | undefined;
  /** How many milliseconds it may take from the opening, ticket included, to the first snapshot. Default: 15,000. */
  openMs?: number | undefined;
}

const SESSION_EXPIRED = 4401;
const ACCESS_WITHDRAWN = 4403;

/** Makes the transport `websocket`. */
export function websocketTransport(options: WebSocketTransportOptions = {}): SnapshotTransport {
  const { pingMs = 20_000, silenceMs = 10_000, openMs = 15_000 } = options;
  return {
    name: "websocket",
    open(context, events) {
      const closing = new AbortController();
      let socket: WebSocket | undefined;
      let live = false;
      let over = false;
      let pinged = false;
      let warned = false;

      const drop = () => {
        over = true;
        clearTimeout(timer);
        // Of a dead line nobody answers: the end is not waited for.
        socket?.close();
      };
      const ended = async (code?: number) => {
        if (over) return;
        drop();
        if (code === SESSION_EXPIRED) {
          context.expired();
          events.onEnd({ atOnce: true });
        } else if (code === ACCESS_WITHDRAWN) {
          // The close has no words for people; the answer to reading has.
          const said = await context.read(closing.signal);
          const forbidden = { status: "error", errorCode: "forbidden", message: "forbidden", httpStatus: 403 } as const;
          events.onEnd({ error: said?.error?.httpStatus === 403 ? said.error : forbidden });
        } else {
          // A browser does not tell with which status an opening was refused: reading says why.
          events.onEnd(live ? undefined : await context.read(closing.signal));
        }
      };
      let timer = setTimeout(() => void ended(), openMs);

      const ping = () => {
        if (pinged) return;
        pinged = true;
        clearTimeout(timer);
        timer = setTimeout(() => void ended(), silenceMs);
        socket?.send('{"type":"ping"}');
      };
      const heard = () => {
        pinged = false;
        clearTimeout(timer);
        timer = setTimeout(ping, pingMs);
      };
      const onMessage = ({ data }: { data: unknown }) => {
        if (over) return;
        const message = readMessage(data, context.topic);
        if (message?.type === "snapshot") {
          live = true;
          events.onSnapshot(message.record);
        } else if (message?.type === "unknownProtocol" && !warned) {
          warned = true;
          console.error(
            `syncline: snapshots of protocol version ${message.version} are not understood: update syncline`,
          );
        } else if (message?.type === "error") {
          if (message.error.httpStatus !== 403 && message.error.httpStatus !== 404) events.onError(message.error);
          else {
            drop();
            return events.onEnd({ error: message.error });
          }
        }
        // Until the first snapshot the time of the opening runs.
        if (live) heard();
      };

      const connect = async () => {
        const url = await context.socketUrl(closing.signal);
        if (over) return;
        if (typeof url !== "string") {
          drop();
          return events.onEnd(url);
        }
        try {
          socket = new (options.WebSocket ?? WebSocket)(url);
        } catch (error) {
          drop();
          return events.onEnd({ error: technicalError("connection.failed", error) });
        }
        socket.onmessage = onMessage;
        socket.onclose = ({ code }) => void ended(code);
        // A close follows. Without this, the sockets of Node.js packages would throw.
        socket.onerror = () => {};
      };
      void connect();

      return {
        close() {
          drop();
          closing.abort();
        },
        wake() {
          if (live && !over) ping();
        },
      };
    },
  };
}
