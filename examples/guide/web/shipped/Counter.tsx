import { useState } from "react";
import { syncRequest } from "syncline";
import { useRoom, useSyncEvent } from "syncline/react";

const event = { name: "examples/updateCounter", version: "v2" } as const;

export function Counter({ room }: { room: string }) {
  const [total, setTotal] = useState(0);
  useRoom(room);
  useSyncEvent({ ...event, callback: ({ serverOutput }) => setTotal(serverOutput.newValue) });

  async function add(amount: number) {
    const answer = await syncRequest({ ...event, data: { amount }, receiver: room });
    if (answer.status === "error") alert(answer.message);
  }
  return <button onClick={() => add(1)}>{total}</button>;
}
