// A text that all type into at once, also offline: the room's document, in an editor of CodeMirror's. What became of what
// was typed is said as the server says it.

import { lazy, Suspense, useState } from "react";
import type { DocumentSaved, DocumentState } from "syncline/documents";
import { useDocument } from "syncline/react/documents";
import { useChoices, usePersonClient } from "../../people/PersonContext";
import type { Person } from "../../people/people";
import { Notice } from "../../ui/Notice";
import { usePageRoom } from "../../ui/RoomContext";
import { nameOfSelf } from "./peers";
import { usePeers } from "./usePeers";
import { useViewer } from "./useViewer";
import "./shared-text.css";

// An editor is larger than the rest of the page, which does not wait for it.
const Editor = lazy(async () => ({ default: (await import("./Editor")).Editor }));

const SAVED: Readonly<Record<DocumentSaved, string>> = {
  unsent: "Not sent",
  journaled: "In the journal",
  saved: "Saved",
};

const STATES = {
  connecting: "Connecting",
  connected: "Connected",
  reconnecting: "Reconnecting",
  offline: "Offline",
  refused: "Refused",
  closed: "Closed",
} as const;

export function SharedText({ person }: { readonly person: Person }) {
  const client = usePersonClient();
  const { online } = useChoices();
  const [readOnly, setReadOnly] = useState(false);
  const [name, setName] = useState<string>(person.name);
  const viewer = useViewer(person, readOnly, online);
  const used = useDocument(`text:${usePageRoom()}`, viewer ? { sync: viewer } : {});
  const { doc, awareness, saved, error } = used;
  const peers = usePeers(awareness, { name: nameOfSelf(name), person: person.id });
  const state = stateOf(used);

  return (
    <div className="shared-text">
      <div className="text-line">
        <p className="status" role="status" aria-label="Document" data-state={state}>
          {STATES[state]}
        </p>
        <p className="text-saved" role="status" aria-label="What became of it" data-saved={saved}>
          {SAVED[saved]}
        </p>
        <button type="button" className="button small" onClick={() => client.choose({ online: !online })}>
          {online ? "Go offline" : "Back online"}
        </button>
      </div>
      <Suspense fallback={<div className="text-editor" />}>
        {doc && awareness && (
          <Editor doc={doc} awareness={awareness} label={`Text, as ${person.name} sees it`} readOnly={readOnly} />
        )}
      </Suspense>
      <ul className="text-peers" aria-label="Who has it open">
        {state === "connected" &&
          peers.map((peer) => (
            <li key={peer.client} data-person={peer.person}>
              <span className="person-dot" aria-hidden="true" />
              {peer.name}
              {peer.client === doc?.clientID && <span className="visually-hidden"> (you)</span>}
            </li>
          ))}
      </ul>
      <div className="row text-choices">
        <label className="choice">
          <span>Name</span>
          <input className="field" value={name} onChange={({ target }) => setName(target.value)} />
        </label>
        <label className="switch">
          <input
            type="checkbox"
            role="switch"
            checked={readOnly}
            onChange={({ target }) => setReadOnly(target.checked)}
          />
          Only read
        </label>
      </div>
      <Notice problem={error ?? undefined} />
    </div>
  );
}

/** A line on which the text has not come is none yet. */
function stateOf({ status, synced }: DocumentState): keyof typeof STATES {
  return status === "connected" && !synced ? "connecting" : status;
}
