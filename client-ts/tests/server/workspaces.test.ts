// Workspaces on a real server: what one writes the others see, who may not, history, and a server that is killed.

import { EventEmitter, once } from "node:events";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createSync, type SyncOptions } from "syncline";
import { createWorkspace, readWorkspace, type Workspace, type WorkspaceOptions } from "syncline/workspaces";
import { afterEach, beforeEach, describe, expect, onTestFinished, test, vi } from "vitest";
import { WebSocket } from "ws";
import { type Claims, type Playground, startAgain, startPlayground } from "../support/playground.js";
import { type Board, shownAs, shows, statuses } from "../support/workspaces.js";

let folder: string;
let settings: Record<string, string>;
let playground: Playground;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), "syncline-workspaces-"));
  settings = { DATA_DIR: folder, RATE_LIMIT_PER_ADDRESS: "off", RATE_LIMIT_PER_ROUTE: "off" };
  playground = await startPlayground(settings);
});
afterEach(async () => {
  await playground.kill();
  await rm(folder, { recursive: true, force: true });
});

/** A client of that user's. */
async function user(claims: Partial<Claims>, options: Partial<SyncOptions> = {}) {
  const token = await playground.token({ sub: "ada", scope: "read write", ...claims });
  return createSync({ url: playground.url, token: () => token, locale: "nl", ...options });
}

/** A workspace that is closed after the test. */
function open(sync: ReturnType<typeof createSync>, options: WorkspaceOptions = {}): Workspace<Board> {
  const board = createWorkspace<Board>("team:board", { sync, WebSocket: WebSocket as never, ...options });
  onTestFinished(() => board.close());
  return board;
}

const synced = (...boards: Workspace<Board>[]) =>
  Promise.all(boards.map((board) => shows(board, ({ status }) => status === "synced")));

test("two see each other and what they write, without a flicker", async () => {
  const [ada, bob] = [open(await user({})), open(await user({ sub: "bob" }))];
  const seen = statuses(ada);
  await synced(ada, bob);
  expect(seen).toEqual(["connecting", "authenticating", "connected", "synced"]);
  await shows(ada, ({ presence }) => presence.length === 2);
  expect(
    ada
      .getSnapshot()
      .presence.map(({ user_id }) => user_id)
      .sort(),
  ).toEqual(["ada", "bob"]);
  const topics = shownAs(ada, "topic");
  expect(await ada.set("topic", "Lunch")).toEqual({
    status: "success",
    heads: [expect.stringMatching(/^[0-9a-f]{64}$/)],
  });
  await shows(bob, ({ data }) => data.topic === "Lunch");
  await Promise.all(Array.from({ length: 50 }, (_, number) => bob.set(`${number}`, { at: [number] })));
  expect((await bob.delete("topic")).status).toBe("success");
  expect((await bob.set("__proto__", null)).status).toBe("success");
  await shows(ada, ({ data }) => data.topic === undefined && Object.keys(data).length === 51);
  expect(ada.getSnapshot().data).toEqual(bob.getSnapshot().data);
  expect(topics).toEqual([undefined, "Lunch", undefined]);
  bob.close();
  await shows(ada, ({ presence }) => presence.length === 1);
});

describe("who may not", () => {
  test("come in is told so, once and for all", async () => {
    const nobody = open(createSync({ url: playground.url, locale: "nl" }));
    const reader = open(await user({ scope: "rooms:write" }));
    const liar = open(createSync({ url: playground.url, locale: "ja-JP", token: () => "nonsense" }));
    await Promise.all([nobody, reader, liar].map((board) => shows(board, ({ status }) => status === "error")));
    await vi.waitFor(() =>
      expect([nobody, reader, liar].map((board) => board.getSnapshot().error)).toMatchObject([
        { errorCode: "auth_required", httpStatus: 401, message: "Log in om verder te gaan." },
        { errorCode: "forbidden", httpStatus: 403, message: "Je hebt hier geen toegang toe." },
        { errorCode: "auth_required", httpStatus: 401, message: "続けるにはログインしてください。" },
      ]),
    );
  });

  test("write has it taken back, in the reader's language", async () => {
    const onError = vi.fn();
    const [writer, reader] = [open(await user({})), open(await user({ scope: "read" }), { onError })];
    await writer.set("topic", "Lunch");
    await shows(reader, ({ data }) => data.topic === "Lunch");
    const topics = shownAs(reader, "topic");
    const error = { errorCode: "permission_denied", httpStatus: 403 };
    expect(await reader.set("topic", "Dinner")).toMatchObject(error);
    expect(topics).toEqual(["Lunch", "Dinner", "Lunch"]);
    expect(onError).toHaveBeenCalledExactlyOnceWith(expect.objectContaining(error), {
      type: "op",
      key: "topic",
      value: "Dinner",
    });
    expect(await reader.history.restore("0".repeat(64))).toMatchObject(error);
  });

  test("stay, because the token has expired, comes back with a new one", async () => {
    const tokens = [
      await playground.token({ sub: "ada", scope: "read write", expires_in: 0 }),
      await playground.token({ sub: "ada", scope: "read write" }),
    ];
    // Tokens count in whole seconds, and when the first of these is over the server knows best.
    const headers = { authorization: `Bearer ${tokens[0]}` };
    while ((await fetch(`${playground.url}/v1/presence/team:board`, { headers })).status !== 401);
    const token = vi.fn(({ refused }: { refused?: string }) => tokens[refused ? 1 : 0]);
    const board = open(createSync({ url: playground.url, token }));
    const seen = statuses(board);
    await synced(board);
    expect(token.mock.calls).toEqual([[{}], [{ refused: "auth.expired" }]]);
    expect(seen).not.toContain("disconnected");
  });
});

test("what the server does not take is taken back, and the rest goes on", async () => {
  const board = open(await user({}));
  await synced(board);
  const answers = [
    board.set("", 1),
    board.set("large", "x".repeat(100_000)),
    board.set("huge", "x".repeat(4_000_000)),
    board.set("x".repeat(600), 1),
    board.set("topic", "Lunch"),
  ];
  expect((await Promise.all(answers)).map((answer) => (answer.status === "error" ? answer.errorCode : "done"))).toEqual(
    [...["invalid_op", "too_large", "too_large", "invalid_op", "done"]],
  );
  expect(board.getSnapshot()).toMatchObject({ data: { topic: "Lunch" }, pending: 0 });
});

test("its history is read, and a state of before comes back", async () => {
  const sync = await user({});
  const board = open(sync);
  for (const topic of ["Lunch", "Dinner", "Supper"]) await board.set("topic", topic);
  const listed = await board.history.list({ limit: 2 });
  if (listed.status === "error") throw new Error(listed.message);
  expect(listed.changes).toMatchObject([
    { user_id: "ada", keys: ["topic"], region: "local" },
    { user_id: "ada", keys: ["topic"], region: "local" },
  ]);
  const older = await board.history.list({ before: listed.changes[1]?.hash });
  if (older.status === "error") throw new Error(older.message);
  expect(older.changes).toHaveLength(1);
  const [first] = older.changes;
  const hash = first?.hash ?? "";
  expect(await board.history.at(hash)).toEqual({ status: "success", hash, data: { topic: "Lunch" } });
  expect(await board.history.restore(hash)).toMatchObject({ status: "success", keys: 1 });
  await shows(board, ({ data }) => data.topic === "Lunch");
  const read = await readWorkspace<Board>("team:board", { sync });
  expect(read).toMatchObject({ status: "success", workspace: "team:board", data: { topic: "Lunch" } });
  if (read.status === "success") expect(read.automerge_url).toMatch(/^automerge:/);
  expect(await board.history.at("nonsense")).toMatchObject({ errorCode: "unknown_change", httpStatus: 404 });
});

test("a server that is killed loses nothing that was answered, and does nothing twice", async () => {
  const boards = [open(await user({})), open(await user({ sub: "bob" }))];
  await synced(...boards);
  const answers: Promise<{ status: string }>[] = [];
  let working = true;
  const progress = new EventEmitter();
  const work = boards.map(async (board, who) => {
    for (let number = 1; working; number++) {
      const answer = board.set(`${who}/${number}`, number);
      answers.push(answer);
      if (number % 50 === 0) void answer.then(() => progress.emit("fifty more"));
      await new Promise((later) => setTimeout(later, 2));
    }
  });
  for (const _ of [1, 2]) {
    await once(progress, "fifty more");
    await playground.kill();
    await shows(boards[0] as Workspace<Board>, ({ status }) => status === "disconnected");
    playground = await startAgain(playground, settings);
    await synced(...boards);
  }
  working = false;
  await Promise.all(work);
  expect(new Set((await Promise.all(answers)).map(({ status }) => status))).toEqual(new Set(["success"]));
  expect(answers.length).toBeGreaterThanOrEqual(100);
  const keys: string[] = [];
  for (let before: string | undefined; ; ) {
    const page = await (boards[0] as Workspace<Board>).history.list({ limit: 200, before });
    if (page.status === "error") throw new Error(page.message);
    if (page.changes.length === 0) break;
    keys.push(...page.changes.flatMap((change) => change.keys));
    before = page.changes.at(-1)?.hash;
  }
  expect(keys).toHaveLength(answers.length);
  expect(new Set(keys).size).toBe(answers.length);
  // Newest first.
  const own = keys.filter((key) => key.startsWith("0/")).map((key) => Number(key.slice(2)));
  expect(own).toEqual([...own].sort((one, other) => other - one));
  await vi.waitFor(() => expect(boards[1]?.getSnapshot().data).toEqual(boards[0]?.getSnapshot().data));
});
