// A client: a connection with its rooms, requests and callbacks, typed by what the app registered.

import { type AnyCallback, createCallbacks } from "./callbacks.js";
import { type Connection, createConnection } from "./connection.js";
import { createFrames, type Frames, type SyncFrame } from "./frames.js";
import type { SyncOptions } from "./options.js";
import { createRequests } from "./requests.js";
import { createRooms, type RoomHold, type RoomStatus } from "./rooms.js";
import type { SyncAnswer, SyncEventCallback, SyncEventName, SyncEventVersion, SyncMessage } from "./routes.js";
import { createStatusStore, type SyncStatus } from "./status.js";

/** The page that the user has open: handlers may decide by it who gets what. */
export interface SyncLocation {
  /** Begins with `/`; at most 2,048 bytes. */
  pathName: string;
  searchParams?: Record<string, string> | undefined;
}

/** A client of one server. Its functions need no `this`: they may be taken apart. */
export interface SyncClient {
  /** Takes other options. Another `url` connects elsewhere at once; the rest counts from the next connect or request on. */
  configure(options: SyncOptions): void;
  /** Connects now; otherwise the first request, room, callback or location does. Ends `disconnect()`. */
  connect(): void;
  /** Goes offline until `connect()`: requests wait in the offline queue. */
  disconnect(): void;
  /** Makes the connection anew at once, with a token asked for anew: after a login, or a change of language. */
  reconnect(): void;
  /** Disconnects; waiting requests are answered `request.aborted`, those on the wire `request.disconnected`. The next use connects again. */
  close(): void;
  /**
   * Sends an event and resolves with the server's answer; it never rejects. Without a connection it waits in the
   * offline queue.
   */
  syncRequest<const Name extends SyncEventName, const Version extends SyncEventVersion<Name>>(
    request: SyncMessage<Name, Version>,
  ): Promise<SyncAnswer<Name, Version>>;
  /**
   * Calls back whenever the event arrives in one of our rooms. Any number may be set for one event; one of the same
   * `owner` (by default, each call its own) replaces that owner's last. The result removes it.
   */
  upsertSyncEventCallback<const Name extends SyncEventName, const Version extends SyncEventVersion<Name>>(
    callback: SyncEventCallback<Name, Version>,
    owner?: object,
  ): () => void;
  /** Joins a room and stays in it, over reconnects, until as many have left as have joined. */
  joinRoom(room: string): RoomHold;
  /** Tells the server which page is open, now and after each reconnect. A refusal shows in the status. */
  updateLocation(location: SyncLocation): void;
  /** The status: the same object until it changes. */
  getStatus(): SyncStatus;
  /** How it stands with a room: the same object until it changes. */
  getRoomStatus(room: string): RoomStatus;
  /** Calls back when the status or that of a room has changed. The result ends it. */
  subscribe(listener: () => void): () => void;
  /** Shows everything that goes over the wire. The result ends it. */
  inspect(listener: (frame: SyncFrame) => void): () => void;
  /** What the package's other entries, `syncline/rooms` for one, have in common with this client. Not for apps. */
  readonly shared: SharedParts;
}

/** What {@link SyncClient.shared} gives. */
export type SharedParts = Pick<Connection, "options" | "locale" | "error"> & Pick<Frames, "pass">;

/** Makes a client that has no options yet: what is asked of it waits for them. */
export function createClient(): SyncClient {
  let location: SyncLocation | undefined;
  const status = createStatusStore();
  const frames = createFrames();
  const callbacks = createCallbacks();

  const tellLocation = () =>
    new Promise<void>((done) => {
      if (!location || !connection.isConnected()) return done();
      connection.ask("updateLocation", location, (outcome) => {
        if (typeof outcome !== "string" && outcome.status === "error") status.set({ lastError: outcome });
        done();
      });
    });
  const connection = createConnection(status, frames, {
    onSession: () => Promise.all([tellLocation(), rooms.rejoin()]),
    onReady: () => requests.pump(),
    onLost() {
      rooms.lost();
      requests.lost();
    },
    onSync: callbacks.receive,
  });
  const rooms = createRooms(connection, status);
  const requests = createRequests(connection, status);
  const { configure, connect, disconnect, reconnect, options, locale, error } = connection;

  return {
    configure,
    connect,
    disconnect,
    reconnect,
    close() {
      requests.clear();
      connection.close();
    },
    // The typed shell over the untyped core: that answers and events are of these types is the generated code's promise.
    syncRequest: requests.request as SyncClient["syncRequest"],
    upsertSyncEventCallback(callback, owner = {}) {
      connection.use();
      return callbacks.upsert(callback as AnyCallback, owner);
    },
    joinRoom: rooms.join,
    updateLocation(next) {
      location = next;
      connection.use();
      void tellLocation();
    },
    getStatus: status.get,
    getRoomStatus: rooms.get,
    subscribe: status.subscribe,
    inspect: frames.inspect,
    shared: { options, locale, error, pass: frames.pass },
  };
}

/** Makes a client of its own: for a second server, or a second user. */
export function createSync(options: SyncOptions): SyncClient {
  const client = createClient();
  client.configure(options);
  return client;
}
