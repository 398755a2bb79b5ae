// Rooms in a real browser: the card on both sides and on a second page, tunnels and refusals, and the stream as the
// browser's own EventSource reads it.

import { expect, openPage, test } from "../src/fixtures.js";

const same = async (people, version, note) => {
  for (const person of people) {
    await expect(person.version).toHaveText(String(version));
    await expect(person.note).toHaveValue(note);
  }
};

test("both sides and a second page have the same state and version", async ({ app, context, server, room }) => {
  const { alice, bob } = app;
  await alice.followsLamp();
  await same([alice, bob], 0, "");
  await alice.setLamp("Note", "hello");
  await same([alice, bob], 1, "hello");
  await bob.setLamp("Color", 300);
  await same([alice, bob], 2, "hello");
  await expect(alice.lamp.getByLabel("Color")).toHaveValue("300");

  const second = await openPage(context, server.url, room);
  await same([second.alice, second.bob], 2, "hello");
  await second.bob.setLamp("Note", "from another page");
  await same([alice, bob, second.alice, second.bob], 3, "from another page");

  await app.page.request.delete(`${server.url}/api/rooms/${room}`);
  await same([alice, bob, second.alice, second.bob], 0, "");
  await alice.setLamp("Note", "again");
  await same([bob, second.alice], 4, "again");
  expect(second.faults).toEqual([]);
  await second.page.close();
});

test("what is set is shown before the server has it, and taken back when it is refused", async ({ app, context }) => {
  const { alice, bob } = app;
  await alice.followsLamp();
  await alice.setLamp("Note", "before");
  await same([alice, bob], 1, "before");
  let go = () => {};
  const held = new Promise((resolve) => {
    go = resolve;
  });
  await context.route("**/api/rooms/*", async (route) => {
    await held;
    await route.continue();
  });
  await alice.setLamp("Note", "optimistic");
  await expect(alice.note).toHaveValue("optimistic");
  await expect(alice.lamp).toContainText("sending");
  await same([bob], 1, "before");
  go();
  await same([alice, bob], 2, "optimistic");
  await expect(alice.lamp).not.toContainText("sending");

  await bob.lamp.getByRole("button", { name: "Write too much" }).click();
  await expect(bob.lamp.getByRole("alert")).toContainText("payload_too_large");
  await expect(bob.lamp.getByRole("alert"), "in Bob's language").toContainText(/[\u3040-\u30ff]/);
  await same([alice, bob], 2, "optimistic");
});

test("offline and back, both have the newest", async ({ app }) => {
  const { alice, bob } = app;
  await bob.followsLamp();
  await bob.network(false);
  await expect(bob.lamp).toContainText("Offline");
  await alice.setLamp("Note", "one");
  await alice.setLamp("Note", "two");
  await expect(alice.version).toHaveText("2");
  await same([bob], 0, "");
  await bob.network(true);
  await same([alice, bob], 2, "two");

  await bob.network(false);
  await bob.setLamp("Note", "from");
  await bob.setLamp("Note", "from the tunnel");
  await expect(bob.lamp).toContainText("waits");
  await same([bob], 2, "from the tunnel");
  await alice.setLamp("Note", "three");
  await same([alice], 3, "three");
  await bob.network(true);
  await same([alice, bob], 4, "from the tunnel");
});

test("the whole device offline and back", async ({ app, context, server, room }) => {
  const { alice, bob } = app;
  await alice.followsLamp();
  await context.setOffline(true);
  await expect(alice.lamp).toContainText("Offline");
  const state = { hue: 10, glow: 10, note: "by a back end" };
  await fetch(`${server.url}/api/rooms/${room}`, {
    method: "PUT",
    headers: { "content-type": "application/json" },
    body: JSON.stringify({ state }),
  });
  await context.setOffline(false);
  await same([alice, bob], 1, "by a back end");
});

test("the wire panel shows a room's frames", async ({ app }) => {
  await app.alice.followsLamp();
  const wire = app.page.getByRole("complementary", { name: "On the wire" });
  await app.alice.setLamp("Note", "on the wire");
  await expect(wire.getByRole("listitem").filter({ hasText: "version 1" })).toHaveCount(2);
});

test("the browser's own EventSource gets the record that is there, and then each with its version as id", async ({
  app,
  server,
  room,
}) => {
  await app.alice.setLamp("Note", "there already");
  await same([app.alice, app.bob], 1, "there already");
  await app.page.evaluate((path) => {
    window.events = [];
    const source = new EventSource(path);
    source.addEventListener("state", ({ data, lastEventId }) => window.events.push({ ...JSON.parse(data), lastEventId }));
    window.source = source;
  }, `/api/rooms/${room}/stream`);
  const events = () => app.page.evaluate(() => window.events);
  await expect.poll(events).toMatchObject([{ room_id: room, version: 1, state: { note: "there already" }, lastEventId: "1" }]);
  await app.bob.setLamp("Note", "an update");
  await expect.poll(events).toHaveLength(2);
  expect((await events())[1]).toMatchObject({ version: 2, state: { note: "an update" }, lastEventId: "2" });

  // A deleted room has no version: the browser goes on saying the last one that it saw.
  await app.page.request.delete(`${server.url}/api/rooms/${room}`);
  await expect.poll(events).toHaveLength(3);
  expect((await events())[2]).toMatchObject({ version: 0, state: null, lastEventId: "2" });
  await app.page.evaluate(() => window.source.close());
});
