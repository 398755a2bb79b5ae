// Keeps one transport connected. What comes over it is not looked at; when another attempt is made is `core/line.ts`'s
// matter.

import type { SyncError } from "../core/answer.js";
import { createLine, type Line } from "../core/line.js";
import type { SnapshotRecord } from "./record.js";
import type { SnapshotContext, SnapshotEnd, SnapshotTransport } from "./transport.js";

/** What a line tells. */
export interface LineEvents {
  onSnapshot(record: SnapshotRecord): void;
  /** It works. */
  onLive(): void;
  onError(error: SyncError): void;
  /** A connection has ended; unless the line is stopped now, there will be another one. */
  onEnd(end: SnapshotEnd): void;
}

/** A transport that is kept connected. */
export interface SnapshotLine extends Line {
  readonly transport: SnapshotTransport;
}

/** Makes one, stopped. */
export function createSnapshotLine(
  transport: SnapshotTransport,
  context: SnapshotContext,
  on: LineEvents,
): SnapshotLine {
  const line = createLine({
    open: ({ isCurrent, alive, end }) =>
      transport.open(context, {
        onLive() {
          if (alive()) on.onLive();
        },
        onSnapshot(record) {
          if (!alive()) return;
          on.onSnapshot(record);
          on.onLive();
        },
        onError(error) {
          if (isCurrent()) on.onError(error);
        },
        onEnd: (ended = {}) => end(ended),
      }),
    onEnd: on.onEnd,
  });
  return { ...line, transport };
}
