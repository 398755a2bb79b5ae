// One stream of a room, from its opening to its end: bytes in, records out. Whether there is another is not its matter.

import { createParser } from "eventsource-parser";
import type { Refusal, Send } from "../core/http.js";
import { isRecord, type RoomRecord } from "./record.js";

/** What happens on a stream. */
export interface StreamEvents {
  onRecord(record: RoomRecord): void;
}

/**
 * Follows a stream until it ends, is aborted, or was silent for too long: a server says something every 15 seconds, and
 * a connection that was cut says nothing at all. Resolves with why it ended; rejected only by `token`.
 */
export async function follow(
  send: Send,
  path: string,
  silenceMs: number,
  { onRecord }: StreamEvents,
  signal: AbortSignal,
): Promise<Refusal> {
  const silence = new AbortController();
  let timer: ReturnType<typeof setTimeout> | undefined;
  const heard = () => {
    clearTimeout(timer);
    timer = setTimeout(() => silence.abort(), silenceMs);
  };
  const parser = createParser({
    onEvent({ event, data }) {
      if (event !== "state") return;
      const record: unknown = JSON.parse(data);
      if (isRecord(record)) onRecord(record);
    },
  });
  heard();
  try {
    const either = AbortSignal.any([signal, silence.signal]);
    const answer = await send({ method: "GET", path, accept: "text/event-stream", signal: either, renew: {} });
    if (!(answer instanceof Response)) return answer;
    if (!answer.body) return { error: "request.disconnected" };
    const decoder = new TextDecoder();
    const reader = answer.body.getReader();
    try {
      for (let part = await reader.read(); !part.done; part = await reader.read()) {
        heard();
        parser.feed(decoder.decode(part.value, { stream: true }));
      }
    } catch {
      // It broke off, which is an end as well.
      void reader.cancel().catch(() => {});
    }
    return { error: "request.disconnected" };
  } finally {
    clearTimeout(timer);
  }
}
