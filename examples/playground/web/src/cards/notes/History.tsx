// A slider over the changes of the board, the newest at the right, and the way back to one of them.

import { type CSSProperties, useId, useRef } from "react";
import type { WorkspaceChange } from "syncline/workspaces";
import { nameOf, type Person } from "../../people/people";
import type { Board } from "./notes";
import type { Past } from "./usePast";

interface HistoryProps {
  readonly past: Past;
  readonly person: Person;
}

/** How many keys of a change are named. */
const NAMED = 2;

export function History({ past, person }: HistoryProps) {
  const { changes, index, shown, reachable, hasEarlier, restored } = past;
  const slider = useRef<HTMLInputElement>(null);
  const hint = useId();
  const newest = Math.max(changes.length - 1, 0);
  const change = changes[index];

  function leave() {
    past.back();
    slider.current?.focus();
  }

  async function restore() {
    await past.restore();
    slider.current?.focus();
  }

  return (
    <div className="history">
      <div className="history-head">
        <label htmlFor={`${hint}-slider`}>History</label>
        <span className="quiet">
          {countOf(changes.length, "change")}
          {hasEarlier && (
            <>
              {" "}
              <button type="button" className="button small" onClick={past.loadEarlier}>
                Show earlier ones
              </button>
            </>
          )}
        </span>
      </div>
      <div className="history-track" style={{ "--count": changes.length } as CSSProperties}>
        <ol aria-hidden="true">
          {changes.map(({ hash, user_id }, place) => (
            <li key={hash} data-person={user_id} data-later={place > index} />
          ))}
        </ol>
        <input
          ref={slider}
          id={`${hint}-slider`}
          type="range"
          min={0}
          max={newest}
          step={1}
          value={Math.max(index, 0)}
          disabled={changes.length < 2}
          aria-valuetext={
            index === newest || !change ? "Now" : `${index + 1} of ${changes.length}: ${inWords(change, person)}`
          }
          aria-describedby={hint}
          onChange={({ target }) => past.look(target.valueAsNumber)}
        />
      </div>
      <div className="history-foot">
        {shown ? (
          <>
            <p className="history-change" id={hint}>
              <span className="person-dot" data-person={shown.change.user_id} aria-hidden="true" />
              {inWords(shown.change, person)} <Touched change={shown.change} data={shown.data} />
            </p>
            <div className="row">
              <button type="button" className="button small primary" disabled={!reachable} onClick={restore}>
                Restore this
              </button>
              <button type="button" className="button small" onClick={leave}>
                Back to now
              </button>
              {!reachable && <span className="quiet">Restoring takes a connection</span>}
            </div>
          </>
        ) : (
          <p className="quiet" id={hint} aria-live="polite">
            {restored === undefined
              ? hintOf(changes.length, reachable)
              : `Brought back: ${countOf(restored, "note")} changed`}
          </p>
        )}
      </div>
    </div>
  );
}

/** What a change is about: the notes, as they were with it, and their keys. */
function Touched({
  change: { keys },
  data,
}: {
  readonly change: WorkspaceChange;
  readonly data: Readonly<Partial<Board>>;
}) {
  return (
    <span className="history-keys">
      {keys.slice(0, NAMED).map((key) => (
        <span key={key}>
          <code>{key}</code> {textOf(data[key])}
        </span>
      ))}
      {keys.length > NAMED && <span className="quiet">and {keys.length - NAMED} more</span>}
    </span>
  );
}

function textOf(note: unknown): string {
  if (note === undefined) return "deleted";
  const text = String((note as { text?: unknown } | null)?.text ?? "");
  return text.length > 24 ? `“${text.slice(0, 23)}…”` : `“${text}”`;
}

function inWords({ user_id, timestamp, restored }: WorkspaceChange, person: Person): string {
  const who = user_id === person.id ? "You" : nameOf(user_id ?? "Somebody");
  const when = new Date(timestamp / 1000).toLocaleTimeString("en-GB");
  return `${who}, ${when}${restored ? ", brought back" : ""}`;
}

function hintOf(changes: number, reachable: boolean): string {
  if (!reachable) return "The history is the server’s: it takes a connection";
  return changes < 2 ? "Each change will be one step of the slider" : "Move it left to see the board as it was";
}

function countOf(number: number, what: string): string {
  return `${number} ${what}${number === 1 ? "" : "s"}`;
}
