// The transport `polling`: the snapshot is read again and again, and not while nobody looks.

import { isHidden } from "../core/page.js";
import type { SnapshotTransport } from "./transport.js";

/** What {@link pollingTransport} is told. */
export interface PollingTransportOptions {
  /** How many milliseconds are between an answer and the next question. Default: 3,000. */
  everyMs?: number | undefined;
}

/** Makes the transport `polling`. */
export function pollingTransport({ everyMs = 3000 }: PollingTransportOptions = {}): SnapshotTransport {
  return {
    name: "polling",
    open(context, events) {
      const closing = new AbortController();
      let reading = false;
      let timer: ReturnType<typeof setTimeout> | undefined;
      const read = async () => {
        clearTimeout(timer);
        reading = true;
        const end = await context.read(closing.signal);
        reading = false;
        if (end) return events.onEnd(end);
        timer = setTimeout(() => isHidden() || read(), everyMs);
        events.onLive();
      };
      void read();
      return {
        close() {
          closing.abort();
          clearTimeout(timer);
        },
        wake() {
          if (!reading) void read();
        },
      };
    },
  };
}
