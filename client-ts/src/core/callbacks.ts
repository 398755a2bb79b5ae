// Which of the app's functions are called when an event arrives.

import { safely } from "./safely.js";

/** A callback, whatever its event. */
export interface AnyCallback {
  name: string;
  version: string;
  callback(event: unknown): void;
  onError?: ((error: unknown) => void) | undefined;
}

/** The callbacks of a client. */
export interface Callbacks {
  /** Sets the owner's callback for the event; the result removes it. */
  upsert(callback: AnyCallback, owner: object): () => void;
  /** Passes an event on to its callbacks. What one of them throws, the others do not notice. */
  receive(event: unknown): void;
}

const routeOf = ({ name, version }: { name: string; version: string }) => `${name}/${version}`;

/** Makes one. */
export function createCallbacks(): Callbacks {
  const routes = new Map<string, Map<object, AnyCallback>>();
  return {
    upsert(callback, owner) {
      const route = routeOf(callback);
      const owners = routes.get(route) ?? new Map<object, AnyCallback>();
      routes.set(route, owners.set(owner, callback));
      return () => {
        if (owners.get(owner) === callback) owners.delete(owner);
      };
    },
    receive(event) {
      const frame = event as { name: string; version: string; status: string };
      for (const { callback, onError } of [...(routes.get(routeOf(frame))?.values() ?? [])]) {
        safely(() => (frame.status === "success" ? callback : onError)?.(event));
      }
    },
  };
}
