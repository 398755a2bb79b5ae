import { EditorView } from "@codemirror/view";
import { useEffect, useRef } from "react";
import { useDocument } from "syncline/react/documents";
import { yCollab } from "y-codemirror.next";

const SAVED = { unsent: "Not sent", journaled: "On the server", saved: "Saved" };

export function Editor({ id, name }: { id: string; name: string }) {
  const { doc, awareness, status, synced, saved, error } = useDocument(id);
  const place = useRef<HTMLDivElement>(null);

  useEffect(() => {
    if (!doc || !awareness || !place.current) return;
    awareness.setLocalStateField("user", { name, color: "#1f6f5c" });
    const text = doc.getText("text");
    const extensions = [EditorView.lineWrapping, yCollab(text, awareness)];
    const view = new EditorView({ parent: place.current, doc: text.toString(), extensions });
    return () => view.destroy();
  }, [doc, awareness, name]);

  return (
    <>
      <div ref={place} />
      <p role="status">
        {status} {synced || "…"} {SAVED[saved]} {error?.message}
      </p>
    </>
  );
}
