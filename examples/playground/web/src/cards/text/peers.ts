// Who else has the text open, as they say themselves. Whoever may open it may say anything: of what is said a name is
// taken as text, a known person's color, and a cursor that is one.

import type { Awareness } from "syncline/documents";
import { createAbsolutePositionFromRelativePosition, type Text } from "yjs";
import { PEOPLE } from "../../people/people";

/** What each says of itself. */
export interface Self {
  readonly name: string;
  readonly person: string;
}

export interface Peer extends Self {
  readonly client: number;
}

const NAME_MAX = 40;

export const nameOfSelf = (name: string) => name.trim().slice(0, NAME_MAX) || "Somebody";

/** Everybody who has said who they are, in an order that stays. */
export function peersOf(awareness: Awareness): Peer[] {
  return Array.from(awareness.getStates(), ([client, state]) => peerOf(client, state))
    .filter((peer) => peer !== undefined)
    .sort((one, other) => one.client - other.client);
}

function peerOf(client: number, state: Record<string, unknown>): Peer | undefined {
  const user: unknown = state.user;
  if (typeof user !== "object" || user === null || !("name" in user) || typeof user.name !== "string") return undefined;
  const person = "person" in user && PEOPLE.find(({ id }) => id === user.person);
  return { client, name: nameOfSelf(user.name), person: person ? person.id : "" };
}

/** The awareness as the editor may have it: it writes colors into styles, and cannot do with a cursor that is none. */
export function peersForEditor(awareness: Awareness, text: Text) {
  return {
    doc: awareness.doc,
    on: awareness.on.bind(awareness),
    off: awareness.off.bind(awareness),
    getLocalState: () => awareness.getLocalState(),
    setLocalStateField: (field: string, value: unknown) => awareness.setLocalStateField(field, value),
    getStates: () =>
      new Map(
        Array.from(awareness.getStates(), ([client, state]) => {
          const peer = peerOf(client, state);
          const color = `var(--${peer?.person || "quiet"})`;
          const user = { name: peer?.name, color, colorLight: `color-mix(in srgb, ${color} 28%, transparent)` };
          return [client, { user, cursor: peer && isCursor(state.cursor, text) ? state.cursor : null }];
        }),
      ),
  };
}

function isCursor(cursor: unknown, { doc }: Text): boolean {
  const { anchor, head } = Object(cursor);
  if (!doc || !anchor || !head) return false;
  try {
    for (const position of [anchor, head]) createAbsolutePositionFromRelativePosition(position, doc);
    return true;
  } catch {
    return false;
  }
}
