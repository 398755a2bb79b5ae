//! One playground for a test file, and the limits that every test has.

import { after, afterEach, before } from "node:test";

import { startPlayground } from "../../node/src/playground.js";
import { Clients, SECRETS } from "./clients.js";

/** Ends a test that hangs; no test waits for it. */
export const LIMIT = { timeout: 60_000 };

/**
 * Starts a playground before the tests of this file and stops it after them; each test's clients are closed.
 *
 * @returns {{clients: Clients}}
 */
export function withPlayground() {
  const suite = {};
  let playground;
  before(async () => {
    playground = await startPlayground(SECRETS);
    suite.clients = new Clients(playground);
    suite.url = playground.url;
  }, LIMIT);
  afterEach(() => suite.clients.close());
  after(() => playground?.stop(), LIMIT);
  return suite;
}
