// Why the server has closed a connection for good, when the texts for it come late, or never.

import { createDocument } from "syncline/documents";
import { createWorkspace } from "syncline/workspaces";
import { beforeEach, describe, expect, onTestFinished, test, vi } from "vitest";
import { closedError } from "../../src/core/closed.js";
import { client, type FakeServer, fakeServer, seconds, settle } from "../support/snapshots.js";

const SAID = { errorCode: "forbidden", httpStatus: 403, message: "forbidden" };
const WORDS = { ...SAID, message: "Je hebt hier geen toegang toe." };

/** The texts of the next error: they come when the test says so. */
const late = vi.hoisted(() => ({ come: () => {}, fail: () => {}, isOn: true }));
vi.mock("../../src/core/closed.js", async (original) => {
  const real = await original<typeof import("../../src/core/closed.js")>();
  const closedError: typeof real.closedError = (errorCode, httpStatus, word, ...more) => {
    const known = real.closedError(errorCode, httpStatus, word, ...more);
    if (!late.isOn) return known;
    const error = { ...known.error, message: word };
    const words = new Promise<typeof error>((resolve) => {
      late.come = () => resolve(known.error);
      late.fail = () => resolve(error);
    });
    return { error, words };
  };
  return { ...real, closedError };
});

test("the texts are loaded once they are needed, and known from then on", async () => {
  late.isOn = false;
  const make = () => closedError("forbidden", 403, "no", "nl-BE");
  const { error, words } = make();
  expect(error).toEqual({ status: "error", ...SAID, message: "no" });
  expect(await words).toEqual({ status: "error", ...WORDS });
  expect(make()).toEqual({ error: { status: "error", ...WORDS } });
  expect(closedError("forbidden", 403, "no", "tlh").error.message).toBe("You do not have access to this.");
  expect(closedError("of_tomorrow", 418, "no", "en").error.message).toBe("The server refused the connection.");
});

let server: FakeServer;
beforeEach(() => {
  server = fakeServer();
  late.isOn = true;
});

interface Opened {
  getSnapshot(): { status: string; error: object | null };
  subscribe(listener: () => void): () => void;
  reconnect(): void;
  close(): void;
}

/** What has such connections, the code that refuses it, and its status then. */
const KINDS: [name: string, code: number, status: string, open: () => Opened][] = [
  ["workspace", 4003, "error", () => createWorkspace("board", { sync: client() })],
  [
    "document",
    4403,
    "refused",
    () => {
      const document = createDocument("notes", { sync: client() });
      return { ...document, close: document.destroy };
    },
  ],
];

describe.each(KINDS)("a %s", (_name, code, status, open) => {
  /** One that is refused before the texts are here. */
  const refused = async () => {
    const opened = open();
    onTestFinished(async () => {
      opened.close();
      // The provider's own timer.
      await seconds(10);
    });
    await settle();
    await server.socket().end(code, "forbidden");
    expect(opened.getSnapshot()).toMatchObject({ status, error: SAID });
    return opened;
  };

  test("is refused at once, and says why when it can", async () => {
    const opened = await refused();
    const told = vi.fn();
    opened.subscribe(told);
    late.come();
    await settle();
    expect(opened.getSnapshot()).toMatchObject({ status, error: WORDS });
    expect(told).toHaveBeenCalledOnce();
    await seconds(60);
    expect(server.sockets).toHaveLength(1);
    late.isOn = false;
    opened.reconnect();
    await settle();
    await server.socket().end(code, "forbidden");
    expect(opened.getSnapshot(), "without a detour").toMatchObject({ status, error: WORDS });
  });

  test("that was closed tells nothing more", async () => {
    const opened = await refused();
    opened.close();
    const told = vi.fn();
    opened.subscribe(told);
    const { error } = opened.getSnapshot();
    late.come();
    await settle();
    expect(told).not.toHaveBeenCalled();
    expect(opened.getSnapshot().error).toBe(error);
  });

  test("that is tried again at once does not say why it was refused", async () => {
    const opened = await refused();
    opened.reconnect();
    await settle();
    expect(server.sockets).toHaveLength(2);
    late.come();
    await settle();
    expect(opened.getSnapshot()).toMatchObject({ error: null });
  });

  test("says the server's word if there are no texts", async () => {
    const opened = await refused();
    late.fail();
    await settle();
    expect(opened.getSnapshot()).toMatchObject({ status, error: SAID });
  });
});

describe("a write to a workspace that is refused", () => {
  const board = async () => {
    const onError = vi.fn();
    const board = createWorkspace("board", { sync: client(), onError });
    onTestFinished(() => board.close());
    await settle();
    return { board, onError };
  };

  test("is answered in words, or at once", async () => {
    const { board: refused, onError } = await board();
    const before = refused.set("topic", "Lunch");
    await server.socket().end(4003, "forbidden");
    const after = refused.set("topic", "Dinner");
    expect(refused.getSnapshot().pending).toBe(0);
    late.come();
    await settle();
    expect(await Promise.all([before, after])).toMatchObject([WORDS, SAID]);
    expect(await refused.set("topic", "Supper"), "by now they are here").toMatchObject(WORDS);
    expect(onError).toHaveBeenCalledTimes(3);
    expect(onError).toHaveBeenCalledWith(expect.objectContaining(WORDS), expect.anything());
  });

  test("is answered, and nobody told, when the workspace was closed meanwhile", async () => {
    const { board: refused, onError } = await board();
    const answer = refused.set("topic", "Lunch");
    await server.socket().end(4003, "forbidden");
    refused.close();
    late.come();
    await settle();
    expect(await answer).toMatchObject(WORDS);
    expect(onError).not.toHaveBeenCalled();
  });
});
