// Sends events over HTTP, for back ends that listen to none. Delivery to the room is the server's.

import type { AnyAnswer } from "../core/answer.js";
import { clientError, notJson } from "../core/clientError.js";
import { TIMEOUT_MS, type Token } from "../core/options.js";
import type { AnyRequest } from "../core/requests.js";
import type { SyncAnswer, SyncEventName, SyncEventVersion, SyncMessage } from "../core/routes.js";

/** What a trigger is told once. */
export interface SyncTriggerOptions {
  /** The server, for example `https://sync.example.com`. */
  url: string;
  /** The bearer token, or a function that gives it, called at each event. With scope `sync:publish` it may name any room. */
  token?: string | (() => Token | Promise<Token>) | undefined;
  /** The language of messages. Default: English. */
  locale?: string | undefined;
  /** How many milliseconds an answer may take. Default: 30,000. */
  timeoutMs?: number | undefined;
}

/** Sends an event and resolves with the server's answer. It rejects only if `token` does. */
export type SyncTrigger = <const Name extends SyncEventName, const Version extends SyncEventVersion<Name>>(
  request: SyncMessage<Name, Version>,
) => Promise<SyncAnswer<Name, Version>>;

/**
 * Makes a function that sends events over HTTP.
 *
 * @example
 * const trigger = createSyncTrigger({ url: "https://sync.example.com", token: process.env.SYNC_TOKEN });
 * await trigger({ name: "chat/sendMessage", version: "v1", data: { text: "Deployed." }, receiver: "team" });
 */
export function createSyncTrigger(options: SyncTriggerOptions): SyncTrigger {
  const { url, token, locale = "en" } = options;
  const send = async ({ name, version, signal, timeoutMs, ...body }: AnyRequest): Promise<AnyAnswer> => {
    let json: string;
    try {
      json = JSON.stringify(body);
    } catch (error) {
      return notJson(error);
    }
    const bearer = typeof token === "function" ? await token() : token;
    const tooLate = AbortSignal.timeout(timeoutMs ?? options.timeoutMs ?? TIMEOUT_MS);
    try {
      const response = await fetch(`${url.replace(/\/+$/, "")}/sync/${name}/${version}`, {
        method: "POST",
        headers: {
          "content-type": "application/json",
          "accept-language": locale,
          ...(bearer && { authorization: `Bearer ${bearer}` }),
        },
        body: json,
        signal: signal ? AbortSignal.any([signal, tooLate]) : tooLate,
      });
      return (await response.json()) as AnyAnswer;
    } catch {
      // No connection, or an answer that is not a Syncline server's: a proxy's, for example.
      if (signal?.aborted) return clientError("request.aborted", locale);
      return clientError(tooLate.aborted ? "request.timeout" : "request.disconnected", locale);
    }
  };
  // What the server answers is of these types: that is the generated code's promise.
  return send as SyncTrigger;
}
