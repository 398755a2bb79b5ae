// The way to a topic on its server: reading it, and tickets and addresses for sockets. What is done with an answer is not
// known here.

import type { SyncError } from "../core/answer.js";
import type { SyncClient } from "../core/client.js";
import { askJson, createSend, inTime, type Refusal, technicalError } from "../core/http.js";
import type { SyncOptions, TokenRequest } from "../core/options.js";
import { socketUrl } from "../core/socket.js";
import { isRecord, readAnswer, type SnapshotRecord, type SnapshotTopic } from "./record.js";

/** How an app may go its own way to the server. */
export interface AccessOptions {
  /** Where WebSockets connect, for example `wss://sync.example.com`. Default: the client's `url`, with `ws` for `http`. */
  wsUrl?: string | undefined;
  /**
   * Gives a ticket for one connection, for example from an app's own route; asked before each. Default: from the server,
   * with the client's token. A `SyncError` that it throws is taken for the server's.
   */
  getTicket?: (() => string | Promise<string>) | undefined;
  /**
   * Reads the snapshot, for example by an app's own route. Default: from the server, with the client's token. A
   * `SyncError` that it throws is taken for the server's.
   */
  getSnapshot?: ((signal: AbortSignal) => SnapshotRecord | Promise<SnapshotRecord>) | undefined;
}

/** The way to a topic. */
export interface Access {
  /** Reads the snapshot. Never rejected. */
  read(signal: AbortSignal): Promise<SnapshotRecord | "unchanged" | Refusal>;
  /** Whether reading can be right: with tickets of the app's and no token of ours, it cannot. */
  canRead(): boolean;
  /** The address for one WebSocket. Never rejected. */
  socketUrl(signal: AbortSignal): Promise<string | Refusal>;
  /** The session has expired: the next request asks for a new token. */
  expired(): void;
}

const isSyncError = (value: unknown): value is SyncError =>
  typeof value === "object" && value !== null && "errorCode" in value && "httpStatus" in value;

/** Why there is nothing when a function of the app's failed. */
const failed =
  (errorCode: string) =>
  (cause: unknown): Refusal => ({ error: isSyncError(cause) ? cause : technicalError(errorCode, cause) });

/** Makes one. */
export function createAccess(sync: SyncClient, topic: SnapshotTopic, settings: () => AccessOptions): Access {
  const { options } = sync.shared;
  const send = createSend(sync);
  const [path, socketPath] =
    topic.kind === "game"
      ? [`/api/games/${topic.id}/snapshot`, `/ws/games/${topic.id}`]
      : [`/api/snapshots/${topic.kind}/${topic.id}`, `/ws/snapshots/${topic.kind}/${topic.id}`];
  let etag: string | null = null;
  let etagOf: Partial<SyncOptions> | undefined;
  let expired: TokenRequest | undefined;

  const ask = (
    method: "GET" | "POST",
    path: string,
    signal: AbortSignal,
    renew?: TokenRequest,
    match?: string | null,
  ) => {
    const headers = match ? { "if-none-match": match } : undefined;
    const request = { method, path, signal, headers, renew: expired ?? renew };
    expired = undefined;
    return askJson(send, request, options().timeoutMs);
  };
  const ticket = async (signal: AbortSignal): Promise<string | Refusal> => {
    // A socket lasts as long as its session, so its ticket begins with a new token.
    const said = await ask("POST", "/api/ws/token", signal, {});
    if ("error" in said) return said;
    const { token } = (said.body ?? {}) as { token?: unknown };
    return typeof token === "string" ? token : { error: "request.disconnected" };
  };

  return {
    async read(signal) {
      const { getSnapshot } = settings();
      if (getSnapshot) {
        const given = async (signal: AbortSignal): Promise<SnapshotRecord> => {
          const record: unknown = await getSnapshot(signal);
          if (isRecord(record)) return record;
          throw new TypeError("getSnapshot gave no { data, lockVersion }");
        };
        return inTime((signal) => given(signal).catch(failed("snapshot.failed")), signal, options().timeoutMs);
      }
      const asked = options();
      // Another server, or another user, may mean something else by the same tag.
      const said = await ask("GET", path, signal, undefined, etagOf === asked ? etag : null);
      if ("error" in said) return said;
      if (said.response.status === 304) return "unchanged";
      const record = readAnswer(said.body);
      if (!record) return { error: "request.disconnected" };
      etag = said.response.headers.get("etag");
      etagOf = asked;
      return record;
    },
    canRead() {
      const { getTicket, getSnapshot } = settings();
      return !getTicket || !!getSnapshot || !!options().token;
    },
    async socketUrl(signal) {
      const { getTicket, wsUrl } = settings();
      const own = async (getTicket: NonNullable<AccessOptions["getTicket"]>) => {
        const ticket: unknown = await getTicket();
        if (typeof ticket === "string") return ticket;
        throw new TypeError("getTicket gave no string");
      };
      const given = await (getTicket ? own(getTicket).catch(failed("ticket.failed")) : ticket(signal));
      if (typeof given !== "string") return given;
      try {
        return socketUrl(wsUrl ?? options().url ?? "", socketPath, { token: given });
      } catch (error) {
        return { error: technicalError("connection.failed", error) };
      }
    },
    expired() {
      expired = { refused: "auth.expired" };
    },
  };
}
