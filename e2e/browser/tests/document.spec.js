// Documents in a real browser: a text that three pages type into at once, offline too, with each other's cursors, and
// with an indicator that says what became of it.

import { mkdtemp, readdir, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { startPlayground } from "../../node/src/playground.js";
import { expect, openPage, test } from "../src/fixtures.js";

/** Three pages of the room, each a browser's own. Each has both people, so the text is open six times. */
const three = test.extend({
  pages: async ({ browser, server, room }, use) => {
    const contexts = await Promise.all([1, 2, 3].map(() => browser.newContext()));
    const pages = await Promise.all(contexts.map((context) => openPage(context, server.url, room)));
    for (const { alice, bob } of pages) {
      await alice.textIsSynced();
      await bob.textIsSynced();
    }
    await use(pages);
    expect(pages.flatMap(({ faults }) => faults)).toEqual([]);
    await Promise.all(contexts.map((context) => context.close()));
  },
});

const everybody = (pages) => pages.flatMap(({ alice, bob }) => [alice, bob]);

/** Waits until all read the same, and so long; what that is. */
async function agree(people, length) {
  for (const person of people) await expect.poll(async () => (await person.written()).length).toBe(length);
  await expect
    .poll(async () => new Set(await Promise.all(people.map((person) => person.written()))).size)
    .toBe(1);
  return people[0].written();
}

three("three type at once, and all have the same with nothing lost", async ({ pages }) => {
  const [one, two, other] = pages;
  await expect(one.alice.editor).toContainText("Nothing is written yet");
  const words = { one: "abcdefghij".repeat(4), two: "0123456789".repeat(4), other: "ABCDEFGHIJ".repeat(4) };
  await Promise.all([one.alice.type(words.one), two.bob.type(words.two), other.alice.type(words.other)]);
  const text = await agree(everybody(pages), 120);
  for (const [letters, typed] of [
    [/[^a-j]/g, words.one],
    [/\D/g, words.two],
    [/[^A-J]/g, words.other],
  ]) {
    expect(text.replace(letters, ""), "each in its order").toBe(typed);
  }
  await two.bob.editor.press("Control+z");
  await expect.poll(async () => (await one.alice.written()).replace(/\D/g, "").length).toBeLessThan(40);
  expect((await one.alice.written()).replace(/\d/g, ""), "only one's own is undone").toBe(text.replace(/\d/g, ""));
});

three("cursors have names, follow, and go with their page", async ({ pages }) => {
  const [one, two, other] = pages;
  await two.bob.calls("Bob of two");
  await other.alice.calls("Alice of three");
  await expect(one.alice.peers).toHaveCount(6);
  await two.bob.type("Here");
  await expect(one.alice.cursors).toHaveText(["Bob of two"]);
  await other.alice.type(" and there");
  await expect(one.alice.cursors).toHaveText(["Bob of two", "Alice of three"]);
  await expect(one.alice.peers.filter({ hasText: "Alice of three" })).toHaveAttribute("data-person", "alice");

  const before = (await one.alice.cursors.first().boundingBox()).x;
  await two.bob.editor.press("Home");
  await expect.poll(async () => (await one.alice.cursors.first().boundingBox()).x).toBeLessThan(before);

  await two.page.close();
  await expect(one.alice.cursors).toHaveText(["Alice of three"]);
  await expect(one.alice.peers).toHaveCount(4);
  await other.alice.network(false);
  await expect(one.alice.cursors).toHaveCount(0);
  await expect(other.alice.peers, "who is not connected knows of nobody").toHaveCount(0);
  await other.alice.network(true);
  await expect(one.alice.cursors).toHaveText(["Alice of three"]);
});

three("what was typed offline is merged, on both sides", async ({ pages }) => {
  const [one, two, other] = pages;
  await one.alice.type("Start.");
  await agree(everybody(pages), 6);
  await one.alice.network(false);
  await expect(one.alice.textStatus).toHaveText("Offline");
  await one.alice.type(" In the tunnel.");
  await expect(one.alice.textSaved).toHaveText("Not sent");
  await two.bob.type(" Outside.");
  await other.bob.reads("Start. Outside.");
  await one.alice.reads("Start. In the tunnel.");
  await one.alice.network(true);
  const text = await agree(everybody(pages), "Start. In the tunnel. Outside.".length);
  expect(text).toContain(" In the tunnel.");
  expect(text).toContain(" Outside.");
  await expect(one.alice.textSaved).not.toHaveText("Not sent");
});

three("whoever may only read sees it, and types nothing", async ({ pages }) => {
  const [one, two] = pages;
  await two.bob.onlyRead(true);
  await two.bob.textIsSynced();
  await expect(two.bob.editor).toHaveAttribute("contenteditable", "false");
  await one.alice.type("For all");
  await two.bob.reads("For all");
  await two.bob.type("!");
  await two.bob.onlyRead(false);
  await two.bob.textIsSynced();
  await two.bob.type("?");
  await one.alice.reads("For all?");
});

three("a name is text, and what is no name, color or cursor does no harm", async ({ pages, server, room }) => {
  const [one, two] = pages;
  const name = '<img src=x onerror="window.broken=1">';
  await two.bob.calls(name);
  await two.bob.type("Hello");
  await expect(one.alice.cursors).toHaveText([name]);
  await expect(one.alice.peers.filter({ hasText: name })).toHaveCount(1);

  // Whoever may open it may say anything of themselves.
  const token = await server.token({ sub: "mallory", scope: "read" });
  const states = [
    { user: { name: "Mallory", person: "alice;x", color: "red;position:fixed" }, cursor: { anchor: 1, head: {} } },
    { user: { name: { toString: 1 } } },
    { user: 7, cursor: { anchor: { type: { client: -1 } }, head: [] } },
  ];
  await one.page.evaluate(
    ([address, states]) =>
      new Promise((resolve) => {
        const socket = new WebSocket(address);
        window.mallory = socket;
        const text = (value) => {
          const bytes = new TextEncoder().encode(JSON.stringify(value));
          return [...unsigned(bytes.length), ...bytes];
        };
        const unsigned = (value) => (value < 128 ? [value] : [(value % 128) + 128, ...unsigned(value >> 7)]);
        socket.onopen = () => {
          const entries = states.flatMap((state, number) => [number + 1, 1, ...text(state)]);
          const body = [states.length, ...entries];
          socket.send(Uint8Array.from([1, ...unsigned(body.length), ...body]));
          resolve();
        };
      }),
    [`${server.url.replace("http", "ws")}/sync/v1/text:${room}?token=${token}`, states],
  );
  await expect(one.alice.peers.filter({ hasText: "Mallory" })).toHaveAttribute("data-person", "");
  await two.bob.type(" again");
  await one.alice.reads("Hello again");
  await expect(one.alice.cursors, "the editor still shows cursors, and none that is none").toHaveText([name]);
  for (const { page } of pages) {
    expect(await page.evaluate(() => window.broken)).toBeUndefined();
    await expect(page.locator("#shared-text img[src]")).toHaveCount(0);
  }
});

test("the indicator tells the truth: in the journal, saved, and not sent while there is no server", async ({
  browser,
  room,
}) => {
  const folder = await mkdtemp(join(tmpdir(), "syncline-text-"));
  /** Whether the object store has it: files, here. */
  const isSaved = async (text) => {
    const names = await readdir(join(folder, "documents")).catch(() => []);
    const files = names.filter((name) => name.endsWith(".bin"));
    const contents = await Promise.all(files.map((name) => readFile(join(folder, "documents", name))));
    return contents.some((bytes) => bytes.includes(text));
  };
  let server = await startPlayground({ DATA_DIR: folder, DOCUMENT_DEBOUNCE_SECONDS: "3" });
  const port = new URL(server.url).port;
  const open = async () => {
    const context = await browser.newContext();
    const opened = await openPage(context, server.url, room);
    await opened.alice.textIsSynced();
    return { ...opened, close: () => context.close() };
  };
  const one = await open();
  const { alice } = one;
  const insert = async (text) => {
    await alice.editor.focus();
    await one.page.keyboard.press("Control+End");
    await one.page.keyboard.insertText(text);
  };
  await insert("First");
  await expect(alice.textSaved).toHaveText("In the journal");
  expect(await isSaved("First"), "not yet").toBe(false);
  await expect(alice.textSaved).toHaveText("Saved");
  expect(await isSaved("First")).toBe(true);

  await insert(" Second");
  await expect(alice.textSaved).toHaveText("In the journal");
  await server.kill();
  await expect(alice.textStatus).toHaveText("Reconnecting");
  await expect(alice.textSaved, "the journal outlasts the server").toHaveText("In the journal");
  await insert(" Third");
  await expect(alice.textSaved).toHaveText("Not sent");

  await one.page.context().setOffline(true);
  server = await startPlayground({ DATA_DIR: folder, PORT: port, DOCUMENT_DEBOUNCE_SECONDS: "3" });
  const two = await open();
  await two.alice.reads("First Second");
  await one.page.context().setOffline(false);
  await two.alice.reads("First Second Third");
  await expect(alice.textSaved).toHaveText("Saved");
  expect(await isSaved("Third")).toBe(true);
  expect([...one.faults, ...two.faults]).toEqual([]);
  await one.close();
  await two.close();
  await server.stop();
  await rm(folder, { recursive: true });
});
