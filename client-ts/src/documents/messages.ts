// What of a document's frames is looked at here: which kind they are, and what becomes of what was sent. Yjs reads the rest.

/** A message of the server's, or one of ours. */
export type Message =
  /** Asks for what the other has and we have. */
  | { type: "step1" | "step2" | "update" | "awareness" | "queryAwareness" | "other" }
  /** The session may not write. */
  | { type: "denied"; reason: string }
  /** All that was sent before that marker is in the server's journal, or in its store. */
  | { type: "journaled" | "saved"; number: number }
  /** Wants to know that. */
  | { type: "marker"; number: number };

const [SYNC, AWARENESS, AUTH, QUERY_AWARENESS, MARKER] = [0, 1, 2, 3, 64];
const SYNC_TYPES = ["step1", "step2", "update"] as const;
const [JOURNALED, SAVED] = [1, 2];

/** Which kind that is. `ours`: it was sent, not received. */
export function readMessage(bytes: Uint8Array, ours = false): Message {
  let at = 0;
  const unsigned = () => {
    let [value, factor] = [0, 1];
    for (;;) {
      const byte = bytes[at++] ?? 0;
      value += (byte & 127) * factor;
      if (byte < 128) return value;
      factor *= 128;
    }
  };
  switch (unsigned()) {
    case SYNC:
      return { type: SYNC_TYPES[unsigned()] ?? "other" };
    case AWARENESS:
      return { type: "awareness" };
    case QUERY_AWARENESS:
      return { type: "queryAwareness" };
    case AUTH: {
      if (unsigned() !== 0) return { type: "other" };
      const length = unsigned();
      return { type: "denied", reason: new TextDecoder().decode(bytes.subarray(at, at + length)) };
    }
    case MARKER: {
      if (ours) return { type: "marker", number: unsigned() };
      const answer = unsigned();
      const number = unsigned();
      if (answer === JOURNALED) return { type: "journaled", number };
      return answer === SAVED ? { type: "saved", number } : { type: "other" };
    }
    default:
      return { type: "other" };
  }
}

/** So many bytes, seven bits each, as the server counts. */
const unsigned = (value: number): number[] =>
  value < 128 ? [value] : [(value % 128) + 128, ...unsigned(Math.floor(value / 128))];

/** Asks to be told what becomes of all that was sent before. */
export const marker = (number: number): Uint8Array<ArrayBuffer> => Uint8Array.from([MARKER, ...unsigned(number)]);

/** A change. */
export function update(change: Uint8Array): Uint8Array<ArrayBuffer> {
  const head = [SYNC, SYNC_TYPES.indexOf("update"), ...unsigned(change.length)];
  const bytes = new Uint8Array(head.length + change.length);
  bytes.set(head);
  bytes.set(change, head.length);
  return bytes;
}
