// How long to wait before the next attempt.

import { REFUSED_DELAY_MAX_MS } from "./options.js";

/** After so many failures before: 1, 2, 4 .. 30 s, less up to half of it by chance, so that not all come at once. */
export const backoffMs = (failures: number, firstMs = 1000): number =>
  Math.min(firstMs * 2 ** failures, REFUSED_DELAY_MAX_MS) * (0.5 + Math.random() / 2);
