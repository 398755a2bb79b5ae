// A workspace's history and state over HTTP: what is asked, and what becomes of the answers.

import { readWorkspace } from "syncline/workspaces";
import { beforeEach, expect, test, vi } from "vitest";
import { client, type FakeServer, fakeServer, json, refusal } from "../support/snapshots.js";
import { type Board, openBoard } from "../support/workspaces.js";

let server: FakeServer;
beforeEach(() => {
  server = fakeServer();
});

const CHANGE = {
  hash: "h2",
  message: null,
  timestamp: 1_700_000_000_000_000,
  actor: "a1",
  user_id: "ada",
  keys: ["topic"],
  region: "local",
};

test("the changes are listed, newest first and page by page", async () => {
  const { history } = await openBoard({}, "team:board");
  server.onRead = () => json([CHANGE]);
  expect(await history.list()).toEqual({ status: "success", changes: [CHANGE] });
  await history.list({ limit: 10, before: "h2&" });
  await history.list({ before: "h2" });
  expect(server.reads().map(({ url }) => url)).toEqual([
    "http://server/v1/history/team:board",
    "http://server/v1/history/team:board?limit=10&before=h2%26",
    "http://server/v1/history/team:board?before=h2",
  ]);
  expect(server.asked.every(({ headers }) => headers.authorization === "Bearer token")).toBe(true);
});

test("a state of before is read, and brought back", async () => {
  const { history } = await openBoard();
  server.onRead = () =>
    new Response('{"workspace":"board","hash":"h1","data":{"topic":"Lunch","__proto__":{"polluted":1}}}');
  const then = await history.at("h1");
  if (then.status === "error") throw new Error(then.message);
  expect(then).toMatchObject({ hash: "h1", data: { topic: "Lunch" } });
  expect(Object.keys(then.data)).toEqual(["topic", "__proto__"]);
  expect([then.data.polluted, then.data.toString]).toEqual([undefined, undefined]);
  server.onTicket = () => json({ heads: ["h3"], keys: 1 });
  expect(await history.restore("h1")).toEqual({ status: "success", heads: ["h3"], keys: 1 });
  expect(server.asked).toMatchObject([
    { method: "GET", url: "http://server/v1/history/board/h1" },
    { method: "POST", url: "http://server/v1/history/board/restore", body: '{"hash":"h1"}' },
  ]);
  await history.at("a/b");
  expect(server.reads().at(-1)?.url).toBe("http://server/v1/history/board/a%2Fb");
});

test("what is refused, or not answered, is told and never thrown", async () => {
  const sync = client({ locale: "en" });
  const { history } = await openBoard({ sync });
  const refused = {
    status: "error",
    errorCode: "permission_denied",
    message: "No: permission_denied.",
    httpStatus: 403,
  };
  server.onRead = server.onTicket = () => refusal(403, "permission_denied");
  for (const call of [history.list, () => history.at("h1"), () => history.restore("h1")]) {
    expect(await call()).toEqual(refused);
  }
  expect(await readWorkspace("board", { sync })).toEqual(refused);
  server.onRead = () => new Response("<h1>Welcome to the hotel</h1>");
  expect(await history.list()).toMatchObject({
    errorCode: "request.disconnected",
    message: expect.stringContaining("connection was lost"),
  });
});

test("a workspace is read without a socket, with a new token when the first is refused", async () => {
  const token = vi.fn(({ refused }: { refused?: string }) => (refused ? "new" : "old"));
  server.onRead = ({ headers }) =>
    headers.authorization === "Bearer new"
      ? json({ workspace: "board", data: { topic: "Lunch" }, heads: ["h1"], automerge_url: "automerge:abc" })
      : refusal(401, "auth_expired");
  const read = await readWorkspace<Board>("board", { sync: client({ token }) });
  expect(read).toEqual({
    status: "success",
    workspace: "board",
    data: { topic: "Lunch" },
    heads: ["h1"],
    automerge_url: "automerge:abc",
  });
  expect(read.status === "success" && [read.data.toString, Object.isFrozen(read.data)]).toEqual([undefined, true]);
  expect(server.reads().at(-1)?.url).toBe("http://server/v1/workspaces/board");
  expect(token.mock.calls).toEqual([[{}], [{ refused: "auth.expired" }]]);
  expect(await readWorkspace("..", { sync: client() })).toMatchObject({ errorCode: "workspace.invalid" });
  expect(server.reads()).toHaveLength(2);
  expect(server.sockets).toEqual([]);
});
