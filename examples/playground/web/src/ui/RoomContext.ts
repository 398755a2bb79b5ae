// The room that everything on this page is about.

import { createContext, use, useEffect, useEffectEvent } from "react";
import { useRoom } from "syncline/react";

export const RoomContext = createContext("");

export function usePageRoom(): string {
  return use(RoomContext);
}

/**
 * Calls back each time this person has come into the room, the first time and after each lost connection: events are
 * for those who are there, so what was missed meanwhile has to be asked for.
 */
export function useOnJoined(callback: () => void) {
  const { state } = useRoom(usePageRoom());
  const onJoined = useEffectEvent(callback);
  useEffect(() => {
    if (state === "joined") onJoined();
  }, [state]);
}
