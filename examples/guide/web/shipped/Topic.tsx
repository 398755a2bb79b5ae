import { useRoomState } from "syncline/react";

interface Meeting {
  topic: string;
  done: boolean;
}

export function Topic({ team }: { team: string }) {
  const { state, version, status, setState } = useRoomState<Meeting>(`meeting-${team}`);
  const toggle = async () => {
    const answer = await setState((current) => ({ topic: current?.topic ?? "", done: !current?.done }));
    if (answer.status === "error") alert(answer.message);
  };
  return (
    <button type="button" disabled={status === "connecting"} onClick={toggle}>
      {state?.topic ?? "No topic yet"} {state?.done && "✓"} (version {version})
    </button>
  );
}
