// What a board is: a note at each key of a workspace. Nothing here asks the server.

import { randomWord } from "../../room";

export const COLORS = ["yellow", "green", "blue", "pink"] as const;
export type Color = (typeof COLORS)[number];

/** The columns, in order: moving a note takes it to the other one. */
export const COLUMNS = [
  { id: "todo", title: "To do" },
  { id: "done", title: "Done" },
] as const;
export type ColumnId = (typeof COLUMNS)[number]["id"];

export interface Note {
  readonly text: string;
  readonly color: Color;
  readonly column: ColumnId;
  /** When it was written first, for the order: milliseconds since 1970. */
  readonly at: number;
}

export interface NamedNote extends Note {
  readonly key: string;
}

export type Board = Readonly<Record<string, Note>>;

/** How long a note's text may be. */
export const MAX_TEXT = 280;

/** A key that nobody else makes, not even offline. */
export function newKey(): string {
  return `note-${randomWord(6)}`;
}

/** The notes of a board, the oldest first. Whoever may write to it may have written something else, which is left out. */
export function notesOf(board: Readonly<Partial<Board>>): readonly NamedNote[] {
  return Object.entries(board)
    .flatMap(([key, value]) => (isNote(value) ? [{ ...value, key }] : []))
    .sort((one, other) => one.at - other.at || (one.key < other.key ? -1 : 1));
}

function isNote(value: unknown): value is Note {
  if (typeof value !== "object" || value === null) return false;
  const { text, color, column, at } = value as Partial<Record<keyof Note, unknown>>;
  return (
    typeof text === "string" &&
    typeof at === "number" &&
    COLORS.some((known) => known === color) &&
    COLUMNS.some(({ id }) => id === column)
  );
}
