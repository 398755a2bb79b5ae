// One person's connection to the server: the client, and what the person chose on this page.

import { createSync, type SyncClient } from "syncline";
import type { Language, Page, Person } from "./people";

/** What a person chose. The same object until something of it changes. */
export interface Choices {
  /** Whether the network is there; off, the client behaves as on a train in a tunnel. */
  readonly online: boolean;
  readonly locale: Language;
  readonly page: Page;
}

export interface PersonClient {
  readonly person: Person;
  readonly sync: SyncClient;
  getChoices(): Choices;
  choose(change: Partial<Choices>): void;
  subscribe(listener: () => void): () => void;
}

export function createPersonClient(person: Person): PersonClient {
  let choices: Choices = { online: true, locale: person.locale, page: "/examples" };
  const listeners = new Set<() => void>();
  const sync = createSync({
    url: location.origin,
    token: () => guestToken(person),
    locale: () => choices.locale,
  });
  sync.updateLocation({ pathName: choices.page });

  return {
    person,
    sync,
    getChoices: () => choices,
    choose(change) {
      const before = choices;
      choices = { ...choices, ...change };
      if (choices.online !== before.online) {
        if (choices.online) sync.connect();
        else sync.disconnect();
      }
      // The language is said in the handshake, so another one takes another handshake.
      if (choices.locale !== before.locale && choices.online) sync.reconnect();
      if (choices.page !== before.page) sync.updateLocation({ pathName: choices.page });
      for (const listener of listeners) listener();
    },
    subscribe(listener) {
      listeners.add(listener);
      return () => listeners.delete(listener);
    },
  };
}

/** A token from the server itself, which it gives to anybody in development only. An app has its own login. */
export async function guestToken({ id, name }: Person, scope = "read write"): Promise<string> {
  const response = await fetch("/api/dev/token", {
    method: "POST",
    headers: { "content-type": "application/json" },
    // The scopes are for workspaces and documents.
    body: JSON.stringify({ sub: id, name, scope }),
  });
  if (!response.ok) throw new Error(`no guest token: ${response.status} ${response.statusText}`);
  const { token }: { token: string } = await response.json();
  return token;
}
