// Whose part of the page this is: everything inside uses that person's connection.

import { createContext, type ReactNode, useContext, useSyncExternalStore } from "react";
import { SyncProvider } from "syncline/react";
import type { Choices, PersonClient } from "./client";

const Context = createContext<PersonClient | null>(null);

export function PersonContext({ client, children }: { readonly client: PersonClient; readonly children: ReactNode }) {
  return (
    <Context value={client}>
      <SyncProvider sync={client.sync}>{children}</SyncProvider>
    </Context>
  );
}

export function usePersonClient(): PersonClient {
  const client = useContext(Context);
  if (client === null) throw new Error("this is only for what stands inside a <PersonContext>");
  return client;
}

export function useChoices(): Choices {
  const client = usePersonClient();
  return useSyncExternalStore(client.subscribe, client.getChoices);
}
