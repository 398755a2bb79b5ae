// A document as an app sees it: Yjs's, how it stands with its connection, and what became of our changes. The protocol is
// the stock provider's; which token it takes is `access.ts`'s, and when it tries again `core/line.ts`'s.

import { WebsocketProvider } from "y-websocket";
import { Doc, encodeStateAsUpdate, encodeStateVector, type Transaction } from "yjs";
import type { SyncError } from "../core/answer.js";
import type { SyncClient } from "../core/client.js";
import { defaultSync } from "../core/defaultSync.js";
import { createLine, isFinal } from "../core/line.js";
import { isDeviceOffline, isHidden, onNetwork, onVisible } from "../core/page.js";
import type { WebSocketClass } from "../core/socket.js";
import { createStore } from "../core/store.js";
import { type AccessOptions, connect, isDocument, notDocument } from "./access.js";
import { createKept, type DocumentSaved } from "./kept.js";
import { marker, readMessage, update as updateMessage } from "./messages.js";

/**
 * - `connecting`: there has been no connection yet.
 * - `connected`: there is one. Whether what the server has is here already, `synced` says.
 * - `reconnecting`: it was lost and is being made anew.
 * - `offline`: the device is, or the client's `disconnect()` was called.
 * - `refused`: the server said no, for good; `error` says why.
 * - `closed`: `destroy()` was called.
 */
export type DocumentStatus = "connecting" | "connected" | "reconnecting" | "offline" | "refused" | "closed";

/** How it stands with a document: the same object for as long as nothing changes. */
export interface DocumentState {
  readonly status: DocumentStatus;
  /** Whether what the server has is here, and news of it arrive. */
  readonly synced: boolean;
  /** What became of our changes. */
  readonly saved: DocumentSaved;
  /** Why, in status `refused`; else why there was no token, or that a change was refused (`permission_denied`). */
  readonly error: SyncError | null;
}

/** Who is there, as y-protocols has it: editor bindings take it. */
export type Awareness = WebsocketProvider["awareness"];

/** What {@link createDocument} is told. */
export interface DocumentOptions extends AccessOptions {
  /** Whose server, token and language: a client made by `createSync`. Default: what `configureSync` set up. */
  sync?: SyncClient | undefined;
  /** A document that is there already, which outlives this. Default: an empty one. */
  doc?: Doc | undefined;
}

/** A document that we have open. Its functions need no `this`: they may be taken apart. */
export interface SyncedDocument {
  readonly id: string;
  readonly doc: Doc;
  readonly awareness: Awareness;
  /** How it stands: the same object until it changes. */
  getSnapshot(): DocumentState;
  /** Calls back when that has changed. The result ends it. */
  subscribe(listener: () => void): () => void;
  /** Tries now, with a new token, also in status `refused`: after a login, for example. */
  reconnect(): void;
  /** Ends it. What is `unsent` is in the document and nowhere else. */
  destroy(): void;
}

/** What is known before anything is. */
export const BEFORE: DocumentState = { status: "connecting", synced: false, saved: "saved", error: null };

/** HTTP's word for what is gone for good. */
const DELETED = 410;

/** What is said of a change that was refused. */
const denied = (message: string): SyncError => ({
  status: "error",
  errorCode: "permission_denied",
  message,
  httpStatus: 403,
});

/** Looked for when it is needed: Node.js before 22 has none. */
const socketClass = (given: WebSocketClass | undefined) =>
  function Socket(url: string) {
    return new (given ?? WebSocket)(url);
  } as unknown as typeof WebSocket;

/**
 * Opens a document: Yjs's, on the server, which all who have it open edit at once, also offline.
 *
 * @example
 * const { doc, awareness } = createDocument("notes");
 * doc.getText("text").insert(0, "Hello");
 */
export function createDocument(
  id: string,
  { sync = defaultSync, doc: given, wsUrl, WebSocket }: DocumentOptions = {},
): SyncedDocument {
  const { shared } = sync;
  const doc = given ?? new Doc();
  const isNamed = isDocument(id);
  const provider = new WebsocketProvider("", isNamed ? encodeURIComponent(id) : "", doc, {
    connect: false,
    WebSocketPolyfill: socketClass(WebSocket),
    // What another tab has typed comes from the server, which alone says who may.
    disableBc: true,
    shouldReconnect: () => false,
  });
  const { awareness } = provider;

  let closed = false;
  let refused = !isNamed;
  let error: SyncError | null = isNamed ? null : notDocument(id);
  let live = false;
  let liveBefore = false;
  let expired = false;
  let configured = shared.options();

  const isOffline = () => sync.getStatus().state === "offline" || isDeviceOffline();

  const status = (): DocumentStatus => {
    if (closed) return "closed";
    if (refused) return "refused";
    if (isOffline()) return "offline";
    if (live) return "connected";
    return liveBefore ? "reconnecting" : "connecting";
  };
  const update = () => store.set({ status: status(), synced: provider.synced, saved: kept.get(), error });
  const pass = (direction: "in" | "out", bytes: Uint8Array) =>
    shared.pass(direction, "document", {
      document: id,
      ...readMessage(bytes, direction === "out"),
      bytes: bytes.length,
    });
  // As the provider does it: a marker must not pass where a change did not.
  const send = (bytes: Uint8Array<ArrayBuffer>) => {
    const { ws } = provider;
    if (ws && ws.readyState === ws.OPEN) ws.send(bytes);
  };

  // What of a document that was there is with the server is not known before it is asked.
  const isEmpty = () => encodeStateVector(doc)[0] === 0;
  const kept = createKept(!isEmpty(), {
    mark: (number) => send(marker(number)),
    // Insertions are in the provider's answer, which a server takes for what it was told itself if there are none.
    repeat: () => send(updateMessage(encodeStateAsUpdate(doc, encodeStateVector(doc)))),
    onChange: () => update(),
  });
  const store = createStore<DocumentState>({ ...BEFORE, saved: kept.get() });

  const onUpdate = (_update: Uint8Array, origin: unknown, _doc: Doc, { local }: Transaction) => {
    if (origin === provider) return;
    kept.changed(local);
    line.stir();
  };
  doc.on("update", onUpdate);
  // What comes of a frame is told in `onFrame`.
  provider.messageHandlers[64] = provider.messageHandlers[2] = () => {};
  provider.on("status", ({ status }) => {
    if (status !== "disconnected") return;
    // Whoever is there still has the clock of before: it would count as old news, for up to 15 s.
    for (const client of awareness.meta.keys()) {
      if (client !== doc.clientID && !awareness.states.has(client)) awareness.meta.delete(client);
    }
  });

  /** It is deleted, or that is another server: nobody is known to have anything of it. */
  const unknown = () => {
    if (!isEmpty()) kept.changed(false);
  };
  const lost = () => {
    live = false;
    kept.lost();
  };

  const line = createLine({
    open(attempt) {
      const mine = connect(
        { sync, provider, wsUrl, expired },
        {
          onSocket(socket) {
            // For the others too: a clock that they know brings nobody back.
            const own = awareness.getLocalState();
            if (own) awareness.setLocalState(own);
            const { send } = socket;
            socket.send = (data: Uint8Array<ArrayBuffer>) => {
              pass("out", data);
              send.call(socket, data);
            };
          },
          onFrame(bytes) {
            const message = readMessage(bytes);
            pass("in", bytes);
            if (!attempt.isCurrent()) return;
            if (!live) {
              live = liveBefore = true;
              error = null;
              mine.alive();
              attempt.alive();
            }
            if (message.type === "denied") error = denied(message.reason);
            if (message.type === "step1") kept.compared();
            else kept.receive(message);
            update();
          },
          onExpired() {
            expired = true;
          },
          onEnd: attempt.end,
        },
      );
      expired = false;
      return mine;
    },
    onEnd({ error: why, words }) {
      lost();
      if (why) shared.pass("in", "document", { document: id, ...why });
      error = why ?? null;
      if (why && isFinal(why)) {
        refused = true;
        line.stop();
        if (why.httpStatus === DELETED) unknown();
        void words?.then((said) => {
          // By now it may be closed, or not refused any more.
          if (closed || error !== why) return;
          error = said;
          update();
        });
      }
      update();
    },
    // What is not sent is worth a connection that nobody looks at.
    rests: () => isHidden() && kept.get() !== "unsent",
  });

  const stop = () => {
    line.stop();
    lost();
  };

  /** Begins, if all is there that it takes. */
  const start = () => {
    if (isOffline()) stop();
    else if (shared.options().url !== undefined && !refused) line.start();
    update();
  };

  /** What was refused may not be any longer. */
  const forgive = () => {
    refused = !isNamed;
    if (!refused) error = null;
  };

  /** Looks at what may have changed around: the network, or the client's options. */
  const around = () => {
    const options = shared.options();
    if (options.url !== configured.url) {
      stop();
      if (configured.url !== undefined) unknown();
    }
    if (options !== configured) forgive();
    configured = options;
    start();
  };

  const stops = [
    sync.subscribe(around),
    onNetwork(() => {
      around();
      if (!isHidden()) line.wake();
    }),
    onVisible(line.wake),
  ];
  around();

  return {
    id,
    doc,
    awareness,
    getSnapshot: store.get,
    subscribe: store.subscribe,
    reconnect() {
      if (closed) return;
      forgive();
      stop();
      start();
    },
    destroy() {
      if (closed) return;
      closed = true;
      for (const stop of stops) stop();
      stop();
      doc.off("update", onUpdate);
      provider.destroy();
      awareness.destroy();
      update();
      if (!given) doc.destroy();
    },
  };
}
