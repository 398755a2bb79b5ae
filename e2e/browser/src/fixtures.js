// What each test starts with: a server, a page on it, and an eye on what must not happen there.

import { expect, test as base } from "@playwright/test";
import { startPlayground } from "../../node/src/playground.js";
import { Person } from "./person.js";

/** What Chromium itself writes to the console when a server is away; everything else is ours. */
const BROWSERS_OWN = /^(WebSocket connection to|Failed to load resource)/;

/** Opens the page in a room, in a browser context of its own or in the one given. */
export async function openPage(context, url, room) {
  const page = await context.newPage();
  const faults = [];
  page.on("pageerror", (error) => faults.push(`uncaught: ${error}`));
  page.on("console", (message) => {
    if (["error", "warning"].includes(message.type()) && !BROWSERS_OWN.test(message.text())) {
      faults.push(`${message.type()}: ${message.text()}`);
    }
  });
  await page.goto(`${url}/?room=${room}`);
  return { page, faults, alice: new Person(page, "Alice"), bob: new Person(page, "Bob") };
}

let rooms = 0;

export const test = base.extend({
  /** One server for all tests of a worker: each test has a room of its own. */
  server: [
    // biome-ignore lint/correctness/noEmptyPattern: Playwright reads which fixtures are wanted from the pattern.
    async ({}, use) => {
      const server = await startPlayground();
      await use(server);
      await server.stop();
    },
    { scope: "worker" },
  ],
  // biome-ignore lint/correctness/noEmptyPattern: as above.
  room: async ({}, use) => {
    rooms += 1;
    await use(`room-${process.pid}-${rooms}`);
  },
  /** The page, with both people connected and in the room. */
  app: async ({ context, server, room }, use) => {
    const app = await openPage(context, server.url, room);
    await app.alice.isConnected();
    await app.bob.isConnected();
    // Pushed as soon as there is a connection: whoever counts frames begins after it.
    for (const person of [app.alice, app.bob]) {
      await expect(person.tableVersion).toHaveText(/^\d+$/);
      await person.boardIsSynced();
    }
    await use(app);
    expect(app.faults, "nothing uncaught, no error or warning on the console").toEqual([]);
  },
});

export { expect };
