// What was written to a workspace before, over HTTP, and the way back to it.

import type { SyncError } from "../core/answer.js";
import type { SyncClient } from "../core/client.js";
import { defaultSync } from "../core/defaultSync.js";
import { createAsk } from "./access.js";
import { type Values, valuesOf } from "./messages.js";

/** A change of a workspace's. */
export interface WorkspaceChange {
  readonly hash: string;
  /** What its author called it; nothing for a write. */
  readonly message: string | null;
  /** Microseconds since 1970. */
  readonly timestamp: number;
  readonly actor: string;
  /** Who made it; nothing when it came from a client that does not say. */
  readonly user_id: string | null;
  /** The keys that it touches. */
  readonly keys: readonly string[];
  /** Where it was made. */
  readonly region: string | null;
  /** The change whose state it brought back. */
  readonly restored?: string;
}

/** Which changes. */
export interface HistoryOptions {
  /** How many at most. Default: the server's. */
  limit?: number | undefined;
  /** Goes on below this change: the `hash` of the last one that is known. */
  before?: string | undefined;
}

/** Something that the server has, or why there is none. */
export type Read<What> = ({ status: "success" } & What) | SyncError;

/** A workspace's history. Nothing of it rejects. */
export interface WorkspaceHistory<Data extends object> {
  /** The changes, newest first. */
  list(options?: HistoryOptions): Promise<Read<{ changes: readonly WorkspaceChange[] }>>;
  /** The state at a change. */
  at(hash: string): Promise<Read<{ hash: string; data: Readonly<Partial<Data>> }>>;
  /** Brings that state back, as one more change: history is never rewritten. It arrives as any other does. `keys`: how many have changed. */
  restore(hash: string): Promise<Read<{ heads: readonly string[]; keys: number }>>;
}

/** A workspace as it was read. */
export interface WorkspaceRecord<Data extends object> {
  readonly workspace: string;
  readonly data: Readonly<Partial<Data>>;
  readonly heads: readonly string[];
  /** Where clients of automerge-repo find the same document. */
  readonly automerge_url: string;
}

const held = (data: unknown): Values => Object.freeze(valuesOf(Object(data)));

/** Makes the functions that read a workspace. */
export function createReader<Data extends object>(id: string, sync: SyncClient) {
  const ask = createAsk(sync, id);
  const path = `/v1/history/${id}`;
  // What is answered is of these types, which is the server's promise.
  const history: WorkspaceHistory<Data> = {
    async list({ limit, before } = {}) {
      const query = new URLSearchParams();
      if (limit !== undefined) query.set("limit", String(limit));
      if (before !== undefined) query.set("before", before);
      const said = await ask({ method: "GET", path: query.size > 0 ? `${path}?${query}` : path });
      return "body" in said ? { status: "success", changes: said.body as WorkspaceChange[] } : said;
    },
    async at(hash) {
      const said = await ask({ method: "GET", path: `${path}/${encodeURIComponent(hash)}` });
      if (!("body" in said)) return said;
      return { status: "success", hash, data: held((said.body as { data: unknown }).data) as Partial<Data> };
    },
    async restore(hash) {
      const said = await ask({ method: "POST", path: `${path}/restore`, body: JSON.stringify({ hash }) });
      if (!("body" in said)) return said;
      const { heads, keys } = said.body as { heads: string[]; keys: number };
      return { status: "success", heads, keys };
    },
  };
  return {
    history,
    async read(): Promise<Read<WorkspaceRecord<Data>>> {
      const said = await ask({ method: "GET", path: `/v1/workspaces/${id}` });
      if (!("body" in said)) return said;
      const record = said.body as WorkspaceRecord<Data>;
      return { status: "success", ...record, data: held(record.data) as Partial<Data> };
    },
  };
}

/**
 * Reads a workspace once, without a socket: for scripts, and pages that are rendered on a server. Never rejects.
 *
 * @example
 * const read = await readWorkspace<Board>("board", { sync });
 * if (read.status === "success") read.data.topic;
 */
export const readWorkspace = <Data extends object = Record<string, unknown>>(
  id: string,
  { sync = defaultSync }: { sync?: SyncClient | undefined } = {},
): Promise<Read<WorkspaceRecord<Data>>> => createReader<Data>(id, sync).read();
