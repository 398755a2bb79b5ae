// A person's connection at a glance, and what can be changed about it: network, language, open page.

import { useId } from "react";
import { useRoom, useSyncStatus } from "syncline/react";
import { isLanguage, isPage, LANGUAGES, PAGES } from "./people";
import { useChoices, usePersonClient } from "./PersonContext";
import "./person-bar.css";

const STATES = {
  idle: "Not connected",
  connecting: "Connecting",
  connected: "Connected",
  reconnecting: "Reconnecting",
  offline: "Offline",
  refused: "Refused",
} as const;

export function PersonBar({ room }: { readonly room: string }) {
  const client = usePersonClient();
  const choices = useChoices();
  const status = useSyncStatus();
  // Every card is about the same room: the page stays in it for as long as this is shown.
  const { error } = useRoom(room);
  const heading = useId();
  return (
    <section className="person-bar" data-person={client.person.id} aria-labelledby={heading}>
      <div className="person-line">
        <h2 id={heading}>
          <span className="person-dot" aria-hidden="true" />
          {client.person.name}
        </h2>
        <p className="status" role="status" data-state={status.state}>
          {STATES[status.state]}
          {status.queueLength > 0 && <span className="status-queue">{status.queueLength} waiting</span>}
        </p>
      </div>
      <div className="person-line person-choices">
        <label className="switch">
          <input
            type="checkbox"
            role="switch"
            checked={choices.online}
            onChange={(event) => client.choose({ online: event.target.checked })}
          />
          Network
        </label>
        <label className="choice">
          <span className="visually-hidden">Language</span>
          <select
            className="select"
            value={choices.locale}
            onChange={({ target }) => isLanguage(target.value) && client.choose({ locale: target.value })}
          >
            {Object.entries(LANGUAGES).map(([tag, name]) => (
              <option key={tag} value={tag} lang={tag}>
                {name}
              </option>
            ))}
          </select>
        </label>
        <label className="choice">
          <span>Page</span>
          <select
            className="select"
            value={choices.page}
            onChange={({ target }) => isPage(target.value) && client.choose({ page: target.value })}
          >
            {PAGES.map((page) => (
              <option key={page}>{page}</option>
            ))}
          </select>
        </label>
      </div>
      {(error ?? status.lastError) && (
        <p className="person-error" role="alert">
          {(error ?? status.lastError)?.message}
        </p>
      )}
    </section>
  );
}
