// A line on which a note is begun.

import { type FormEvent, useState } from "react";
import type { Person } from "../../people/people";
import { type Color, MAX_TEXT, type Note } from "./notes";
import { Swatches } from "./Swatches";

interface NewNoteProps {
  readonly person: Person;
  readonly disabled: boolean;
  readonly onAdd: (note: Note) => void;
}

export function NewNote({ person, disabled, onAdd }: NewNoteProps) {
  const [text, setText] = useState("");
  const [color, setColor] = useState<Color>("yellow");

  function add(event: FormEvent) {
    event.preventDefault();
    if (text.trim() === "") return;
    onAdd({ text: text.trim(), color, column: "todo", at: Date.now() });
    setText("");
  }

  return (
    <form onSubmit={add}>
      <fieldset className="new-note" disabled={disabled}>
        <legend className="visually-hidden">New note</legend>
        <input
          className="field"
          value={text}
          onChange={(event) => setText(event.target.value)}
          aria-label={`New note from ${person.name}`}
          placeholder="A note for both"
          maxLength={MAX_TEXT}
          autoComplete="off"
        />
        <Swatches color={color} onChoose={setColor} />
        <button type="submit" className="button">
          Add
        </button>
      </fieldset>
    </form>
  );
}
