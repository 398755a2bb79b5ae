// A lamp that all in the room share: its state is a room's, which the last write wins. What one sets is shown at once,
// and is the server's when the version has gone up.

import { type CSSProperties, useId, useState } from "react";
import { useRoomState } from "syncline/react";
import { Notice, type Problem } from "../../ui/Notice";
import { usePageRoom } from "../../ui/RoomContext";
import "./shared-state.css";

interface Lamp {
  readonly hue: number;
  readonly glow: number;
  readonly note: string;
}

const OFF: Lamp = { hue: 160, glow: 0, note: "" };

/** More than a server takes, so that it is refused. */
const TOO_MUCH = "much ".repeat(10_000);

const STATES = {
  connecting: "Connecting",
  connected: "Following",
  reconnecting: "Reconnecting",
  offline: "Offline",
  error: "Refused",
  closed: "Closed",
} as const;

export function SharedState() {
  const { state, version, status, error, setState } = useRoomState<Lamp>(usePageRoom());
  const [unanswered, setUnanswered] = useState(0);
  const [problem, setProblem] = useState<Problem>();
  const hint = useId();
  const lamp = state ?? OFF;

  async function change(part: Partial<Lamp>) {
    setUnanswered((count) => count + 1);
    const answer = await setState((current) => ({ ...OFF, ...current, ...part }));
    setUnanswered((count) => count - 1);
    setProblem(answer.status === "error" ? answer : undefined);
  }

  return (
    <div className="lamp">
      <p className="lamp-head">
        <span
          className="lamp-light"
          aria-hidden="true"
          style={{ "--hue": lamp.hue, "--glow": lamp.glow } as CSSProperties}
        />
        <output key={version} className="lamp-version fresh" aria-label="Version">
          {version}
        </output>
        <span className="quiet" id={hint}>
          {STATES[status]}
          {unanswered > 0 && (status === "connected" ? ", sending" : ", one change waits")}
        </span>
      </p>
      <label className="lamp-field">
        Color
        <input
          type="range"
          min={0}
          max={360}
          value={lamp.hue}
          aria-describedby={hint}
          onChange={({ target }) => change({ hue: target.valueAsNumber })}
        />
      </label>
      <label className="lamp-field">
        Glow
        <input
          type="range"
          min={0}
          max={100}
          value={lamp.glow}
          aria-describedby={hint}
          onChange={({ target }) => change({ glow: target.valueAsNumber })}
        />
      </label>
      <label className="lamp-field">
        Note
        <input
          className="field"
          value={lamp.note.slice(0, 200)}
          maxLength={200}
          placeholder="A line for both"
          autoComplete="off"
          onChange={({ target }) => change({ note: target.value })}
        />
      </label>
      <div className="row">
        <button type="button" className="button" onClick={() => change(OFF)}>
          Switch off
        </button>
        <button type="button" className="button" onClick={() => change({ note: TOO_MUCH })}>
          Write too much
        </button>
      </div>
      <Notice problem={error ?? problem} />
    </div>
  );
}
