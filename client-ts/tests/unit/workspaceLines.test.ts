// Workspaces over real sockets, to a small server on a port of its own whose lines break at any time: each write takes
// effect once and in order, and everybody ends with the same.

import { expect, test, vi } from "vitest";
import { BoardServer, shows, statuses } from "../support/workspaces.js";

const synced = ({ status }: { status: string }) => status === "synced";

/** Reconnects at once: these tests wait for them. */
const quick = () => vi.spyOn(Math, "random").mockReturnValue(-1);

test("two see each other's writes, and what one missed it gets", async () => {
  quick();
  const server = await BoardServer.start();
  const [ada, bob] = [server.open(), server.open()];
  const seen = statuses(ada);
  await Promise.all([shows(ada, synced), shows(bob, synced)]);
  expect(seen).toEqual(["connecting", "authenticating", "connected", "synced"]);
  expect(await ada.set("topic", "Lunch")).toEqual({ status: "success", heads: ["head0"] });
  await shows(bob, ({ data }) => data.topic === "Lunch");
  server.cut();
  expect((await bob.set("__proto__", { x: 1 })).status).toBe("success");
  await shows(ada, ({ data }) => Object.keys(data).includes("__proto__"));
  expect(ada.getSnapshot().data).toEqual(bob.getSnapshot().data);
  expect(server.began).toEqual(["init", "init", "resume", "resume"]);
});

test("a write whose answer was lost takes effect once", async () => {
  quick();
  const server = await BoardServer.start();
  const lost = ["after", "before", "after"] as const;
  let sent = 0;
  server.cuts = () => lost[sent++];
  const ada = server.open();
  const answers = [ada.set("topic", "Lunch"), ada.set("count", 1), ada.delete("topic")];
  expect((await Promise.all(answers)).map(({ status }) => status)).toEqual(["success", "success", "success"]);
  expect(server.log.map(({ op: { payload } }) => [payload.key, payload.value])).toEqual([
    ["count", 1],
    ["topic", undefined],
  ]);
});

test("whatever is lost on the way, all that was written is there once, in order, and for everybody", async () => {
  quick();
  const server = await BoardServer.start();
  // A fixed sequence that looks like chance.
  let seed = 7;
  const chance = () => {
    seed = (seed * 1_103_515_245 + 12_345) % 2 ** 31;
    return seed / 2 ** 31;
  };
  server.cuts = () => (chance() < 0.06 ? (chance() < 0.5 ? "after" : "before") : undefined);
  const boards = [server.open(), server.open()];
  await Promise.all(boards.map((board) => shows(board, synced)));
  const answers: ReturnType<(typeof boards)[0]["set"]>[] = [];
  const work = async (board: (typeof boards)[0], who: number) => {
    for (let number = 0; number < 150; number++) {
      // Some keys are one's own, some are everybody's.
      const [key, value] = number % 3 === 0 ? [`shared ${number % 4}`, [who, number]] : [`${who}/${number}`, number];
      answers.push(board.set(key, value));
      await new Promise((later) => setTimeout(later, 2));
    }
  };
  await Promise.all(boards.map(work));
  expect(new Set((await Promise.all(answers)).map(({ status }) => status))).toEqual(new Set(["success"]));
  server.cuts = () => undefined;
  expect(server.asked.length).toBeGreaterThan(6);
  const ids = server.log.map(({ op }) => op.id);
  expect(new Set(ids).size).toBe(ids.length);
  for (const who of [0, 1]) {
    const own = server.log.map(({ op }) => op.payload).filter(({ key }) => key.startsWith(`${who}/`));
    expect(own.map(({ value }) => value)).toEqual(Array.from({ length: 150 }, (_, n) => n).filter((n) => n % 3 !== 0));
  }
  for (const board of boards) {
    await shows(board, ({ status, pending }) => status === "synced" && pending === 0);
    await vi.waitFor(() => expect({ ...board.getSnapshot().data }).toEqual({ ...server.data }));
  }
});

test("a refused token is replaced by a new one, and when there is none that is the end", async () => {
  const server = await BoardServer.start();
  server.lets = (token) => token === "new";
  const token = vi.fn(({ refused }: { refused?: string }) => (refused ? "new" : "old"));
  const ada = server.open({ token });
  const bob = server.open({ token: () => "old" });
  await shows(ada, synced);
  await shows(bob, ({ status }) => status === "error");
  expect(bob.getSnapshot().error).toMatchObject({ errorCode: "auth_required", httpStatus: 401 });
  expect(server.asked.map((query) => query.get("token")).sort()).toEqual(["new", "old", "old"]);
  expect(server.asked.every((query) => query.get("close") === "1" && query.get("presence") === "1")).toBe(true);
});

test("a closed workspace leaves no socket", async () => {
  const server = await BoardServer.start();
  const ada = server.open();
  await shows(ada, synced);
  expect(server.sockets.size).toBe(1);
  ada.close();
  await vi.waitFor(() => expect(server.sockets.size).toBe(0));
});
