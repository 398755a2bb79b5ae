import { useSyncStatus } from "syncline/react";

export function Connection() {
  const { state, queueLength, lastError } = useSyncStatus();
  if (state === "connected") return null;
  return (
    <p role="status">
      {state === "offline" ? "You are offline." : "Connecting…"} {queueLength > 0 && `${queueLength} changes wait.`}{" "}
      {lastError?.message}
    </p>
  );
}
