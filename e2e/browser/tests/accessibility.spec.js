// The page for everybody: no serious fault that axe can find, in light and dark, and nothing to scroll sideways.

import { createRequire } from "node:module";
import { expect, test } from "../src/fixtures.js";

const AXE = createRequire(import.meta.url).resolve("axe-core/axe.min.js");

/** Something in every state that the page can show: a message, an error, a pointer, someone offline. */
async function fill(app) {
  await app.alice.say("Hi @bob");
  await expect(app.bob.message("Hi @bob")).toBeVisible();
  await app.alice.add(500);
  await expect(app.alice.counter.getByRole("alert")).not.toBeEmpty();
  await app.alice.move("e2", "e4");
  await app.alice.followsLamp();
  await app.alice.setLamp("Glow", 60);
  await app.alice.lamp.getByRole("button", { name: "Write too much" }).click();
  await expect(app.alice.lamp.getByRole("alert")).not.toBeEmpty();
  await app.alice.atTable("Sit down");
  await app.bob.atTable("Sit down");
  await expect(app.alice.hand).toHaveCount(5);
  await app.bob.atTable("Draw a card");
  await expect(app.bob.table.getByRole("alert")).toContainText("cards.notYourTurn");
  await app.alice.killSocket(true);
  await expect(app.alice.banner).toContainText("Reconnecting");
  await app.alice.addNote("The first");
  await app.bob.addNote("With axe");
  await expect(app.alice.board).toContainText("2 changes");
  await expect(app.bob.board).toContainText("2 changes");
  await app.bob.board.getByRole("button", { name: "Edit: The first" }).click();
  await app.alice.slider.fill("0");
  await expect(app.alice.board.getByRole("button", { name: "Restore this" })).toBeVisible();
  await app.bob.textIsSynced();
  await app.bob.type("With axe");
  await expect(app.alice.cursors).toHaveText(["Bob"]);
  await app.bob.onlyRead(true);
  await app.alice.type("Read ");
  await expect(app.bob.cursors).toHaveText(["Alice"]);
  await app.bob.network(false);
  await app.bob.addNote("From the tunnel");
  await expect(app.bob.boardStatus).toContainText("1 not saved");
  await app.bob.addMany(50);
  await expect(app.bob.status).toContainText("50 waiting");
}

for (const colorScheme of ["light", "dark"]) {
  for (const [device, viewport] of Object.entries({
    desktop: { width: 1280, height: 900 },
    phone: { width: 390, height: 844 },
  })) {
    test.describe(`${device}, ${colorScheme}`, () => {
      test.use({ colorScheme, viewport });
      test("has no serious accessibility fault and no sideways scrolling", async ({ app }) => {
        await fill(app);
        await app.page.addScriptTag({ path: AXE });
        const { violations } = await app.page.evaluate(() => globalThis.axe.run(document));
        const serious = violations
          .filter(({ impact }) => impact === "serious" || impact === "critical")
          .map(({ id, help, nodes }) => ({ id, help, where: nodes.map(({ target }) => target.join(" ")) }));
        expect(serious).toEqual([]);
        const [wide, screen] = await app.page.evaluate(() => [document.documentElement.scrollWidth, innerWidth]);
        expect(wide).toBeLessThanOrEqual(screen);
      });
    });
  }
}

test.describe("a narrow phone", () => {
  test.use({ viewport: { width: 320, height: 640 } });
  test("scrolls one way only", async ({ app }) => {
    await fill(app);
    const wide = await app.page.evaluate(() => document.documentElement.scrollWidth);
    expect(wide).toBeLessThanOrEqual(320);
  });
});
