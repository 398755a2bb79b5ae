// What of the page matters to a connection: whether the device is online, and whether anybody looks. Nothing of it is
// there outside a browser.

/** Whether the device says that it is offline. */
export const isDeviceOffline = (): boolean => globalThis.navigator?.onLine === false;

/** Whether nobody can see the page. */
export const isHidden = (): boolean => globalThis.document?.visibilityState === "hidden";

/** Calls back when the device goes offline or comes back. The result ends it. */
export function onNetwork(listener: () => void): () => void {
  for (const event of ["online", "offline"]) globalThis.addEventListener?.(event, listener);
  return () => {
    for (const event of ["online", "offline"]) globalThis.removeEventListener?.(event, listener);
  };
}

/** Calls back when the page comes into sight again. The result ends it. */
export function onVisible(listener: () => void): () => void {
  const look = () => {
    if (!isHidden()) listener();
  };
  globalThis.document?.addEventListener?.("visibilitychange", look);
  return () => globalThis.document?.removeEventListener?.("visibilitychange", look);
}
