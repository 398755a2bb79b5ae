// Who has the text open, ourselves included, as it changes.

import { useEffect, useState } from "react";
import type { Awareness } from "syncline/documents";
import { type Peer, peersOf, type Self } from "./peers";

export function usePeers(awareness: Awareness | null, { name, person }: Self): readonly Peer[] {
  const [peers, setPeers] = useState<readonly Peer[]>([]);
  useEffect(() => {
    awareness?.setLocalStateField("user", { name, person });
  }, [awareness, name, person]);
  useEffect(() => {
    if (!awareness) return;
    const look = () => setPeers(peersOf(awareness));
    look();
    awareness.on("change", look);
    return () => awareness.off("change", look);
  }, [awareness]);
  return peers;
}
