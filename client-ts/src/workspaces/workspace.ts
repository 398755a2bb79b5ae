// A workspace as an app sees it: how it stands with its connection, and what comes and goes over it. What is shown is
// `view.ts`'s, what is on its way `pending.ts`'s, and when another attempt is made `core/line.ts`'s.

import type { SyncError } from "../core/answer.js";
import type { SyncClient } from "../core/client.js";
import { loadTexts, notJson } from "../core/clientError.js";
import { defaultSync } from "../core/defaultSync.js";
import { createLine, isFinal } from "../core/line.js";
import { isDeviceOffline, isHidden, onNetwork, onVisible } from "../core/page.js";
import { safely } from "../core/safely.js";
import { createStore } from "../core/store.js";
import { type AccessOptions, type Connection, connect, isWorkspace, notWorkspace } from "./access.js";
import { createReader, type WorkspaceHistory } from "./history.js";
import type { Change, Message, WorkspaceUser } from "./messages.js";
import { createPending, type Verdict, type WorkspaceAnswer } from "./pending.js";
import { createView, NOTHING, same } from "./view.js";

/**
 * - `disconnected`: there is no connection, and none is being made: the next attempt is waited for, the device is offline,
 *   the client's `disconnect()` was called or it has no `url` yet, or it was closed.
 * - `connecting`: the token is asked for, and the socket made.
 * - `authenticating`: the socket is there, and the server looks at the token.
 * - `connected`: the server has said something, which it does only when the token is good.
 * - `synced`: what the server has is here, and news of it arrive.
 * - `error`: the server said no, for good; `error` says why.
 */
export type WorkspaceStatus = "disconnected" | "connecting" | "authenticating" | "connected" | "synced" | "error";

/** What is known of a workspace: the same object for as long as nothing changes. */
export interface WorkspaceState<Data extends object = Record<string, unknown>> {
  /** Its values, with our own writes at once; empty before the first. Values that did not change stay the same objects. */
  readonly data: Readonly<Partial<Data>>;
  readonly status: WorkspaceStatus;
  /** Why, in status `error`; in others, why there was no token, until there is a connection. */
  readonly error: SyncError | null;
  /** Who has it open; empty while we are not connected. */
  readonly presence: readonly WorkspaceUser[];
  /** How many writes of ours the server has not answered. */
  readonly pending: number;
}

/** What {@link WorkspaceOptions.onError} is told of a write that was taken back. */
export type WorkspaceWrite = Change;

/** What {@link createWorkspace} is told. */
export interface WorkspaceOptions extends AccessOptions {
  /** Whose server, token and language: a client made by `createSync`. Default: what `configureSync` set up. */
  sync?: SyncClient | undefined;
  /** Called when a write was refused, and is taken back, or when the server objects to something else. */
  onError?: ((error: SyncError, write?: WorkspaceWrite) => void) | undefined;
  /** How many writes may wait for the server: one more is `offline.dropped`. Default: 1,000. */
  maxPending?: number | undefined;
}

/** What writes to a workspace. The promises never reject. */
export interface WorkspaceWriter<Data extends object> {
  /**
   * Sets a key, for everybody. It is shown at once, and resolves with the server's answer; when that is an error, it is
   * taken back. It outlasts lost connections, and takes effect once. Of writes to one key that were not sent yet the
   * last is sent, and answers all.
   */
  set<Key extends keyof Data & string>(key: Key, value: Data[Key]): Promise<WorkspaceAnswer>;
  /** Removes a key, in the same way. */
  delete(key: keyof Data & string): Promise<WorkspaceAnswer>;
}

/** A workspace that we have open. Its functions need no `this`: they may be taken apart. */
export interface Workspace<Data extends object = Record<string, unknown>> extends WorkspaceWriter<Data> {
  readonly id: string;
  /** What is known: the same object until it changes. */
  getSnapshot(): WorkspaceState<Data>;
  /** Calls back when that has changed. The result ends it. */
  subscribe(listener: () => void): () => void;
  readonly history: WorkspaceHistory<Data>;
  /** Tries now, also after status `error`: after a login, for example. */
  reconnect(): void;
  /** Ends it; writes without an answer are answered `request.aborted`. */
  close(): void;
}

/** What is known before anything is. */
export const BEFORE: WorkspaceState = { data: NOTHING, status: "disconnected", error: null, presence: [], pending: 0 };

const PENDING_MAX = 1000;

/**
 * Opens a workspace: keys and values on the server, which all who have it open share and write.
 *
 * @example
 * const board = createWorkspace<{ topic: string }>("board");
 * board.subscribe(() => show(board.getSnapshot().data.topic));
 * await board.set("topic", "Lunch");
 */
export function createWorkspace<Data extends object = Record<string, unknown>>(
  id: string,
  { sync = defaultSync, onError, maxPending = PENDING_MAX, ...access }: WorkspaceOptions = {},
): Workspace<Data> {
  const { shared } = sync;
  const { history } = createReader<Data>(id, sync);
  const view = createView();

  let closed = false;
  let phase: Exclude<WorkspaceStatus, "error"> = "disconnected";
  /** The server has said no; or that is no workspace. */
  let refused = false;
  let error: SyncError | null = null;
  let presence = BEFORE.presence;
  /** Up to where we have the server's state. */
  let heads: readonly string[] = [];
  let expired = false;
  let connection: Connection | undefined;
  let configured = shared.options();

  const look = (): WorkspaceState<Data> => ({
    // That it is of this type is whoever writes to the workspace's promise.
    data: view.get() as Partial<Data>,
    status: refused ? "error" : phase,
    error,
    presence,
    pending: pending.all().length,
  });
  const update = () => store.set(look());
  const pass = (message: object) => shared.pass("in", "workspace", { workspace: id, ...message });
  const report = (why: SyncError, write?: Change) => {
    if (onError && !closed) safely(() => onError(why, write));
  };

  const pending = createPending({
    limit: maxPending,
    send(message) {
      connection?.send(JSON.stringify(message));
      shared.pass("out", "workspace", { workspace: id, ...message });
    },
    onChange() {
      view.overlay(pending.all());
      update();
    },
  });
  const store = createStore<WorkspaceState<Data>>({ ...BEFORE, data: view.get() as Partial<Data> });

  const enter = (next: typeof phase) => {
    phase = next;
    if (next === "disconnected") {
      presence = BEFORE.presence;
      pending.lost();
    }
    update();
  };

  /** The server's state is here. */
  const synced = (newHeads: readonly string[], alive: () => void) => {
    heads = newHeads;
    error = null;
    alive();
    phase = "synced";
    pending.resend();
  };

  const receive = (message: Message, alive: () => void) => {
    switch (message.type) {
      case "init":
        view.replace(message.data);
        return synced(message.heads, alive);
      case "resume":
        view.apply(message.changes);
        return synced(message.heads, alive);
      case "change":
        // What comes before the state is in the state.
        if (phase !== "synced") return;
        heads = message.heads;
        view.apply([message.change]);
        view.overlay(pending.all());
        return update();
      case "ack":
        return pending.acked(message.id, message.heads);
      case "error":
        if (!pending.refused(message.id, message.error, message.seconds)) {
          report(message.error);
        }
        return;
      case "presence":
        if (!same(presence, message.users)) presence = message.users;
        return update();
    }
  };

  const line = createLine({
    open(attempt) {
      const mine = connect(
        { sync, id, ...access, heads, expired },
        {
          onConnecting: () => enter("connecting"),
          onAuthenticating: () => enter("authenticating"),
          onMessage(message) {
            pass(message);
            if (phase === "authenticating") enter("connected");
            // Whoever was told of that may have closed it.
            if (!attempt.isCurrent()) return;
            receive(message, () => {
              mine.alive();
              attempt.alive();
            });
          },
          onExpired() {
            expired = true;
          },
          onTooLarge: pending.tooLarge,
          onEnd: attempt.end,
        },
      );
      expired = false;
      connection = mine;
      return mine;
    },
    onEnd({ error: why, words }) {
      if (why) pass(why);
      // The server took our heads, and nothing came of it: it may do better without.
      if (phase === "authenticating" || phase === "connected") heads = [];
      if (why && isFinal(why)) return refuse(why, words);
      error = why ?? null;
      enter("disconnected");
    },
    // What waits to be sent is worth a connection that nobody looks at.
    rests: () => isHidden() && pending.all().length === 0,
  });

  const stop = () => {
    line.stop();
    enter("disconnected");
  };

  const refuse = (why: SyncError, words?: Promise<SyncError>) => {
    refused = true;
    error = why;
    stop();
    pending.clear(words ?? why);
    void words?.then((said) => {
      // By now it may be closed, or not refused any more.
      if (closed || error !== why) return;
      error = said;
      update();
    });
  };

  const isOffline = () => sync.getStatus().state === "offline" || isDeviceOffline();

  /** Begins, if all is there that it takes. */
  const start = () => {
    if (isOffline()) stop();
    else if (shared.options().url !== undefined && !refused) line.start();
    update();
  };

  /** What was refused may not be any longer. */
  const forgive = () => {
    refused = !isWorkspace(id);
    if (!refused) error = null;
  };

  /** Looks at what may have changed around: the network, or the client's options. */
  const around = () => {
    const options = shared.options();
    if (options.url !== configured.url) {
      stop();
      if (configured.url !== undefined) {
        // Another server knows nothing of what this one had, and what was for this one is not for another.
        heads = [];
        view.replace(NOTHING);
        pending.clear("request.aborted");
      }
    }
    if (options !== configured) forgive();
    configured = options;
    start();
  };

  const write = (change: Change): Promise<WorkspaceAnswer> =>
    new Promise((resolve) => {
      const settle = async (verdict: Verdict) => {
        const answer = await (typeof verdict === "string" ? shared.error(verdict) : verdict);
        if (answer.status === "error" && verdict !== "request.aborted") report(answer, change);
        resolve(answer);
      };
      if (closed) return void settle("request.aborted");
      if (refused && error) return void settle(error);
      pending.add(change, settle);
      line.stir();
    });

  if (!isWorkspace(id)) refuse(notWorkspace(id));
  const stops = [
    sync.subscribe(around),
    onNetwork(() => {
      around();
      if (!isHidden()) line.wake();
    }),
    onVisible(line.wake),
  ];
  void loadTexts().catch(() => {});
  around();

  return {
    id,
    history,
    getSnapshot: store.get,
    subscribe: store.subscribe,
    async set(key, value) {
      try {
        // A copy, as it is now; and what JSON cannot say is found here and not on the wire.
        const copy: unknown = JSON.parse(JSON.stringify(value));
        return write({ type: "op", key, value: copy });
      } catch (cause) {
        const why = notJson(cause);
        report(why);
        return why;
      }
    },
    delete: (key) => write({ type: "delete", key }),
    reconnect() {
      if (closed) return;
      forgive();
      start();
      line.wake();
    },
    close() {
      if (closed) return;
      closed = true;
      for (const stop of stops) stop();
      stop();
      pending.clear("request.aborted");
    },
  };
}
