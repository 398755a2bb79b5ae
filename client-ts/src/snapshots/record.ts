// What a server says of a topic, by HTTP or over a socket, and what of it can be understood. What is newer is not
// decided here.

import type { SyncError } from "../core/answer.js";

/** What is watched. `game` is one kind; an app's server may have others. */
export interface SnapshotTopic {
  readonly kind: string;
  /** 1 to 64 of `A-Z a-z 0-9 _ -`. */
  readonly id: string;
}

/** A snapshot: an app's state, and the app's version of it, which only ever rises. */
export interface SnapshotRecord<Data = unknown> {
  readonly data: Data;
  readonly lockVersion: number;
}

/** What a message was; nothing for one that cannot be understood, or is for others. */
export type Message =
  | { type: "snapshot"; record: SnapshotRecord }
  | { type: "error"; error: SyncError }
  | { type: "unknownProtocol"; version: unknown };

/** The protocol that is spoken here: `version` of a pushed snapshot. */
const PROTOCOL = 1;

const NAME = /^[\w-]{1,64}$/;

const STATUSES: { [code: string]: number } = { bad_request: 400, forbidden: 403, not_found: 404, rate_limited: 429 };

const isObject = (value: unknown): value is { [field: string]: unknown } => typeof value === "object" && value !== null;

const recordOf = (lockVersion: unknown, data: unknown): SnapshotRecord | undefined =>
  Number.isSafeInteger(lockVersion) && data !== undefined ? { data, lockVersion: lockVersion as number } : undefined;

/** Whether that is a record: what an app's own functions give is not known to be. */
export const isRecord = (value: unknown): value is SnapshotRecord =>
  isObject(value) && !!recordOf(value.lockVersion, value.data);

/** Whether a server can know such a topic. */
export const isTopic = ({ kind, id }: SnapshotTopic): boolean => NAME.test(kind) && NAME.test(id);

/** The record in an HTTP answer. */
export const readAnswer = (body: unknown): SnapshotRecord | undefined =>
  isObject(body) ? recordOf(body.version, body.data) : undefined;

/** Understands a message of a socket's. */
export function readMessage(text: unknown, { kind, id }: SnapshotTopic): Message | undefined {
  let message: unknown;
  try {
    message = JSON.parse(String(text));
  } catch {
    return undefined;
  }
  if (!isObject(message)) return undefined;
  const { type, topic, version } = message;
  if (type === "error") {
    const errorCode = String(message.code);
    const httpStatus = STATUSES[errorCode] ?? 0;
    return { type, error: { status: "error", errorCode, message: String(message.message ?? errorCode), httpStatus } };
  }
  if (type !== "snapshot") return undefined;
  if (version !== PROTOCOL) return { type: "unknownProtocol", version };
  if (!isObject(topic) || topic.kind !== kind || String(topic.id) !== id) return undefined;
  const record = recordOf(message.lockVersion, message.data);
  return record && { type, record };
}
