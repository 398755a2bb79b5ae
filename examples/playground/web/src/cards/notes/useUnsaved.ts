// Which keys have a write of ours on its way: from the write to the server's answer.

import { useState } from "react";

export interface Unsaved {
  has(key: string): boolean;
  /** Marks the key until there is an answer, and passes it on. */
  until<Answer>(key: string, answer: Promise<Answer>): Promise<Answer>;
}

export function useUnsaved(): Unsaved {
  const [writes, setWrites] = useState<ReadonlyMap<string, number>>(new Map());

  function count(key: string, by: number) {
    setWrites((before) => new Map(before).set(key, (before.get(key) ?? 0) + by));
  }

  return {
    has: (key) => (writes.get(key) ?? 0) > 0,
    async until(key, answer) {
      count(key, 1);
      try {
        return await answer;
      } finally {
        count(key, -1);
      }
    },
  };
}
