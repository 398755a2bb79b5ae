// A board of notes: each is a key of the room's workspace, which both write at once, also offline. What is shown is our own
// writes at once, the others' as they come, and the board as it was.

import { useState } from "react";
import { useWorkspace } from "syncline/react";
import { useChoices, usePersonClient } from "../../people/PersonContext";
import type { Person } from "../../people/people";
import { Notice, type Problem } from "../../ui/Notice";
import { usePageRoom } from "../../ui/RoomContext";
import { Columns } from "./Columns";
import { History } from "./History";
import { NewNote } from "./NewNote";
import { type Board, type Note, newKey, notesOf } from "./notes";
import { Presence } from "./Presence";
import { usePast } from "./usePast";
import { useUnsaved } from "./useUnsaved";
import "./note-board.css";

const STATES = {
  disconnected: "Disconnected",
  connecting: "Connecting",
  authenticating: "Authenticating",
  connected: "Connected",
  synced: "Synced",
  error: "Refused",
} as const;

export function NoteBoard({ person }: { readonly person: Person }) {
  const client = usePersonClient();
  const { online } = useChoices();
  const [refusal, setRefusal] = useState<Problem>();
  const workspace = useWorkspace<Board>(`board:${usePageRoom()}`, { onError: setRefusal });
  const { data, status, error, presence, pending } = workspace;
  const unsaved = useUnsaved();
  const past = usePast(workspace);

  async function settle(key: string, write: ReturnType<typeof workspace.set>) {
    const answer = await unsaved.until(key, write);
    if (answer.status === "success") setRefusal(undefined);
  }

  const put = (key: string, note: Note) => void settle(key, workspace.set(key, note));
  const remove = (key: string) => void settle(key, workspace.delete(key));

  return (
    <div className="note-board">
      <div className="board-line">
        <div className="board-who">
          <p className="status" role="status" aria-label="Workspace" data-state={status}>
            {STATES[status]}
            {pending > 0 && <span className="board-pending">{pending} not saved</span>}
          </p>
          {status === "error" && (
            <button type="button" className="button small" onClick={workspace.reconnect}>
              Try again
            </button>
          )}
          <Presence users={presence} known={status === "synced"} person={person} />
        </div>
        <button type="button" className="button small" onClick={() => client.choose({ online: !online })}>
          {online ? "Go offline" : "Back online"}
        </button>
      </div>
      <NewNote person={person} disabled={past.shown !== null} onAdd={(note) => put(newKey(), note)} />
      {past.shown ? (
        <Columns notes={notesOf(past.shown.data)} touched={past.shown.change.keys} />
      ) : (
        <Columns notes={notesOf(data)} isUnsaved={unsaved.has} edit={{ put, remove }} />
      )}
      <History past={past} person={person} />
      <Notice problem={error ?? past.problem ?? refusal} />
    </div>
  );
}
