// Every frame in and out of both connections, the newest first.

import { useState, useSyncExternalStore } from "react";
import { nameOf, PEOPLE } from "../people/people";
import type { WireEntry, WireLog } from "./wireLog";
import "./wire.css";

export function Wire({ log }: { readonly log: WireLog }) {
  const { entries, total } = useSyncExternalStore(log.subscribe, log.get);
  const [whose, setWhose] = useState("both");
  const shown = entries.filter(({ person }) => whose === "both" || person === whose).reverse();
  return (
    <aside className="wire" aria-labelledby="wire-heading">
      <header className="wire-head">
        <h2 id="wire-heading">On the wire</h2>
        <div className="row">
          <span className="quiet">{total} frames</span>
          <label>
            <span className="visually-hidden">Whose frames</span>
            <select className="select" value={whose} onChange={(event) => setWhose(event.target.value)}>
              <option value="both">both</option>
              {PEOPLE.map(({ id, name }) => (
                <option key={id} value={id}>
                  {name}
                </option>
              ))}
            </select>
          </label>
          <button type="button" className="button small" onClick={log.clear}>
            Clear
          </button>
        </div>
      </header>
      <ol className="frames" aria-label="Frames, the newest first">
        {shown.map((entry) => (
          <Frame key={entry.key} entry={entry} />
        ))}
      </ol>
    </aside>
  );
}

function Frame({ entry }: { readonly entry: WireEntry }) {
  const { person, direction, event, payload, at } = entry;
  return (
    <li data-person={person} data-direction={direction}>
      <details>
        <summary>
          <span className="frame-way">
            <span className="person-dot" />
            <span className="visually-hidden">{nameOf(person)}</span>
            <span aria-hidden="true">{direction === "out" ? "↑" : "↓"}</span>
            <span className="visually-hidden">{direction === "out" ? "sends" : "gets"}</span>
          </span>
          <b>{event}</b>
          <span className="frame-gist">{gist(payload)}</span>
          <time>{clock(at)}</time>
        </summary>
        <pre>{payload === undefined ? "nothing" : JSON.stringify(payload, null, 2)}</pre>
      </details>
    </li>
  );
}

/** What is most telling about a payload, in a few words. */
function gist(payload: unknown): string {
  if (typeof payload !== "object" || payload === null) return payload === undefined ? "" : String(payload);
  if ("document" in payload) return gistOfDocument({ ...payload });
  if ("workspace" in payload) return gistOfWorkspace({ ...payload });
  const { name, version, data, state, status, serverOutput, errorCode, ...rest } = payload as Record<string, unknown>;
  // Of an event it is the version of its name, of a room that of its state.
  const event = name === undefined ? (version === undefined ? [] : [`version ${version}`]) : [`${name} ${version}`];
  const content = errorCode ?? data ?? serverOutput ?? state ?? (Object.keys(rest).length > 0 ? rest : status);
  return [...event, typeof content === "string" ? content : JSON.stringify(content)].join(" ");
}

/** Of a workspace's frame its type and what it says, without where that is said and the hashes. */
function gistOfWorkspace(payload: Record<string, unknown>): string {
  const { workspace: _workspace, heads: _heads, type, errorCode, id, ...said } = payload;
  return `${type ?? errorCode} ${JSON.stringify(Object.values(said)[0] ?? id) ?? ""}`;
}

/** Minute, second and millisecond: what was before that hour is not here any more. */
function clock(at: number): string {
  return new Date(at).toISOString().slice(14, 23);
}

/** Of a document's frame, which is binary, its kind and how long it is. */
function gistOfDocument({ type, errorCode, number, bytes }: Record<string, unknown>): string {
  const size = bytes === undefined ? undefined : `${bytes} B`;
  return [type ?? errorCode, number, size].filter((part) => part !== undefined).join(" ");
}
