// What becomes of requests while there is no network: they wait in the client's queue, which has a bound, and go out in
// order when the network is back.

import { useReducer } from "react";
import { useSync, useSyncStatus } from "syncline/react";
import { useChoices, usePersonClient } from "../../people/PersonContext";
import { usePageRoom } from "../../ui/RoomContext";
import "./offline.css";

/** How many requests the client's queue holds, by default. */
const QUEUE_LIMIT = 200;
const AMOUNTS = [1, 50, 200] as const;

interface Tally {
  readonly sent: number;
  readonly dropped: number;
  readonly failed: number;
  readonly last?: string;
}

type Outcome = { readonly kind: "sent" } | { readonly kind: "dropped" | "failed"; readonly message: string };

function count(tally: Tally, outcome: Outcome): Tally {
  const next = { ...tally, [outcome.kind]: tally[outcome.kind] + 1 };
  return outcome.kind === "sent" ? next : { ...next, last: outcome.message };
}

export function Offline() {
  const sync = useSync();
  const room = usePageRoom();
  const client = usePersonClient();
  const { online } = useChoices();
  const { queueLength } = useSyncStatus();
  const [tally, settle] = useReducer(count, { sent: 0, dropped: 0, failed: 0 });

  async function addOne() {
    const answer = await sync.syncRequest({
      name: "examples/updateCounter",
      version: "v2",
      data: { amount: 1 },
      receiver: room,
    });
    if (answer.status === "success") settle({ kind: "sent" });
    else settle({ kind: answer.errorCode === "offline.dropped" ? "dropped" : "failed", message: answer.message });
  }

  function add(amount: number) {
    for (let made = 0; made < amount; made += 1) void addOne();
  }

  return (
    <div>
      <div className="row">
        <button type="button" className="button" onClick={() => client.choose({ online: !online })}>
          {online ? "Go offline" : "Back online"}
        </button>
        {AMOUNTS.map((amount) => (
          <button key={amount} type="button" className="button" onClick={() => add(amount)}>
            Add {amount}
          </button>
        ))}
      </div>
      <label className="queue">
        <span>
          Waiting <b>{queueLength}</b> of {QUEUE_LIMIT}
        </span>
        <meter min={0} max={QUEUE_LIMIT} value={queueLength} />
      </label>
      <dl className="tally">
        <div>
          <dt>Answered</dt>
          <dd data-testid="sent">{tally.sent}</dd>
        </div>
        <div>
          <dt>Dropped</dt>
          <dd data-testid="dropped">{tally.dropped}</dd>
        </div>
        <div>
          <dt>Failed</dt>
          <dd data-testid="failed">{tally.failed}</dd>
        </div>
      </dl>
      <p className="quiet" aria-live="polite">
        {tally.last}
      </p>
    </div>
  );
}
