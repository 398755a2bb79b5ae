//! One playground for a test file, and the limits that every test has.

import { after, afterEach, before } from "node:test";

import { Clients } from "./client.js";
import { startPlayground } from "./playground.js";

/** Ends a test that hangs; no test waits for it. */
export const LIMIT = { timeout: 60_000 };

/**
 * Starts a playground before the tests of this file and stops it after them; each test's clients are closed.
 *
 * @param {Record<string, string>} settings
 * @returns {{playground: import("./playground.js").Playground, clients: Clients}}
 */
export function withPlayground(settings) {
  const suite = {};
  before(async () => {
    suite.playground = await startPlayground(settings);
    suite.clients = new Clients(suite.playground);
  }, LIMIT);
  afterEach(() => suite.clients.close());
  after(() => suite.playground?.stop(), LIMIT);
  return suite;
}
