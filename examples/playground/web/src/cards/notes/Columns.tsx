// The notes in their columns: to be worked on, or as they were.

import { useEffect, useRef } from "react";
import { COLUMNS, type NamedNote, type Note } from "./notes";
import { StickyNote } from "./StickyNote";

interface ColumnsProps {
  readonly notes: readonly NamedNote[];
  /** How notes are changed; without it, the board is looked at only. */
  readonly edit?: { readonly put: (key: string, note: Note) => void; readonly remove: (key: string) => void };
  readonly isUnsaved?: (key: string) => boolean;
  /** The keys that stand out. */
  readonly touched?: readonly string[];
}

export function Columns({ notes, edit, isUnsaved, touched }: ColumnsProps) {
  const board = useRef<HTMLDivElement>(null);
  /** The note that was moved by hand. In its new column it is another element, and has the focus again. */
  const moved = useRef<string>(null);
  useEffect(() => {
    if (moved.current === null || notes.length === 0) return;
    board.current?.querySelector<HTMLElement>(`[data-note="${moved.current}"] [data-move]`)?.focus();
    moved.current = null;
  }, [notes]);

  function move({ key, ...note }: NamedNote) {
    moved.current = key;
    edit?.put(key, { ...note, column: note.column === "todo" ? "done" : "todo" });
  }

  function remove(key: string) {
    edit?.remove(key);
    // What had the focus is gone.
    board.current?.focus();
  }

  return (
    // It scrolls, so it has to be reachable by keyboard, and what was deleted leaves the focus here.
    // biome-ignore lint/a11y/useSemanticElements: no fieldset, whose disabling would be that of its notes.
    <div
      ref={board}
      className="columns-of-notes"
      role="group"
      aria-label={edit ? "Board" : "Board as it was"}
      data-past={!edit}
      // biome-ignore lint/a11y/noNoninteractiveTabindex: as said.
      tabIndex={0}
    >
      {COLUMNS.map(({ id, title }) => {
        const here = notes.filter((note) => note.column === id);
        return (
          <section key={id} className="column-of-notes">
            <h4>
              {title} <span className="quiet">{here.length}</span>
            </h4>
            <ul aria-label={title}>
              {here.map((note) => (
                <StickyNote
                  key={note.key}
                  note={note}
                  unsaved={isUnsaved?.(note.key) ?? false}
                  touched={touched?.includes(note.key) ?? false}
                  edit={
                    edit && {
                      save: (text, color) => edit.put(note.key, { text, color, column: note.column, at: note.at }),
                      move: () => move(note),
                      remove: () => remove(note.key),
                    }
                  }
                />
              ))}
            </ul>
          </section>
        );
      })}
      {notes.length === 0 && (
        <p className="quiet no-notes">{edit ? "No note yet: write the first one" : "No note was there"}</p>
      )}
    </div>
  );
}
