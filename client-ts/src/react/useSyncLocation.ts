// Tells the server which page is open.

import { useEffect } from "react";
import { useSync } from "./SyncProvider.js";

/**
 * Tells the server which page is open, whenever that changes. Pass what your router gives, in one place of the app.
 *
 * @example
 * useSyncLocation(usePathname(), { tab });
 */
export function useSyncLocation(pathName: string, searchParams?: Record<string, string>): void {
  const { updateLocation } = useSync();
  // As text: an object is a new one at each render, though it says the same.
  const search = JSON.stringify(searchParams ?? {});
  useEffect(() => updateLocation({ pathName, searchParams: JSON.parse(search) }), [updateLocation, pathName, search]);
}
