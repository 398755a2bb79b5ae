// Snapshots in a real browser: a game of cards whose hands are hidden, sockets that are cut, and tabs that fell behind.

import { expect, openPage, test } from "../src/fixtures.js";

/** Both people at the table. */
async function sitDown({ alice, bob }) {
  await alice.atTable("Sit down");
  await expect(bob.table).toContainText("Alice sat down");
  await bob.atTable("Sit down");
  await expect(alice.hand).toHaveCount(5);
  await expect(bob.hand).toHaveCount(5);
}

const versionOf = async (person) => Number(await person.tableVersion.textContent());

/** Waits until all see the table at one version, above that one; which it is. */
async function sameVersion(people, above) {
  let versions = [];
  const same = async () => {
    versions = await Promise.all(people.map(versionOf));
    return versions.every((version) => version === versions[0] && version > above);
  };
  await expect.poll(same, `one version above ${above}`).toBe(true);
  return versions[0];
}

/** All cards in some JSON. */
function cardsIn(value) {
  if (typeof value !== "object" || value === null) return [];
  return "rank" in value ? [`${value.rank} of ${value.suit}`] : Object.values(value).flatMap(cardsIn);
}

const claims = (token) => JSON.parse(Buffer.from(token.split(".")[1], "base64url").toString());

/** Everything that a page gets of a table: by user, what snapshots hold, and all other frames. */
function record(context) {
  const got = { alice: [], bob: [], other: [] };
  context.on("page", (page) => {
    page.on("websocket", (socket) => {
      const url = new URL(socket.url());
      const isTable = url.pathname.startsWith("/ws/snapshots/cards/");
      const into = isTable ? got[claims(url.searchParams.get("token")).session.userId] : got.other;
      socket.on("framereceived", ({ payload }) => into.push(isTable ? JSON.parse(payload) : String(payload)));
    });
    page.on("response", async (response) => {
      if (!response.url().includes("/api/snapshots/cards/") || response.status() !== 200) return;
      const { sub } = claims(response.request().headers().authorization);
      const { version, data } = await response.json();
      got[sub].push({ type: "snapshot", lockVersion: version, data });
    });
  });
  return got;
}

test("two play to the end, and neither is ever sent a card of the other's", async ({ context, server, room }) => {
  test.slow();
  const got = record(context);
  const { page, faults, alice, bob } = await openPage(context, server.url, room);
  await sitDown({ alice, bob });
  let version = await sameVersion([alice, bob], 0);
  await expect(alice.table).toContainText("Bob 5 cards");
  await expect(alice.game).toHaveText("Your turn");
  await expect(bob.game).toHaveText("Alice’s turn");
  const names = (person) => person.hand.evaluateAll((cards) => cards.map((card) => card.getAttribute("aria-label")));

  let over = false;
  for (let turn = 0; turn < 200 && !over; turn += 1) {
    const person = (await alice.game.textContent()) === "Your turn" ? alice : bob;
    const [rank, suit] = (await person.pile.getAttribute("aria-label")).replace("On the pile: ", "").split(" of ");
    const hands = [await names(alice), await names(bob)];
    expect(new Set(hands.flat()).size, "no card is in both hands").toBe(hands.flat().length);
    const fitting = hands[person === alice ? 0 : 1].find((name) => {
      const [ownRank, ownSuit] = name.split(" of ");
      return ownRank === "8" || ownRank === rank || ownSuit === suit;
    });
    await person.atTable(fitting ?? "Draw a card");
    version = await sameVersion([alice, bob], version);
    over = (await alice.game.textContent()).endsWith("won");
  }
  expect(over, "somebody has won").toBe(true);
  const [winner, loser] = (await alice.game.textContent()) === "You have won" ? [alice, bob] : [bob, alice];
  await expect(winner.game).toHaveText("You have won");
  await expect(winner.table).toContainText("No card left");
  await expect(loser.game).toHaveText(`${winner.name} has won`);

  const handsAt = (frames) => new Map(frames.map(({ lockVersion, data }) => [lockVersion, (data.hand ?? []).map((card) => cardsIn(card)[0])]));
  const snapshots = (frames) => frames.filter(({ type }) => type === "snapshot");
  for (const [own, others] of [
    [got.alice, got.bob],
    [got.bob, got.alice],
  ]) {
    const theirs = handsAt(snapshots(others));
    expect(snapshots(own).length).toBeGreaterThan(10);
    for (const { lockVersion, data } of snapshots(own)) {
      const { hand = [], top } = data;
      const seen = cardsIn(data);
      expect(seen.sort(), "the own hand and the top of the pile").toEqual([...hand, ...(top ? [top] : [])].flatMap((card) => cardsIn(card)).sort());
      expect(seen.filter((card) => theirs.get(lockVersion)?.includes(card)), "a card of the other's").toEqual([]);
    }
  }
  expect(got.other.length).toBeGreaterThan(10);
  expect(got.other.filter((frame) => frame.includes("rank")), "events tell of no card").toEqual([]);
  expect(faults).toEqual([]);
  await page.close();
});

test("a move that is not allowed is refused in the reader's language, and changes nothing", async ({ app }) => {
  const { alice, bob } = app;
  await bob.atTable("New game");
  await expect(bob.table.getByRole("alert")).toContainText("cards.notSeated");
  await sitDown(app);
  const version = await sameVersion([alice, bob], 0);
  await bob.hand.first().click();
  await expect(bob.table.getByRole("alert")).toContainText("あなたの番ではありません。");
  await expect(alice.table.getByRole("alert")).toBeEmpty();
  await alice.atTable("Draw a card");
  expect(await sameVersion([alice, bob], version), "the refused move made no version").toBe(version + 1);
  await expect(alice.hand).toHaveCount(6);
  await expect(bob.table).toContainText("Alice 6 cards");
  await bob.atTable("Leave");
  await expect(alice.table).toContainText("Bob left");
  await expect(alice.hand).toHaveCount(0);
});

test("a killed socket: a banner, polling, and a socket again", async ({ app, room }) => {
  test.slow();
  const { alice, bob } = app;
  await sitDown(app);
  let version = await sameVersion([alice, bob], 0);
  await expect(alice.banner).toBeEmpty();
  await alice.killSocket(true);
  await expect(alice.banner).toHaveText("Reconnecting…");
  await expect(alice.transport).toHaveText("polling");
  await expect(alice.banner).toHaveText("No socket: asking every 3 s");
  for (let game = 0; game < 2; game += 1) {
    await bob.atTable("New game");
    version = await sameVersion([alice, bob], version);
  }
  await expect(bob.transport, "only one's own is killed").toHaveText("websocket");
  await expect(bob.banner).toBeEmpty();

  const opened = app.page.waitForEvent("websocket", { predicate: (socket) => socket.url().includes(`/ws/snapshots/cards/${room}`), timeout: 60_000 });
  await alice.killSocket(false);
  await opened;
  await expect(alice.transport, "it climbs back by itself").toHaveText("websocket", { timeout: 60_000 });
  await expect(alice.banner).toBeEmpty();
  await bob.atTable("New game");
  await sameVersion([alice, bob], version);
});

test("what is asked for by hand comes without a socket and without polling", async ({ app, context }) => {
  const { alice, bob } = app;
  const isAlices = (request) => request.url().includes("/api/snapshots/cards/") && claims(request.headers().authorization).sub === "alice";
  const refreshed = app.page.waitForRequest(isAlices);
  await alice.atTable("Refresh");
  await refreshed;
  await expect(alice.table).toContainText("Nothing new");
  const afterwards = app.page.waitForRequest(isAlices);
  await alice.atTable("Sit down");
  await afterwards;
  await bob.atTable("Sit down");
  const version = await sameVersion([alice, bob], 0);

  // No new socket, and nothing that is read: what Bob does is not seen, until one reading gets through.
  let getsThrough = false;
  await context.route("**/api/ws/token", (route) => route.abort());
  await context.route("**/api/snapshots/cards/*", (route) => {
    if (!isAlices(route.request())) return route.continue();
    return getsThrough ? route.continue() : route.abort();
  });
  await alice.killSocket(true);
  await expect(alice.banner).toHaveText("Reconnecting…");
  await bob.atTable("New game");
  await sameVersion([bob], version);
  await alice.atTable("Refresh");
  await expect(alice.table).toContainText("Not to be had");
  expect(await versionOf(alice)).toBe(version);
  getsThrough = true;
  await alice.atTable("Refresh");
  await sameVersion([alice, bob], version);
});

test("a tab that fell behind is told so by the server, and catches up", async ({ app, browser, server, room }) => {
  const { alice, bob } = app;
  await sitDown(app);
  const other = await browser.newContext();
  const stale = await openPage(other, server.url, room);
  const version = await sameVersion([alice, bob, stale.alice, stale.bob], 0);
  await other.route(/\/api\/(ws\/token|snapshots\/cards)/, (route) => route.abort());
  await stale.alice.killSocket(true);
  await expect(stale.alice.banner).toHaveText("Reconnecting…");

  await alice.atTable("Draw a card");
  const now = await sameVersion([alice, bob, stale.bob], version);
  await expect(stale.alice.game, "as it was").toHaveText("Your turn");
  await stale.alice.atTable("Draw a card");
  await expect(stale.alice.table.getByRole("alert")).toContainText("cards.notYourTurn");
  await expect(stale.alice.hand).toHaveCount(5);

  await other.unroute(/\/api\/(ws\/token|snapshots\/cards)/);
  await stale.alice.killSocket(false);
  await stale.alice.atTable("Refresh");
  await expect(stale.alice.hand).toHaveCount(6);
  expect(await sameVersion([alice, bob, stale.alice, stale.bob], version), "nothing was drawn twice").toBe(now);
  await expect(stale.alice.transport).toHaveText("websocket");
  expect(stale.faults).toEqual([]);
  await other.close();
});
