// What one does, the other sees; each gets what is meant for them.

import { expect, openPage, test } from "../src/fixtures.js";

test("the counter is the same for both, and on a second page that opens later", async ({ app, browser, server, room }) => {
  await app.alice.add(1);
  await app.bob.add(10);
  await expect(app.alice.total).toHaveText("11");
  await expect(app.bob.total).toHaveText("11");

  const other = await browser.newContext();
  const second = await openPage(other, server.url, room);
  await expect(second.alice.total, "what was before it came is asked for").toHaveText("11");
  await second.bob.add(-1);
  for (const person of [app.alice, app.bob, second.alice, second.bob]) await expect(person.total).toHaveText("10");
  await expect(app.alice.counter).toContainText("last moved by Bob");
  expect(second.faults).toEqual([]);
  await other.close();
});

test("an error comes in the language of who caused it, and to nobody else", async ({ app }) => {
  await app.alice.add(500);
  const notice = (person) => person.counter.getByRole("alert");
  await expect(notice(app.alice)).toContainText("counter.amountTooLarge");
  await expect(notice(app.alice)).toContainText(/100/);
  await expect(notice(app.bob)).toBeEmpty();

  await app.bob.add(500);
  await expect(notice(app.bob)).toContainText("カウンター");
  await expect(notice(app.alice)).not.toContainText("カウンター");

  await app.bob.language("nl");
  await app.bob.isConnected();
  await app.bob.add(500);
  await expect(notice(app.bob)).toContainText("teller");
  await app.bob.add(1);
  await expect(notice(app.bob), "a success takes it away").toBeEmpty();
});

test("the counter's news leaves out those on another page", async ({ app }) => {
  await app.bob.open("/settings");
  await expect(app.bob.counter).toContainText("not on /examples");
  await app.alice.add(1);
  await expect(app.alice.total).toHaveText("1");
  // A chat message goes to all, after the counter's event: when it is here, the other would be.
  await app.alice.say("did you get it?");
  await expect(app.bob.message("did you get it?")).toBeVisible();
  await expect(app.bob.total).toHaveText("0");

  await app.bob.open("/examples");
  await app.alice.add(1);
  await expect(app.bob.total).toHaveText("2");
});

test("a message tells its writer that it is theirs, and whom it mentions", async ({ app }) => {
  await app.alice.say("Hi @bob, <b>look</b> & see");
  const [mine, theirs] = [app.alice.message("Hi @bob"), app.bob.message("Hi @bob")];
  await expect(mine).toContainText("You");
  await expect(mine).not.toContainText("mentioned you");
  await expect(theirs).toContainText("Alice mentioned you");
  await expect(theirs, "text stays text").toContainText("<b>look</b> & see");

  await app.bob.say("   ");
  await expect(app.bob.chat.getByRole("alert")).toContainText("sync.invalidInput");
});

test("chess is played by the server's rules", async ({ app, context, server, room }) => {
  await app.alice.move("e2", "e4");
  await expect(app.bob.square("e4")).toHaveAccessibleName("e4, white pawn");
  await expect(app.bob.chess.getByRole("status")).toContainText("Black to move · e4");

  await app.bob.move("e7", "e4");
  await expect(app.bob.chess.getByRole("alert")).toContainText("chess.illegalMove");
  await expect(app.alice.square("e7")).toHaveAccessibleName("e7, black pawn");

  // By keyboard: the arrows go over the board, Enter chooses. Black sees the board from the other side.
  await app.bob.square("e7").focus();
  await app.bob.page.keyboard.press("Enter");
  await app.bob.page.keyboard.press("ArrowUp");
  await app.bob.page.keyboard.press("ArrowUp");
  await expect(app.bob.square("e5")).toBeFocused();
  await app.bob.page.keyboard.press("Enter");
  await expect(app.alice.square("e5")).toHaveAccessibleName("e5, black pawn");

  const second = await openPage(context, server.url, room);
  await expect(second.alice.square("e5"), "the game is there for who comes later").toHaveAccessibleName("e5, black pawn");
  await second.alice.chess.getByRole("button", { name: "New game" }).click();
  await expect(app.alice.square("e2")).toHaveAccessibleName("e2, white pawn");
});

test("pointers are seen by those who have the same page open", async ({ app }) => {
  const area = app.alice.pointers.getByRole("application");
  const seen = app.bob.pointers.getByTestId("pointer");
  await area.hover({ position: { x: 40, y: 30 } });
  await expect(seen).toHaveText("Alice");
  // In one order for all: had the pointer's event come to Alice too, it would have come before this message.
  await app.alice.say("seen?");
  await expect(app.alice.message("seen?")).toBeVisible();
  await expect(app.alice.pointers.getByTestId("pointer"), "not one's own").toHaveCount(0, { timeout: 1 });
  await expect(seen, "it goes when it rests").toHaveCount(0);

  await app.bob.open("/settings");
  await expect(app.bob.pointers).toContainText("/settings");
  await area.hover({ position: { x: 90, y: 60 } });
  await app.alice.say("moved");
  await expect(app.bob.message("moved")).toBeVisible();
  await expect(seen).toHaveCount(0);

  await app.bob.open("/examples");
  await area.focus();
  await app.alice.page.keyboard.press("ArrowRight");
  await expect(seen).toHaveText("Alice");
});

test("the wire panel shows what goes out and comes in", async ({ app }) => {
  const wire = app.page.getByRole("complementary", { name: "On the wire" });
  await wire.getByRole("button", { name: "Clear" }).click();
  await app.alice.add(10);
  await expect(app.bob.total).toHaveText("10");
  const frames = wire.getByRole("listitem");
  // The request, its answer, and the event for each of the two.
  await expect(frames).toHaveCount(4);
  await wire.getByLabel("Whose frames").selectOption("Bob");
  await expect(frames).toHaveCount(1);
  await frames.first().locator("summary").click();
  await expect(frames.first().locator("pre")).toContainText('"newValue": 10');
});
