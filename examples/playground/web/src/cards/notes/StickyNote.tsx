// A note: its text, what can be done with it, and whether the server has kept it.

import { type KeyboardEvent, useEffect, useRef, useState } from "react";
import { COLUMNS, type Color, MAX_TEXT, type NamedNote } from "./notes";
import { Swatches } from "./Swatches";

interface StickyNoteProps {
  readonly note: NamedNote;
  readonly unsaved: boolean;
  readonly touched: boolean;
  readonly edit:
    | {
        readonly save: (text: string, color: Color) => void;
        readonly move: () => void;
        readonly remove: () => void;
      }
    | undefined;
}

const GLYPHS = { todo: "M3 8h9m-4-4 4 4-4 4", done: "M13 8H4m4-4-4 4 4 4", remove: "m4 4 8 8m0-8-8 8" } as const;

export function StickyNote({ note, unsaved, touched, edit }: StickyNoteProps) {
  const [writing, setWriting] = useState(false);
  const text = useRef<HTMLButtonElement>(null);
  const wrote = useRef(false);
  useEffect(() => {
    if (wrote.current && !writing) text.current?.focus();
    wrote.current = writing;
  }, [writing]);

  const other = COLUMNS.find(({ id }) => id !== note.column);
  return (
    <li className="note" data-note={note.key} data-color={note.color} data-unsaved={unsaved} data-touched={touched}>
      {!edit && <p className="note-text">{note.text}</p>}
      {edit && writing && (
        <Writing
          note={note}
          onSave={(newText, color) => {
            setWriting(false);
            if (newText !== note.text || color !== note.color) edit.save(newText, color);
          }}
          onCancel={() => setWriting(false)}
        />
      )}
      {edit && !writing && (
        <>
          <button ref={text} type="button" className="note-text" onClick={() => setWriting(true)}>
            <span className="visually-hidden">Edit: </span>
            {note.text}
          </button>
          <div className="note-tools">
            {unsaved && <span className="note-unsaved">not saved</span>}
            <button type="button" data-move="" onClick={edit.move}>
              <Glyph path={GLYPHS[note.column]} />
              <span className="visually-hidden">
                Move to {other?.title}: {note.text}
              </span>
            </button>
            <button type="button" onClick={edit.remove}>
              <Glyph path={GLYPHS.remove} />
              <span className="visually-hidden">Delete: {note.text}</span>
            </button>
          </div>
        </>
      )}
    </li>
  );
}

interface WritingProps {
  readonly note: NamedNote;
  readonly onSave: (text: string, color: Color) => void;
  readonly onCancel: () => void;
}

/** The note while it is written: nobody else sees that before it is saved. */
function Writing({ note, onSave, onCancel }: WritingProps) {
  const [text, setText] = useState(note.text);
  const [color, setColor] = useState(note.color);
  const field = useRef<HTMLTextAreaElement>(null);
  useEffect(() => field.current?.select(), []);

  function save() {
    if (text.trim() !== "") onSave(text.trim(), color);
  }

  function onKeyDown(event: KeyboardEvent) {
    // The Enter that ends a composition, as one writes Japanese, is not for us.
    if (event.nativeEvent.isComposing) return;
    if (event.key === "Escape") onCancel();
    else if (event.key === "Enter" && !event.shiftKey && event.target === field.current) {
      event.preventDefault();
      save();
    }
  }

  return (
    <form
      className="writing"
      data-color={color}
      onKeyDown={onKeyDown}
      onSubmit={(event) => {
        event.preventDefault();
        save();
      }}
    >
      <textarea
        ref={field}
        className="field"
        value={text}
        onChange={(event) => setText(event.target.value)}
        aria-label="Text of the note"
        maxLength={MAX_TEXT}
        rows={2}
      />
      <Swatches color={color} onChoose={setColor} />
      <div className="row">
        <button type="submit" className="button small">
          Save
        </button>
        <button type="button" className="button small" onClick={onCancel}>
          Cancel
        </button>
      </div>
    </form>
  );
}

function Glyph({ path }: { readonly path: string }) {
  return (
    <svg viewBox="0 0 16 16" aria-hidden="true">
      <path d={path} />
    </svg>
  );
}
