// One person's half of the page, as a user finds their way on it: by names and roles.

import { expect } from "@playwright/test";

export class Person {
  constructor(page, name) {
    this.page = page;
    this.name = name;
    this.bar = page.getByRole("region", { name, exact: true });
    this.status = this.bar.getByRole("status");
    this.counter = this.pane("A counter");
    this.total = this.counter.getByLabel("Counter", { exact: true });
    this.chat = this.pane("A conversation");
    this.tunnel = this.pane("A tunnel");
    this.pointers = this.pane("Pointers");
    this.chess = this.pane("A game of chess");
    this.lamp = this.pane("Shared state");
    this.version = this.lamp.getByLabel("Version");
    this.note = this.lamp.getByLabel("Note");
    this.table = this.pane("A game of cards");
    this.tableVersion = this.table.getByLabel("Version");
    this.hand = this.table.getByRole("list", { name: "Hand" }).getByRole("button");
    this.pile = this.table.getByRole("img", { name: /^On the pile: / });
    this.game = this.table.getByRole("status", { name: "Game" });
    this.banner = this.table.getByRole("status", { name: "Connection" });
    this.transport = this.table.getByTestId("transport");
    this.board = this.pane("A board");
    this.boardStatus = this.board.getByRole("status", { name: "Workspace" });
    this.present = this.board.getByRole("list", { name: "Who is here" }).getByRole("listitem");
    this.notes = this.board.locator("[data-note]");
    this.text = this.pane("A text");
    this.textStatus = this.text.getByRole("status", { name: "Document" });
    this.textSaved = this.text.getByRole("status", { name: "What became of it" });
    this.peers = this.text.getByRole("list", { name: "Who has it open" }).getByRole("listitem");
    this.cursors = this.text.locator(".cm-ySelectionInfo");
    this.editor = this.text.getByLabel(`Text, as ${name} sees it`);
    this.slider = this.board.getByRole("slider", { name: "History" });
  }

  pane(card) {
    return this.page.getByRole("region", { name: `${card}: ${this.name}` });
  }

  /** Waits for the connection and for the room: the counter is read on joining. */
  async isConnected() {
    await expect(this.status).toHaveText("Connected");
    await expect(this.total).not.toHaveText("–");
  }

  async add(amount) {
    const label = amount > 0 ? `+${amount}` : `−${-amount}`;
    await this.counter.getByRole("button", { name: label, exact: true }).click();
  }

  async say(text) {
    await this.chat.getByRole("textbox").fill(text);
    await this.chat.getByRole("button", { name: "Send" }).click();
  }

  message(text) {
    return this.chat.getByRole("listitem").filter({ hasText: text });
  }

  /** Waits until the room's state is here. */
  async followsLamp() {
    await expect(this.lamp).toContainText("Following");
  }

  async setLamp(what, value) {
    await this.lamp.getByLabel(what).fill(String(value));
  }

  square(name) {
    return this.chess.locator(`[data-square="${name}"]`);
  }

  async move(from, to) {
    await this.square(from).click();
    await this.square(to).click();
  }

  async atTable(button) {
    await this.table.getByRole("button", { name: button, exact: true }).click();
  }

  /** Whether this person's sockets for snapshots are cut. */
  async killSocket(on) {
    await this.table.getByRole("switch", { name: "Kill the socket" }).setChecked(on);
  }

  /** Waits until the board is as the server has it, with nothing on its way. */
  async boardIsSynced() {
    await expect(this.boardStatus).toHaveText("Synced");
  }

  async addNote(text) {
    await this.board.getByLabel(`New note from ${this.name}`).fill(text);
    await this.board.getByRole("button", { name: "Add", exact: true }).click();
  }

  /** The note with exactly that text: as it is now, or on the board as it was. */
  boardNote(text) {
    const now = this.page.getByRole("button", { name: `Edit: ${text}`, exact: true });
    return this.notes.filter({ has: now.or(this.page.getByText(text, { exact: true })) });
  }

  /** A column's list. */
  column(title) {
    return this.board.getByRole("list", { name: title, exact: true });
  }

  async moveNote(text, column) {
    await this.board.getByRole("button", { name: `Move to ${column}: ${text}`, exact: true }).click();
  }

  async deleteNote(text) {
    await this.board.getByRole("button", { name: `Delete: ${text}`, exact: true }).click();
  }

  async editNote(text, newText) {
    await this.board.getByRole("button", { name: `Edit: ${text}`, exact: true }).click();
    await this.board.getByLabel("Text of the note").fill(newText);
    await this.page.keyboard.press("Enter");
  }

  /** Waits until the text is as the server has it. */
  async textIsSynced() {
    await expect(this.textStatus).toHaveText("Connected");
    await expect(this.editor).toBeVisible();
  }

  /** Writes at the text's end, key by key. */
  async type(words) {
    await this.editor.focus();
    await this.page.keyboard.press("Control+End");
    await this.page.keyboard.type(words);
  }

  /** What stands in the editor, without the others' cursors. */
  async written() {
    return this.editor.evaluate((content) => {
      const copy = content.cloneNode(true);
      for (const extra of copy.querySelectorAll(".cm-ySelectionCaret, .cm-placeholder")) extra.remove();
      return Array.from(copy.querySelectorAll(".cm-line"), (line) => line.textContent).join("\n");
    });
  }

  /** Waits until that stands there. */
  async reads(text) {
    await expect.poll(() => this.written()).toBe(text);
  }

  async calls(name) {
    await this.text.getByLabel("Name").fill(name);
  }

  async onlyRead(on) {
    await this.text.getByRole("switch", { name: "Only read" }).setChecked(on);
  }

  async language(name) {
    await this.bar.getByLabel("Language").selectOption(name);
  }

  async open(page) {
    await this.bar.getByLabel("Page").selectOption(page);
  }

  async network(on) {
    await this.bar.getByRole("switch", { name: "Network" }).setChecked(on);
  }

  /** Adds that many to the counter, one request each, in the tunnel card. */
  async addMany(amount) {
    await this.tunnel.getByRole("button", { name: `Add ${amount}`, exact: true }).click();
  }

  async tally() {
    const read = async (what) => Number(await this.tunnel.getByTestId(what).textContent());
    return { sent: await read("sent"), dropped: await read("dropped"), failed: await read("failed") };
  }
}
