// The editor: CodeMirror on a text of Yjs, with the others' cursors. How it stands with the connection is not its business.

import { defaultKeymap } from "@codemirror/commands";
import { EditorState } from "@codemirror/state";
import { EditorView, keymap, placeholder } from "@codemirror/view";
import { useEffect, useRef } from "react";
import type { Awareness } from "syncline/documents";
import { yCollab, yUndoManagerKeymap } from "y-codemirror.next";
import { type Doc, UndoManager } from "yjs";
import { peersForEditor } from "./peers";

interface EditorProps {
  readonly doc: Doc;
  readonly awareness: Awareness;
  readonly label: string;
  readonly readOnly: boolean;
}

export function Editor({ doc, awareness, label, readOnly }: EditorProps) {
  const place = useRef<HTMLDivElement>(null);
  useEffect(() => {
    if (!place.current) return;
    const text = doc.getText("text");
    // Undoes what was typed here, and nothing of the others'.
    const undoManager = new UndoManager(text);
    const view = new EditorView({
      parent: place.current,
      state: EditorState.create({
        doc: text.toString(),
        extensions: [
          keymap.of([...yUndoManagerKeymap, ...defaultKeymap]),
          EditorView.lineWrapping,
          placeholder("Nothing is written yet"),
          // What is only read is reached by keyboard all the same, to be scrolled.
          EditorView.contentAttributes.of({ "aria-label": label, ...(readOnly && { tabindex: "0" }) }),
          EditorState.readOnly.of(readOnly),
          EditorView.editable.of(!readOnly),
          yCollab(text, peersForEditor(awareness, text), { undoManager }),
        ],
      }),
    });
    return () => {
      view.destroy();
      undoManager.destroy();
      // A cursor belongs to an editor.
      if (awareness.getLocalState()) awareness.setLocalStateField("cursor", null);
    };
  }, [doc, awareness, label, readOnly]);
  return <div className="text-editor" data-readonly={readOnly} ref={place} />;
}
