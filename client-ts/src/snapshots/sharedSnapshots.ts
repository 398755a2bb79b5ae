// Topics that several holders watch, one watch for each client and topic. What their settings say together is decided
// here: of what several say, the last who came.

import type { SyncClient } from "../core/client.js";
import { createHolds, type Hold } from "../core/holds.js";
import type { SnapshotTopic } from "./record.js";
import { type SnapshotSettings, type SnapshotWatch, watchSnapshot } from "./watch.js";

/** What a holder wants. It may change `settings`, and says so with {@link settle}. */
export interface Holder {
  settings: SnapshotSettings;
}

interface Shared {
  readonly watch: SnapshotWatch;
  /** Each hold, with its holder. */
  readonly holders: Map<object, Holder>;
  settle(): void;
  close(): void;
}

const topics = /* @__PURE__ */ createHolds<Shared>();

const keyOf = ({ kind, id }: SnapshotTopic) => `${kind}/${id}`;

const merge = (holders: Iterable<Holder>): SnapshotSettings => {
  const all = [...holders].map(({ settings }) => settings);
  const said = all.flatMap(Object.entries).filter(([, value]) => value !== undefined);
  // But of what is there already the newest counts.
  const [initialSnapshot] = all
    .flatMap(({ initialSnapshot }) => initialSnapshot ?? [])
    .sort((one, other) => other.lockVersion - one.lockVersion);
  return { ...Object.fromEntries(said), initialSnapshot };
};

/** The watch, while anybody holds it. */
export const sharedSnapshot = (sync: SyncClient, topic: SnapshotTopic): SnapshotWatch | undefined =>
  topics.get(sync, keyOf(topic))?.watch;

/** A holder's settings have changed. */
export const settle = (sync: SyncClient, topic: SnapshotTopic): void => topics.get(sync, keyOf(topic))?.settle();

/** Takes hold of the watch, and begins it if nobody did. */
export function holdSnapshot(sync: SyncClient, topic: SnapshotTopic, holder: Holder): Hold<SnapshotWatch> {
  const { value, release } = topics.hold(sync, keyOf(topic), () => {
    const watch = watchSnapshot(topic, { sync, ...merge([holder]) });
    const holders = new Map<object, Holder>();
    const settle = () => {
      if (holders.size > 0) watch.configure(merge(holders.values()));
    };
    return { watch, holders, settle, close: watch.close };
  });
  const hold = {};
  value.holders.set(hold, holder);
  value.settle();
  return {
    value: value.watch,
    release() {
      release();
      // As late as that: who lets go may take hold again at once.
      queueMicrotask(() => {
        value.holders.delete(hold);
        value.settle();
      });
    },
  };
}
