import { useEffect, useState } from "react";
import { syncRequest } from "syncline";
import { useRoom } from "syncline/react";

export function useTotal(room: string) {
  const [total, setTotal] = useState<number>();
  const { state } = useRoom(room);
  useEffect(() => {
    if (state !== "joined") return;
    void syncRequest({ name: "examples/readCounter", version: "v1", data: {}, receiver: room }).then((answer) => {
      if (answer.status === "success") setTotal(answer.serverOutput.value);
    });
  }, [state, room]);
  return total;
}
