// The people's connections, for the whole page.

import { createContext, use } from "react";
import type { PersonClient } from "./client";

export const ClientsContext = createContext<readonly PersonClient[]>([]);

export function useClients(): readonly PersonClient[] {
  return use(ClientsContext);
}
