// Requests on their way: waiting for a connection, or for their answers. One line, first in, first out. What is on the
// wire is the connection's, what events mean is the routes'.

import { type AnyAnswer, type Outcome, retryAfterMs } from "./answer.js";
import { notJson } from "./clientError.js";
import type { Connection } from "./connection.js";
import { MAX_AGE_MS, QUEUE_LIMIT, WINDOW } from "./options.js";
import type { StatusStore } from "./status.js";

/** A request, whatever its event. */
export interface AnyRequest {
  name: string;
  version: string;
  data: unknown;
  receiver: string;
  ignoreSelf?: boolean | undefined;
  signal?: AbortSignal | undefined;
  timeoutMs?: number | undefined;
}

/** The line of requests. */
export interface Requests {
  /** Sends a request as soon as it can. The promise is never rejected. */
  request(request: AnyRequest): Promise<AnyAnswer>;
  /** Sends what may be sent now. */
  pump(): void;
  /** The connection is lost: those that wait are offline now. */
  lost(): void;
  /** Answers all that wait. */
  clear(): void;
}

interface Waiting {
  payload: object;
  timeoutMs: number | undefined;
  settle(outcome: Outcome): void;
  settled: boolean;
  order: number;
  since: number;
  /** It was made, or came back, while there was no connection: nothing may overtake it. */
  offline: boolean;
  expiry?: ReturnType<typeof setTimeout>;
}

const isExpiry = (outcome: Outcome) =>
  typeof outcome !== "string" && outcome.status === "error" && outcome.errorCode === "auth.expired";

/** Makes one. */
export function createRequests(connection: Connection, status: StatusStore): Requests {
  let line: Waiting[] = [];
  let unanswered = 0;
  let made = 0;
  /** One that was made offline is on the wire: the next is sent when it is answered, so that none arrives before it. */
  let flushing = false;
  let resting = false;

  const maxAgeMs = () => connection.options().offlineQueue?.maxAgeMs ?? MAX_AGE_MS;
  const count = () => status.set({ queueLength: line.length });

  const remove = (waiting: Waiting) => {
    clearTimeout(waiting.expiry);
    line = line.filter((other) => other !== waiting);
  };

  const drop = (waiting: Waiting, reason: "queueFull" | "expired", quietly = false) => {
    const key = `offline.dropped:${reason}` as const;
    remove(waiting);
    if (!quietly) {
      status.set({ queueLength: line.length, dropped: status.get().dropped + 1 });
      void connection.error(key).then((lastError) => status.set({ lastError }));
    }
    waiting.settle(key);
  };

  /** From now on it waits for a connection, in its place in the line and for so long. */
  const keep = (waiting: Waiting) => {
    const leftMs = waiting.since + maxAgeMs() - Date.now();
    waiting.offline = true;
    clearTimeout(waiting.expiry);
    // Beyond what a timer can wait, the age is looked at when there is a connection.
    if (leftMs < 2 ** 31) waiting.expiry = setTimeout(() => drop(waiting, "expired"), leftMs);
  };

  const enqueueOffline = (waiting: Waiting) => {
    const { limit = QUEUE_LIMIT, whenFull } = connection.options().offlineQueue ?? {};
    // With a connection that only has its session to restore, the line is about to move: nobody is dropped for that.
    while (line.length >= limit && status.get().state !== "connected") {
      const oldest = line[0];
      if (whenFull === "reject" || whenFull === "drop-newest" || !oldest) {
        return drop(waiting, "queueFull", whenFull === "reject");
      }
      drop(oldest, "queueFull");
    }
    keep(waiting);
    line.push(waiting);
    count();
  };

  /** The server did nothing of it yet: it goes back to its place. */
  const comesBack = (waiting: Waiting) => {
    keep(waiting);
    const place = line.findIndex((other) => other.order > waiting.order);
    line.splice(place < 0 ? line.length : place, 0, waiting);
  };

  const answered = (waiting: Waiting, outcome: Outcome) => {
    unanswered--;
    flushing = false;
    // One that was made online is its caller's to repeat.
    const retryMs = waiting.offline ? retryAfterMs(outcome) : undefined;
    if (waiting.settled) {
      // It was aborted meanwhile; its place was kept until now.
    } else if (retryMs !== undefined) {
      comesBack(waiting);
      resting = true;
      setTimeout(() => {
        resting = false;
        pump();
      }, retryMs);
    } else if (isExpiry(outcome) && !connection.isReady()) {
      // The token is being refreshed.
      comesBack(waiting);
    } else {
      waiting.settle(outcome);
    }
    pump();
  };

  const pump = () => {
    for (let next = line[0]; next; next = line[0]) {
      if (!connection.isReady() || resting || flushing || unanswered >= (next.offline ? 1 : WINDOW)) break;
      const waiting = next;
      if (waiting.offline && Date.now() - waiting.since >= maxAgeMs()) {
        drop(waiting, "expired");
        continue;
      }
      clearTimeout(waiting.expiry);
      line.shift();
      unanswered++;
      flushing = waiting.offline;
      connection.ask("sync", waiting.payload, (outcome) => answered(waiting, outcome), waiting.timeoutMs);
    }
    count();
  };

  return {
    request: ({ signal, timeoutMs, ...message }) =>
      new Promise((resolve) => {
        const waiting: Waiting = {
          payload: message,
          timeoutMs,
          settle(outcome) {
            waiting.settled = true;
            signal?.removeEventListener("abort", abort);
            resolve(typeof outcome === "string" ? connection.error(outcome) : outcome);
          },
          settled: false,
          order: made++,
          since: Date.now(),
          offline: false,
        };
        const abort = () => {
          remove(waiting);
          count();
          waiting.settle("request.aborted");
        };
        if (signal?.aborted) return abort();
        try {
          // A copy, as it is now; and what JSON cannot say is found here and not on the wire.
          waiting.payload = { ...message, data: JSON.parse(JSON.stringify(message.data)) };
        } catch (error) {
          return waiting.settle(notJson(error));
        }
        signal?.addEventListener("abort", abort);
        connection.use();
        if (connection.isReady()) {
          line.push(waiting);
          pump();
        } else {
          enqueueOffline(waiting);
        }
      }),
    pump,
    lost: () => line.forEach(keep),
    clear() {
      for (const waiting of [...line]) {
        remove(waiting);
        waiting.settle("request.aborted");
      }
      count();
    },
  };
}
