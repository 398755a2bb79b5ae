// A number that all in the room share: `examples/updateCounter` v2, whose client stage leaves out those on other pages.

import { useState } from "react";
import { useSync, useSyncEvent } from "syncline/react";
import { nameOf } from "../../people/people";
import { useChoices } from "../../people/PersonContext";
import { Notice, type Problem } from "../../ui/Notice";
import { useOnJoined, usePageRoom } from "../../ui/RoomContext";
import "./counter.css";

const EVENT = { name: "examples/updateCounter", version: "v2" } as const;
const AMOUNTS = [-1, 1, 10, 500] as const;

export function Counter() {
  const sync = useSync();
  const room = usePageRoom();
  const { page } = useChoices();
  const [total, setTotal] = useState<{ readonly value: number; readonly by?: string }>();
  const [problem, setProblem] = useState<Problem>();

  useSyncEvent({
    ...EVENT,
    callback: ({ serverOutput }) => setTotal({ value: serverOutput.newValue, by: serverOutput.by }),
  });

  async function add(amount: number) {
    const answer = await sync.syncRequest({ ...EVENT, data: { amount }, receiver: room });
    setProblem(answer.status === "error" ? answer : undefined);
  }

  useOnJoined(async () => {
    const answer = await sync.syncRequest({ name: "examples/readCounter", version: "v1", data: {}, receiver: room });
    if (answer.status === "success") setTotal({ value: answer.serverOutput.value });
  });

  return (
    <div className="counter">
      <p className="counter-total">
        <output key={total?.value} className="counter-value fresh" aria-label="Counter">
          {total?.value ?? "–"}
        </output>
        <span className="quiet">
          {page === "/examples" ? (total?.by ? `last moved by ${nameOf(total.by)}` : "") : "not on /examples: gets no news"}
        </span>
      </p>
      <div className="row">
        {AMOUNTS.map((amount) => (
          <button key={amount} type="button" className={amount === 1 ? "button primary" : "button"} onClick={() => add(amount)}>
            {amount > 0 ? `+${amount}` : `−${-amount}`}
          </button>
        ))}
      </div>
      <Notice problem={problem} />
    </div>
  );
}
