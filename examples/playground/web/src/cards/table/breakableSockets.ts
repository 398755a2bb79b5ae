// A class of WebSockets that can be cut: then those that are open close, and those that are opened fail. The server
// and the client behave as they would on a network that lets no WebSocket through; HTTP goes on.

export interface BreakableSockets {
  /** The class, for `websocketTransport`. */
  readonly WebSocket: new (url: string) => WebSocket;
  cut(on: boolean): void;
}

export function createBreakableSockets(): BreakableSockets {
  const open = new Set<WebSocket>();
  let isCut = false;
  return {
    WebSocket: class extends WebSocket {
      constructor(url: string) {
        super(url);
        open.add(this);
        this.addEventListener("close", () => open.delete(this));
        // A socket that is closed while it opens has failed.
        if (isCut) this.close();
      }
    },
    cut(on) {
      isCut = on;
      if (on) for (const socket of open) socket.close();
    },
  };
}
