// The transport `websocket`: the server pushes. One socket with one ticket; tickets come from `access.ts`.

import { openSocket, type SocketOptions } from "../core/socket.js";
import { readMessage } from "./record.js";
import type { SnapshotTransport } from "./transport.js";

/** What {@link websocketTransport} is told. Until the first snapshot a socket counts as being opened. */
export interface WebSocketTransportOptions extends SocketOptions {}

const SESSION_EXPIRED = 4401;
const ACCESS_WITHDRAWN = 4403;

/** Makes the transport `websocket`. */
export function websocketTransport(options: WebSocketTransportOptions = {}): SnapshotTransport {
  return {
    name: "websocket",
    open(context, events) {
      const closing = new AbortController();
      let live = false;
      let warned = false;

      const ended = async (code?: number) => {
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
      const onMessage = (data: unknown) => {
        const message = readMessage(data, context.topic);
        if (message?.type === "snapshot") {
          live = true;
          socket.alive();
          events.onSnapshot(message.record);
        } else if (message?.type === "unknownProtocol" && !warned) {
          warned = true;
          console.error(
            `syncline: snapshots of protocol version ${message.version} are not understood: update syncline`,
          );
        } else if (message?.type === "error") {
          if (message.error.httpStatus !== 403 && message.error.httpStatus !== 404) events.onError(message.error);
          else {
            socket.close();
            events.onEnd({ error: message.error });
          }
        }
      };
      const socket = openSocket(
        () => context.socketUrl(closing.signal),
        { onMessage, onNone: events.onEnd, onEnd: (code) => void ended(code) },
        options,
      );
      return {
        close() {
          socket.close();
          closing.abort();
        },
        wake: socket.wake,
      };
    },
  };
}
