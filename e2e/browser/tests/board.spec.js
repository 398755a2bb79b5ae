// Workspaces in a real browser: a board of notes that both write, at once and offline, and its history.

import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { startPlayground } from "../../node/src/playground.js";
import { expect, openPage, test } from "../src/fixtures.js";

/** Waits until these see exactly these notes, whatever their order. */
async function see(people, texts) {
  for (const person of people) {
    await expect(person.notes).toHaveCount(texts.length);
    for (const text of texts) await expect(person.boardNote(text)).toHaveCount(1);
  }
}

/** Both, with the server's state and nothing on its way. */
async function synced({ alice, bob }) {
  await alice.boardIsSynced();
  await bob.boardIsSynced();
}

const isUnsaved = async (person, text) => (await person.boardNote(text).getAttribute("data-unsaved")) === "true";

/** The workspace's history as the server has it, the newest first. */
async function historyOf(server, room) {
  const token = await server.token({ sub: "reader", scope: "read" });
  const answer = await fetch(`${server.url}/v1/history/board:${room}`, {
    headers: { authorization: `Bearer ${token}` },
  });
  return answer.json();
}

/** Holds back what the server says on the sockets of that user; `go` lets it through, and what was held back first. */
async function holdAnswers(context, user) {
  const held = [];
  let holds = false;
  await context.routeWebSocket(/\/v1\/sync\//, (socket) => {
    const token = new URL(socket.url()).searchParams.get("token");
    const { sub } = JSON.parse(Buffer.from(token.split(".")[1], "base64url").toString());
    const server = socket.connectToServer();
    server.onMessage((message) => {
      if (holds && sub === user) held.push(() => socket.send(message));
      else socket.send(message);
    });
  });
  return {
    hold() {
      holds = true;
    },
    go() {
      holds = false;
      for (const send of held.splice(0)) send();
    },
  };
}

test("what one writes, moves and deletes, the other sees", async ({ app }) => {
  const { alice, bob } = app;
  await synced(app);
  await expect(alice.board).toContainText("No note yet");
  await alice.addNote("Book the room");
  await bob.addNote("Bring cake");
  await see([alice, bob], ["Book the room", "Bring cake"]);
  await bob.moveNote("Book the room", "Done");
  await expect(alice.column("Done").getByRole("listitem")).toHaveCount(1);
  await expect(alice.column("To do").getByRole("listitem")).toHaveCount(1);
  await alice.editNote("Bring cake", "Bring two cakes");
  await see([alice, bob], ["Book the room", "Bring two cakes"]);

  await bob.board.getByRole("button", { name: "Edit: Book the room" }).click();
  await bob.notes.getByRole("radio", { name: "pink" }).check();
  await bob.board.getByRole("button", { name: "Save" }).click();
  await expect(alice.boardNote("Book the room")).toHaveAttribute("data-color", "pink");
  await expect(alice.column("Done").getByRole("listitem"), "in the column that it was in").toHaveCount(1);
  await alice.deleteNote("Book the room");
  await see([alice, bob], ["Bring two cakes"]);
});

test("an own note is there at once, and marked until the server has kept it", async ({ context, server, room }) => {
  const answers = await holdAnswers(context, "alice");
  const { page, faults, alice, bob } = await openPage(context, server.url, room);
  await synced({ alice, bob });
  answers.hold();
  await alice.addNote("On its way");
  await see([alice, bob], ["On its way"]);
  expect(await isUnsaved(alice, "On its way")).toBe(true);
  expect(await isUnsaved(bob, "On its way"), "the other sees what is kept").toBe(false);
  await expect(alice.boardStatus).toContainText("1 not saved");
  await expect(bob.boardStatus).toHaveText("Synced");
  answers.go();
  await alice.boardIsSynced();
  await expect(alice.boardNote("On its way")).toHaveAttribute("data-unsaved", "false");
  await see([alice, bob], ["On its way"]);
  expect(faults).toEqual([]);
  await page.close();
});

test("what was written offline is merged after it, each once", async ({ app, server, room }) => {
  const { alice, bob } = app;
  await synced(app);
  await alice.addNote("Before");
  await alice.addNote("To be deleted");
  await see([alice, bob], ["Before", "To be deleted"]);
  await synced(app);

  await bob.network(false);
  await expect(bob.boardStatus).toHaveText("Disconnected");
  await expect(bob.present).toHaveCount(0);
  await bob.addNote("From the tunnel");
  await bob.moveNote("Before", "Done");
  await bob.deleteNote("To be deleted");
  await expect(bob.boardStatus).toContainText("3 not saved");
  expect(await isUnsaved(bob, "From the tunnel")).toBe(true);
  await alice.addNote("Meanwhile");
  await alice.boardIsSynced();
  await see([alice], ["Before", "To be deleted", "Meanwhile"]);
  await see([bob], ["Before", "From the tunnel"]);

  await bob.network(true);
  await see([alice, bob], ["Before", "From the tunnel", "Meanwhile"]);
  await synced(app);
  for (const person of [alice, bob]) await expect(person.column("Done").getByRole("listitem")).toHaveCount(1);
  const history = await historyOf(server, room);
  expect(history.map(({ user_id }) => user_id).reverse(), "each once").toEqual([
    "alice",
    "alice",
    "alice",
    "bob",
    "bob",
    "bob",
  ]);
});

test("a write whose answer was lost with the connection is sent again, and done once", async ({
  context,
  server,
  room,
}) => {
  const answers = await holdAnswers(context, "alice");
  const { page, faults, alice, bob } = await openPage(context, server.url, room);
  await synced({ alice, bob });
  answers.hold();
  await alice.addNote("Once");
  await see([bob], ["Once"]);
  // What the server answered is thrown away with the line.
  await alice.network(false);
  await expect(alice.boardStatus).toContainText("1 not saved");
  answers.go();
  await alice.network(true);
  await alice.boardIsSynced();
  await see([alice, bob], ["Once"]);
  expect(await historyOf(server, room)).toHaveLength(1);
  expect(faults).toEqual([]);
  await page.close();
});

/** Writes these values, one after the other, as anybody with a token can who has no page of ours. */
async function writeRaw(page, { server, room, sub }, entries) {
  const token = await server.token({ sub, scope: "read write" });
  await page.evaluate(
    ([workspace, token, entries]) =>
      new Promise((resolve) => {
        const socket = new WebSocket(`${location.origin.replace("http", "ws")}/v1/sync/${workspace}?token=${token}`);
        socket.onopen = () => {
          for (const [number, [key, value]] of entries.entries()) {
            socket.send(JSON.stringify({ type: "op", id: `${number}`, payload: { key, value } }));
          }
        };
        socket.onmessage = ({ data }) => {
          if (JSON.parse(data).id === `${entries.length - 1}`) resolve(socket.close());
        };
      }),
    [`board:${room}`, token, entries],
  );
}

test("the history shows the board as it was, and brings it back for both", async ({ app, server, room }) => {
  const { alice, bob } = app;
  await synced(app);
  await alice.addNote("First");
  await see([bob], ["First"]);
  await bob.addNote("Second");
  await see([alice], ["First", "Second"]);
  await bob.deleteNote("First");
  await see([alice, bob], ["Second"]);
  await expect(alice.board).toContainText("3 changes");
  await expect(alice.slider).toHaveAttribute("aria-valuetext", "Now");

  // By keyboard: each step is a change.
  await alice.slider.focus();
  await alice.page.keyboard.press("ArrowLeft");
  await see([alice], ["First", "Second"]);
  await expect(alice.slider).toHaveAttribute("aria-valuetext", /^2 of 3: Bob, \d\d:\d\d:\d\d$/);
  await expect(alice.board).toContainText(/note-\w{6} “Second”/);
  await expect(alice.board.getByRole("button", { name: /^(Edit|Move|Delete)/ }), "the past is not edited").toHaveCount(
    0,
  );
  await alice.page.keyboard.press("ArrowLeft");
  await see([alice], ["First"]);
  await expect(alice.slider).toHaveAttribute("aria-valuetext", /^1 of 3: You/);
  await see([bob], ["Second"]);

  // What comes in meanwhile is one more at the right, and leaves what is looked at alone.
  await bob.addNote("Third");
  await expect(alice.board).toContainText("4 changes");
  await expect(alice.slider).toHaveAttribute("aria-valuetext", /^1 of 4: You/);
  await see([alice], ["First"]);
  await alice.board.getByRole("button", { name: "Back to now" }).click();
  await see([alice, bob], ["Second", "Third"]);
  await expect(alice.slider).toBeFocused();

  await alice.slider.fill("0");
  await see([alice], ["First"]);
  await alice.board.getByRole("button", { name: "Restore this" }).click();
  await see([alice, bob], ["First"]);
  await expect(alice.board).toContainText("Brought back: 3 notes changed");
  await expect(alice.slider).toHaveAttribute("aria-valuetext", "Now");
  await expect(alice.board.getByRole("button", { name: "Edit: First" }), "it is the board of now").toBeVisible();
  const [newest, ...before] = await historyOf(server, room);
  expect(newest).toMatchObject({ user_id: "alice", restored: before.at(-1).hash });
  expect(before, "history is not rewritten").toHaveLength(4);
});

test("a long history comes in pages, and an answer that comes too late is not shown", async ({
  app,
  context,
  server,
  room,
}) => {
  const { alice, bob, page } = app;
  const first = { text: "Change 0", color: "blue", column: "todo", at: 1 };
  const entries = Array.from({ length: 70 }, (_, number) => ["note-many", { ...first, text: `Change ${number}` }]);
  await writeRaw(page, { server, room, sub: "ada" }, entries);
  await writeRaw(page, { server, room, sub: "eve" }, entries);
  await see([alice, bob], ["Change 69"]);
  // A page that is there already may have asked in between, and so know more than the first page of it.
  await page.reload();
  await see([alice, bob], ["Change 69"]);
  await expect(alice.board).toContainText("100 changes");
  await alice.board.getByRole("button", { name: "Show earlier ones" }).click();
  await expect(alice.board).toContainText("140 changes");
  await expect(alice.board.getByRole("button", { name: "Show earlier ones" })).toHaveCount(0);
  await alice.addNote("Today");
  await expect(alice.board, "what is known stays").toContainText("141 changes");
  await alice.slider.fill("0");
  await see([alice], ["Change 0"]);
  await expect(alice.slider).toHaveAttribute("aria-valuetext", /^1 of 141: ada/);

  // The answer about the first of two comes after that about the second.
  const AT = /\/v1\/history\/[^/]+\/[0-9a-f]{64}$/;
  let go = () => {};
  const held = new Promise((resolve) => {
    go = resolve;
  });
  let asked = 0;
  await context.route(AT, async (route) => {
    asked += 1;
    if (asked === 1) await held;
    await route.continue();
  });
  await alice.slider.fill("10");
  await alice.slider.fill("20");
  await see([alice], ["Change 20"]);
  const late = page.waitForResponse(AT);
  go();
  await (await late).finished();
  // Asked and answered after it.
  await page.evaluate(() => fetch("/healthz"));
  await see([alice], ["Change 20"]);
  await expect(alice.slider).toHaveAttribute("aria-valuetext", /^21 of 141: ada/);
});

test("who is here is told by user, however many tabs they have", async ({ app, browser, server, room }) => {
  const { alice, bob } = app;
  await synced(app);
  for (const person of [alice, bob]) await expect(person.present).toHaveText([/^Alice/, /^Bob/]);

  const context = await browser.newContext();
  const second = await openPage(context, server.url, room);
  await synced(second);
  await expect(second.alice.present).toHaveText([/^Alice/, /^Bob/]);
  await expect(alice.present).toHaveText([/^Alice/, /^Bob/]);
  await second.bob.network(false);
  await expect(second.alice.present, "Bob has another tab").toHaveText([/^Alice/, /^Bob/]);
  await bob.network(false);
  await expect(second.alice.present, "and now none").toHaveText([/^Alice/]);
  await expect(alice.present).toHaveText([/^Alice/]);
  await second.bob.network(true);
  await expect(alice.present).toHaveText([/^Alice/, /^Bob/]);
  expect(second.faults).toEqual([]);
  await context.close();
});

test("a note is text, whatever it says, and what is no note is left out", async ({ app, server, room }) => {
  const { alice, bob, page } = app;
  await synced(app);
  const text = '<img src=x onerror="window.broken = true">';
  await alice.addNote(text);
  await see([alice, bob], [text]);
  await expect(bob.board.locator("img")).toHaveCount(0);
  expect(await page.evaluate(() => window.broken)).toBeUndefined();

  // Whoever has a token may write anything to a workspace.
  const values = [null, "text", { text: 7 }, { text: "x", color: "url(x)", column: "todo", at: 1 }, []];
  await writeRaw(
    page,
    { server, room, sub: "mallory" },
    values.map((value, number) => [`bad-${number}`, value]),
  );
  await alice.addNote("After it");
  await see([alice, bob], [text, "After it"]);
});

test("a reload finds the board, and so does a server that was started anew", async ({ app, room, context }) => {
  await app.alice.addNote("Kept");
  await see([app.alice, app.bob], ["Kept"]);
  await app.alice.boardIsSynced();
  await app.page.reload();
  await see([app.alice, app.bob], ["Kept"]);

  const folder = await mkdtemp(join(tmpdir(), "syncline-board-"));
  let server = await startPlayground({ DATA_DIR: folder });
  const port = new URL(server.url).port;
  const { page, faults, alice, bob } = await openPage(context, server.url, room);
  await synced({ alice, bob });
  await alice.addNote("On disk");
  await alice.boardIsSynced();
  await server.kill();
  await expect(alice.boardStatus).toHaveText("Disconnected");
  await alice.addNote("While it was away");
  server = await startPlayground({ DATA_DIR: folder, PORT: port });
  await synced({ alice, bob });
  await see([alice, bob], ["On disk", "While it was away"]);
  expect(faults).toEqual([]);
  await page.close();
  await server.stop();
  await rm(folder, { recursive: true });
});

test("the wire panel shows what goes over a board's line, and no token", async ({ app }) => {
  const wire = app.page.getByRole("complementary", { name: "On the wire" });
  await app.alice.addNote("On the line");
  await expect(wire.getByRole("listitem").filter({ hasText: "On the line" }), "out once, in for both").toHaveCount(3);
  await expect(wire.getByRole("listitem").filter({ hasText: /workspace\s*ack / })).toHaveCount(1);
  await expect(wire).not.toContainText("eyJ");
});

test("the keyboard alone is enough, and the focus stays where one is", async ({ app }) => {
  const { alice, page } = app;
  const press = (key) => page.keyboard.press(key);
  await synced(app);
  await alice.board.getByLabel("New note from Alice").focus();
  await page.keyboard.type("By hand");
  await press("Enter");
  await see([alice], ["By hand"]);
  const edit = alice.board.getByRole("button", { name: "Edit: By hand" });
  await edit.focus();
  await press("Enter");
  await expect(alice.board.getByLabel("Text of the note")).toBeFocused();
  await press("Escape");
  await expect(edit).toBeFocused();
  await press("Tab");
  await expect(alice.board.getByRole("button", { name: "Move to Done: By hand" })).toBeFocused();
  await press("Enter");
  await expect(alice.board.getByRole("button", { name: "Move to To do: By hand" })).toBeFocused();
  await press("Tab");
  await press("Enter");
  await see([alice], []);
  await expect(alice.board.getByRole("group", { name: "Board", exact: true })).toBeFocused();
});
