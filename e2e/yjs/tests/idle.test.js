//! Clients that are alone and do nothing stay connected: stock ones come anew when nothing was said to them for 30 s.

import assert from "node:assert/strict";
import { test } from "node:test";
import { setTimeout as wait } from "node:timers/promises";

import { HOCUSPOCUS, inSync, isKept } from "../src/clients.js";
import { withPlayground } from "../src/suite.js";

/** For how long; here time is what is tested. */
const SECONDS = Number(process.env.SYNCLINE_IDLE_SECONDS ?? 60);

const suite = withPlayground();

test(`nobody is taken for dead in ${SECONDS} s`, { timeout: (SECONDS + 60) * 1000 }, async () => {
  const stock = suite.clients.websocket("idle of y-websocket");
  const providers = Object.keys(HOCUSPOCUS).flatMap((version) => {
    // Without awareness not even the client itself says anything.
    return [undefined, null].map((awareness) => {
      const more = awareness === null ? { awareness } : {};
      return suite.clients.hocuspocus(`idle ${version} ${awareness}`, { version, ...more });
    });
  });
  await Promise.all([inSync(stock), ...providers.map(isKept)]);
  const gone = [];
  stock.on("connection-close", () => gone.push("y-websocket"));
  for (const { configuration } of providers) {
    configuration.websocketProvider.on("close", () => gone.push(configuration.name));
  }
  await wait(SECONDS * 1000);
  assert.deepEqual(gone, []);
  assert.equal(stock.wsconnected, true);
  // And they are heard still.
  for (const provider of providers) provider.document.getMap("map").set("heard", true);
  await Promise.all(providers.map(isKept));
});
