// What a server says of a room, and which of two things that it said is the newer one. How it arrives is not known here.

/** A room as the server has it. */
export interface RoomRecord<State = unknown> {
  /** 1 for the first write, and one more for each; 0 while there is no room. */
  readonly version: number;
  /** When, RFC 3339; `null` while there is no room. */
  readonly updated_at: string | null;
  readonly state: State | null;
}

/** What was known at a time. */
export interface Mark {
  readonly record: RoomRecord;
  readonly line: number;
}

/** What is known of a room. */
export interface RecordLine {
  get(): RoomRecord;
  /** What is known now: for the stream or the write that is asked for now. */
  mark(): Mark;
  /** A stream says what is there; `opened`: with its first record, what was known when the stream was asked for. */
  streamed(record: RoomRecord, opened?: Mark): void;
  /** A write was answered; `sent`: what was known when it was sent. */
  written(record: RoomRecord, sent: Mark): void;
}

/** There is no room, or nothing is known of it yet. */
export const NOTHING: RoomRecord = { version: 0, updated_at: null, state: null };

/** Whether that is a record. */
export function isRecord(value: unknown): value is RoomRecord {
  if (typeof value !== "object" || value === null || !("version" in value)) return false;
  return Number.isSafeInteger(value.version) && "state" in value && typeof value.state === "object";
}

/**
 * Makes one. Versions rise, so an older record that comes late is not taken. There is one way back: a server that has
 * lost its records counts from 1 again. That shows in an answer that is not above what was known when it was asked for,
 * and everything after it is another line.
 */
export function createRecordLine(changed: () => void): RecordLine {
  let known = NOTHING;
  let line = 0;

  const take = (record: RoomRecord) => {
    known = record;
    changed();
  };
  const begin = (record: RoomRecord) => {
    line++;
    take(record);
  };

  return {
    get: () => known,
    mark: () => ({ record: known, line }),
    streamed(record, opened) {
      if (record.version === 0) {
        // The room is gone. That is no news where it never was.
        if (known.version > 0) begin(NOTHING);
      } else if (record.version > known.version) {
        take(record);
      } else if (opened?.line === line) {
        const { version, updated_at } = opened.record;
        if (record.version < version || (record.version === version && record.updated_at !== updated_at)) begin(record);
      }
    },
    written(record, sent) {
      // The room went or began anew in between: only the stream knows what came first.
      if (sent.line !== line) return;
      if (record.version > known.version) take(record);
      else if (record.version <= sent.record.version) begin(record);
    },
  };
}
