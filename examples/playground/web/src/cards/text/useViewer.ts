// A client of the same person's that may only read: the server takes nothing from it.

import { useEffect, useMemo } from "react";
import { createSync, type SyncClient } from "syncline";
import { guestToken } from "../../people/client";
import type { Person } from "../../people/people";

/** There is one while it is wanted. */
export function useViewer(person: Person, wanted: boolean, online: boolean): SyncClient | undefined {
  const viewer = useMemo(
    () => (wanted ? createSync({ url: location.origin, token: () => guestToken(person, "read") }) : undefined),
    [person, wanted],
  );
  useEffect(() => {
    if (!online) viewer?.disconnect();
    else if (viewer?.getStatus().state === "offline") viewer.connect();
  }, [viewer, online]);
  useEffect(() => () => viewer?.close(), [viewer]);
  return viewer;
}
