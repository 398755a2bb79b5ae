// What goes over a workspace's socket, and what of it can be understood. What it does is not known here.

import type { SyncError } from "../core/answer.js";

/** Keys and values, without anything of `Object.prototype`: `constructor` is there only if somebody has set it. */
export type Values = Readonly<Record<string, unknown>>;

/** A key's new value, or that it is gone. */
export type Change = { type: "op"; key: string; value: unknown } | { type: "delete"; key: string };

/** Somebody who has the workspace open. */
export interface WorkspaceUser {
  /** The `sub` of their token. */
  readonly user_id: string;
  readonly status: string;
}

/** A message of the server's. */
export type Message =
  | { type: "init"; data: Values; heads: string[] }
  | { type: "resume"; changes: Change[]; heads: string[] }
  | { type: "change"; change: Change; heads: string[] }
  | { type: "ack"; id: string; heads: string[] }
  | { type: "error"; id: string; error: SyncError; seconds: number }
  | { type: "presence"; users: WorkspaceUser[] }
  | { type: "other" };

const isObject = (value: unknown): value is Record<string, unknown> => typeof value === "object" && value !== null;

/** A copy that has nothing but its own keys. */
export const valuesOf = (data: object): Record<string, unknown> => Object.assign(Object.create(null), data);

const headsOf = (heads: unknown): string[] => (Array.isArray(heads) ? heads.map(String) : []);

function changeOf({ type, payload }: Record<string, unknown>): Change | undefined {
  if (!isObject(payload) || typeof payload.key !== "string") return undefined;
  if (type === "delete") return { type, key: payload.key };
  return type === "op" && "value" in payload ? { type, key: payload.key, value: payload.value } : undefined;
}

/** Understands a message; nothing for what is none. */
export function readMessage(text: unknown): Message | undefined {
  let message: unknown;
  try {
    message = JSON.parse(String(text));
  } catch {
    return undefined;
  }
  if (!isObject(message) || typeof message.type !== "string") return undefined;
  const heads = headsOf(message.heads);
  switch (message.type) {
    case "init":
      return isObject(message.data) ? { type: "init", data: valuesOf(message.data), heads } : undefined;
    case "resume": {
      const { ops } = message;
      const changes = Array.isArray(ops) ? ops.map((op) => isObject(op) && changeOf(op)) : [false as const];
      // One that is not understood must not be left out: the rest would be another state.
      return changes.every((change) => !!change) ? { type: "resume", changes, heads } : undefined;
    }
    case "op":
    case "delete": {
      const change = changeOf(message);
      return change && { type: "change", change, heads };
    }
    case "ack":
      return { type: "ack", id: String(message.id), heads };
    case "error": {
      const errorCode = String(message.code);
      const httpStatus = Number(message.status) || 0;
      const said = String(message.message ?? errorCode);
      return {
        type: "error",
        id: String(message.id),
        error: { status: "error", errorCode, message: said, httpStatus },
        seconds: Number(message.seconds) || 0,
      };
    }
    case "presence":
      return { type: "presence", users: Array.isArray(message.users) ? message.users : [] };
    default:
      return { type: "other" };
  }
}
