import { useState } from "react";
import { configureSync, syncRequest } from "syncline";
import { useRoom, useSyncEvent } from "syncline/react";

configureSync({ url: "http://localhost:4000", token: () => localStorage.getItem("token") });

export function Lobby({ room }: { room: string }) {
  const [last, setLast] = useState("nobody yet");
  useRoom(room);
  useSyncEvent({
    name: "lobby/wave",
    version: "v1",
    callback: ({ serverOutput, clientOutput }) => setLast(clientOutput.mine ? "you" : serverOutput.by),
  });

  async function wave() {
    const answer = await syncRequest({ name: "lobby/wave", version: "v1", data: { bothHands: true }, receiver: room });
    if (answer.status === "error") alert(answer.message);
  }

  return <button onClick={wave}>Last to wave: {last}</button>;
}
