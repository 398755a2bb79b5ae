// Tunnels, crashes and refusals: what the page does while the server is out of reach, and after.

import { expect, openPage, test } from "../src/fixtures.js";
import { startPlayground } from "../../node/src/playground.js";

/** The order in which the status said these, without repetitions in a row. */
async function recordStatuses(page) {
  await page.evaluate(() => {
    window.statuses = [];
    const status = document.querySelector('[data-person="alice"] [role="status"]');
    const note = () => {
      const { state } = status.dataset;
      if (window.statuses.at(-1) !== state) window.statuses.push(state);
    };
    note();
    new MutationObserver(note).observe(status, { attributes: true });
  });
  return () => page.evaluate(() => window.statuses);
}

test("with the network gone, requests wait and then arrive once and in order", async ({ app, context }) => {
  await context.setOffline(true);
  await expect(app.alice.status).toContainText("Offline");
  await app.alice.addMany(50);
  await expect(app.alice.status).toContainText("50 waiting");
  await app.alice.say("from the tunnel");
  await expect(app.alice.status).toContainText("51 waiting");
  await expect(app.bob.total).toHaveText("0");

  await context.setOffline(false);
  await expect(app.bob.message("from the tunnel")).toBeVisible();
  // The message was asked for after the fifty, so all of them are here.
  await expect(app.bob.total).toHaveText("50");
  await expect(app.alice.status).toHaveText("Connected");
  expect(await app.alice.tally()).toEqual({ sent: 50, dropped: 0, failed: 0 });
});

test("one side alone goes offline; the queue has a bound and says what it dropped", async ({ app }) => {
  await app.alice.network(false);
  await expect(app.alice.status).toHaveText("Offline");
  await expect(app.bob.status).toHaveText("Connected");
  await app.alice.addMany(200);
  await expect(app.alice.status).toContainText("200 waiting");
  expect(await app.alice.tally()).toEqual({ sent: 0, dropped: 0, failed: 0 });

  await app.alice.addMany(1);
  await expect(app.alice.tunnel.getByTestId("dropped"), "the oldest made room, and was told").toHaveText("1");
  await expect(app.alice.tunnel).toContainText("too many requests were waiting");
  await expect(app.alice.status).toContainText("200 waiting");

  await app.bob.add(10);
  await expect(app.bob.total).toHaveText("10");
  await expect(app.alice.total).toHaveText("0");

  await app.alice.network(true);
  await expect(app.bob.total).toHaveText("210", { timeout: 30_000 });
  await expect(app.alice.total).toHaveText("210");
  await expect.poll(() => app.alice.tally()).toEqual({ sent: 200, dropped: 1, failed: 0 });
});

test("a server that dies under load and comes back is found again", async ({ context, room }) => {
  let server = await startPlayground();
  const port = new URL(server.url).port;
  const { page, faults, alice, bob } = await openPage(context, server.url, room);
  await alice.isConnected();
  await bob.isConnected();
  const statuses = await recordStatuses(page);
  await alice.addMany(200);
  await server.kill();
  await expect(alice.status).toContainText("Reconnecting");
  await alice.say("said while nobody was there");

  server = await startPlayground({ PORT: port });
  await alice.isConnected();
  await bob.isConnected();
  // The room is joined before the queue is sent: an event of one's own comes back only to members.
  await expect(alice.message("said while nobody was there")).toContainText("You");
  expect(await statuses()).toEqual(["connected", "reconnecting", "connected"]);
  await expect
    .poll(async () => {
      const { sent, dropped, failed } = await alice.tally();
      return sent + dropped + failed;
    }, "each request is answered, one way or the other")
    .toBe(200);
  const before = Number(await alice.total.textContent());
  await alice.add(1);
  const totals = async () => [Number(await alice.total.textContent()), Number(await bob.total.textContent())];
  await expect
    .poll(async () => {
      const [hers, his] = await totals();
      return hers === his && hers > before;
    })
    .toBe(true);
  expect(faults).toEqual([]);
  await page.close();
  await server.stop();
});

test("a refused token is said, and with a good one the connection comes by itself", async ({ context, server, room }) => {
  await context.route("**/api/dev/token", (route) => route.fulfill({ json: { token: "not.a.token" } }));
  const { page, faults, alice } = await openPage(context, server.url, room);
  await expect(alice.status).toHaveText("Refused");
  await expect(alice.bar.getByRole("alert")).not.toBeEmpty();
  await context.unroute("**/api/dev/token");
  await alice.isConnected();
  await expect(alice.bar.getByRole("alert")).toHaveCount(0);
  expect(faults).toEqual([]);
  await page.close();
});
