// Documents on a real server: what one types the others have, who may not, what became of it, and a server that is killed.

import { createHmac } from "node:crypto";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createSync } from "syncline";
import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import * as Y from "yjs";
import { openDocument, present, reads, shown, shows, synced, textOf, type, writer } from "../support/documents.js";
import { type Playground, startAgain, startPlayground } from "../support/playground.js";

const SYNC_SHARED_SECRET = "what another server signs with, 32 bytes";

let folder: string;
let settings: Record<string, string>;
let playground: Playground;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), "syncline-documents-"));
  settings = {
    DATA_DIR: folder,
    DOCUMENT_DEBOUNCE_SECONDS: "1",
    SYNC_SHARED_SECRET,
    RATE_LIMIT_PER_ADDRESS: "off",
    RATE_LIMIT_PER_ROUTE: "off",
  };
  playground = await startPlayground(settings);
});
afterEach(async () => {
  await playground.kill();
  await rm(folder, { recursive: true, force: true });
});

const path = (id: string) => `${playground.url}/api/documents/${encodeURIComponent(id)}`;

/** Asks over HTTP, as somebody who may do all. */
async function ask(id: string, init: RequestInit = {}) {
  const token = await playground.token({ sub: "ada", scope: "read write" });
  return fetch(path(id), { ...init, headers: { authorization: `Bearer ${token}` } });
}

/** What the server has, without any client of ours. */
async function stored(id: string) {
  const doc = new Y.Doc();
  Y.applyUpdate(doc, new Uint8Array(await (await ask(id)).arrayBuffer()));
  return doc.getText("text").toString();
}

test("two type at once, and have the same; each knows what became of it", async () => {
  const clients = [await writer(playground), await writer(playground, { sub: "bob" })] as const;
  const [ada, bob] = [openDocument(clients[0]), openDocument(clients[1])];
  const [statuses, saved] = [shown(ada, "status"), shown(ada, "saved")];
  expect(ada.getSnapshot()).toEqual({ status: "connecting", synced: false, saved: "saved", error: null });
  await synced(ada, bob);
  for (let round = 0; round < 50; round++) {
    type(ada, `a${round} `);
    type(bob, `b${round} `);
  }
  const words = 100;
  await Promise.all([ada, bob].map((one) => reads(one, (text) => text.split(" ").length === words + 1)));
  expect(textOf(ada)).toBe(textOf(bob));
  await shows(ada, (state) => state.saved === "saved");
  expect(statuses).toEqual(["connecting", "connected"]);
  expect(saved).toEqual(["saved", "unsent", "journaled", "saved"]);
  expect(await stored("notes")).toBe(textOf(ada));
  ada.destroy();
  expect(ada.getSnapshot()).toEqual({ status: "closed", synced: false, saved: "saved", error: null });
});

test("who is there is seen by the others, at once after an interruption, and gone with them", async () => {
  const [sync, other] = [await writer(playground), await writer(playground, { sub: "bob" })];
  const [ada, bob] = [openDocument(sync), openDocument(other)];
  ada.awareness.setLocalStateField("user", { name: "Ada" });
  bob.awareness.setLocalStateField("user", { name: "Bob" });
  await Promise.all([present(ada, 2), present(bob, 2)]);
  expect(ada.awareness.getStates().get(bob.doc.clientID)).toEqual({ user: { name: "Bob" } });

  other.disconnect();
  await present(ada, 1);
  expect(bob.getSnapshot().status).toBe("offline");
  expect(bob.awareness.getStates().size).toBe(1);
  type(bob, "back");
  other.connect();
  await reads(ada, (text) => text === "back");
  // Not in order with what was typed: a busy server tells that first.
  await present(ada, 2);
  await synced(bob);
  expect(bob.awareness.getStates().has(ada.doc.clientID), "told before the document").toBe(true);
  bob.destroy();
  await present(ada, 1);
});

test("any name is a document of its own, and what can be none is said to be none", async () => {
  const names = ["a/b", "a%2Fb", "ä ;,?:@&=+$#", "../up", "100%"];
  const sync = await writer(playground);
  const documents = names.map((name) => openDocument(sync, name));
  await synced(...documents);
  for (const document of documents) type(document, document.id);
  await Promise.all(documents.map((document) => shows(document, ({ saved }) => saved !== "unsent")));
  for (const name of names) expect(await stored(name)).toBe(name);
  for (const name of ["", ".", "..", "x".repeat(257), "ä".repeat(129), "a\n", "\ud800"]) {
    const none = openDocument(sync, name);
    expect(none.getSnapshot(), name).toMatchObject({ status: "refused", error: { errorCode: "document.invalid" } });
    none.destroy();
  }
  await synced(openDocument(sync, "ä".repeat(128)));
});

test("a token that another server has signed is as good", async () => {
  const signed = (userId: string) =>
    `${userId}:${createHmac("sha256", SYNC_SHARED_SECRET).update(userId).digest("base64url")}`;
  const mine = openDocument(createSync({ url: playground.url, token: () => signed("ada") }));
  const forged = openDocument(createSync({ url: playground.url, token: () => signed("ada").replace("ada", "bob") }));
  await synced(mine);
  await shows(forged, ({ status }) => status === "refused");
});

describe("who may not", () => {
  test("come in is told so, once and for all, and may try again", async () => {
    const token = vi.fn(() => "nonsense");
    const nobody = openDocument(createSync({ url: playground.url, locale: "nl" }));
    const stranger = openDocument(await writer(playground, { scope: "rooms:write" }, { locale: "nl" }));
    const liar = openDocument(createSync({ url: playground.url, locale: "ja-JP", token }));
    await Promise.all([nobody, stranger, liar].map((one) => shows(one, ({ status }) => status === "refused")));
    await vi.waitFor(() =>
      expect([nobody, stranger, liar].map((one) => one.getSnapshot().error)).toMatchObject([
        { errorCode: "auth_required", httpStatus: 401, message: "Log in om verder te gaan." },
        { errorCode: "forbidden", httpStatus: 403, message: "Je hebt hier geen toegang toe." },
        { errorCode: "auth_required", httpStatus: 401, message: "続けるにはログインしてください。" },
      ]),
    );
    expect(token.mock.calls).toEqual([[{}], [{ refused: "auth.invalid" }]]);
    const good = await playground.token({ sub: "ada", scope: "read write" });
    token.mockReturnValue(good);
    liar.reconnect();
    await synced(liar);
    expect(liar.getSnapshot()).toMatchObject({ status: "connected", error: null });
  });

  test("write is told so, and nobody else has it", async () => {
    const sync = await writer(playground, { sub: "eve", scope: "read" });
    const [ada, eve] = [openDocument(await writer(playground)), openDocument(sync)];
    type(ada, "Hello");
    await reads(eve, (text) => text === "Hello");
    type(eve, " there");
    await shows(eve, ({ error }) => error?.errorCode === "permission_denied");
    type(ada, "!");
    await reads(eve, (text) => text.includes("!"));
    expect(eve.getSnapshot()).toMatchObject({ status: "connected", saved: "unsent" });
    expect(textOf(ada)).toBe("Hello!");
    expect(await stored("notes")).toBe("Hello!");
  });

  test("write and has deleted something offline hears of that too", async () => {
    const sync = await writer(playground, { sub: "eve", scope: "read" });
    const [ada, eve] = [openDocument(await writer(playground)), openDocument(sync)];
    type(ada, "Hello");
    await reads(eve, (text) => text === "Hello");
    sync.disconnect();
    eve.doc.getText("text").delete(0, 5);
    const saved = shown(eve, "saved");
    sync.connect();
    await shows(eve, ({ error }) => error?.errorCode === "permission_denied");
    await synced(eve);
    expect(saved).toEqual(["unsent"]);
    expect(await stored("notes")).toBe("Hello");
  });

  test("stay, because the session has expired, comes back with a new token", async () => {
    const tokens = [
      await playground.token({ sub: "ada", scope: "read write", expires_in: 3 }),
      await playground.token({ sub: "ada", scope: "read write" }),
    ];
    const token = vi.fn(({ refused }: { refused?: string }) => {
      // As an app that keeps its token until it is told better.
      if (refused) tokens.shift();
      return tokens[0];
    });
    const ada = openDocument(createSync({ url: playground.url, token }));
    await synced(ada);
    await shows(ada, ({ status }) => status === "reconnecting");
    type(ada, "Still here");
    await shows(ada, ({ synced, saved }) => synced && saved !== "unsent");
    expect(token.mock.calls).toEqual([[{}], [{ refused: "auth.expired" }]]);
    expect(await stored("notes")).toBe("Still here");
    ada.reconnect();
    await synced(ada);
    expect(token).toHaveBeenCalledTimes(3);
  });
});

test("a document that is deleted is gone, and comes back with whoever still has it", async () => {
  const ada = openDocument(await writer(playground, {}, { locale: "nl" }));
  type(ada, "Hello");
  await shows(ada, ({ saved }) => saved === "saved");
  expect((await ask("notes", { method: "DELETE" })).status).toBe(204);
  await shows(ada, ({ status }) => status === "refused");
  const error = { errorCode: "deleted", httpStatus: 410, message: "Dit document is verwijderd." };
  expect(ada.getSnapshot()).toMatchObject({ saved: "unsent", error });
  expect((await ask("notes")).status).toBe(404);
  ada.reconnect();
  await shows(ada, ({ saved }) => saved === "journaled");
  expect(await stored("notes")).toBe("Hello");
});

test("a server that is killed loses nothing that it has answered for, and gets what was typed meanwhile", async () => {
  const [ada, bob] = [openDocument(await writer(playground)), openDocument(await writer(playground, { sub: "bob" }))];
  await synced(ada, bob);
  type(ada, "one ");
  await shows(ada, ({ saved }) => saved === "journaled");
  await playground.kill();
  await shows(ada, ({ status }) => status === "reconnecting");
  expect(ada.getSnapshot(), "it is in the journal").toMatchObject({ synced: false, saved: "journaled" });
  type(ada, "two ");
  expect(ada.getSnapshot().saved).toBe("unsent");
  // Nobody has it but the server.
  bob.destroy();
  playground = await startAgain(playground, settings);
  await shows(ada, ({ saved }) => saved === "saved");
  expect(await stored("notes")).toBe("one two ");
  const eve = openDocument(await writer(playground, { sub: "eve" }));
  await synced(eve);
  expect(textOf(eve)).toBe("one two ");
});

test("a document that an app came with is sent, and outlives its connection", async () => {
  const doc = new Y.Doc();
  doc.getText("text").insert(0, "From before");
  const ada = openDocument(await writer(playground), "notes", { doc });
  expect(ada.getSnapshot().saved).toBe("unsent");
  await shows(ada, ({ saved }) => saved === "saved");
  expect(await stored("notes")).toBe("From before");
  ada.destroy();
  expect(doc.isDestroyed).toBe(false);
});

test("what a frame or the document cannot hold is refused for good, in words for each", async () => {
  await playground.kill();
  Object.assign(settings, { DOCUMENT_FRAME_BYTES: "10000", DOCUMENT_BYTES: "12000" });
  playground = await startAgain(playground, settings);
  const sync = await writer(playground, {}, { locale: "nl" });
  for (const [id, writes, message] of [
    ["frame", [20_000], "Deze wijziging is groter dan de server toestaat."],
    ["full", [9000, 9000], "Dit document is vol. Ga verder in een nieuw document of laat de grens verhogen."],
  ] as const) {
    const ada = openDocument(sync, id);
    await synced(ada);
    for (const length of writes) type(ada, "x".repeat(length));
    await shows(ada, ({ status }) => status === "refused");
    const error = { errorCode: "too_large", httpStatus: 413, message };
    expect(ada.getSnapshot()).toMatchObject({ saved: "unsent", error });
  }
});

test("what goes over the wire can be seen, and no token", async () => {
  const sync = await writer(playground);
  const frames: string[] = [];
  sync.inspect((frame) => frames.push(JSON.stringify(frame)));
  const ada = openDocument(sync);
  await synced(ada);
  type(ada, "Hello");
  await shows(ada, ({ saved }) => saved === "saved");
  for (const kind of ["step1", "step2", "update", "marker", "journaled", "saved"]) {
    expect(frames.some((frame) => frame.includes(`"document":"notes","type":"${kind}"`))).toBe(true);
  }
  expect(frames.some((frame) => frame.includes("eyJ"))).toBe(false);
});
