// Calls of functions that are not ours: what they throw is reported and disturbs nobody else.

/** Calls it; what it throws becomes an uncaught error, as if its caller were the event loop. */
export function safely(call: () => void): void {
  try {
    call();
  } catch (error) {
    queueMicrotask(() => {
      throw error;
    });
  }
}
