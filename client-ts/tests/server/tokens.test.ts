// Who the client is: refused and new tokens, tokens that expire, and the language that it asks for.

import type { TokenRequest } from "syncline";
import { afterAll, beforeAll, describe, expect, test, vi } from "vitest";
import { client, joined, nextFrame, recordFrames, recordStates, step, until, untilState } from "../support/clients.js";
import { type Playground, startPlayground } from "../support/playground.js";

const KANA = /[ぁ-んァ-ン]/;

let playground: Playground;
beforeAll(async () => {
  playground = await startPlayground({ RATE_LIMIT_PER_ADDRESS: "off" });
});
afterAll(() => playground.kill());

describe("a refused token", () => {
  test("is followed by another attempt with a new one, and what waited goes on", async () => {
    const good = await playground.token({ sub: "ada" });
    const tokens = ["nonsense", "nonsense", good];
    const token = vi.fn((_: TokenRequest) => tokens.shift());
    const ada = client({ url: playground.url, token, locale: "ja" });
    const states = recordStates(ada);
    const errors = new Set<string | undefined>();
    ada.subscribe(() => errors.add(ada.getStatus().lastError?.message));
    ada.joinRoom("refused");
    const answer = await step(ada, 1, "refused");
    expect(answer).toEqual({ status: "success", serverOutput: { step: 1, active: true } });
    expect(states).toEqual(["idle", "connecting", "refused", "connected"]);
    // Told in the reader's language, without the code.
    expect([...errors].filter((message) => message && KANA.test(message) && !message.includes("auth."))).toHaveLength(
      1,
    );
    expect(token.mock.calls).toEqual([[{}], [{ refused: "auth.invalid" }], [{ refused: "auth.invalid" }]]);
    expect(ada.getStatus().lastError).toBeNull();
  });

  test("shows in the status, and reconnect() tries the next at once", async () => {
    let now = "nonsense";
    // So slow that only `reconnect` can be it.
    const slow = { reconnectionDelay: 1_000_000, transports: ["websocket"] };
    const ada = client({ url: playground.url, token: () => now, socket: slow });
    ada.connect();
    await untilState(ada, "refused");
    expect(ada.getStatus().lastError?.errorCode).toBe("auth.invalid");
    now = await playground.token({ sub: "ada" });
    ada.reconnect();
    await untilState(ada, "connected");
  });

  test("that cannot be had is asked for again", async () => {
    const good = await playground.token({ sub: "ada" });
    const token = vi
      .fn<(_: TokenRequest) => Promise<string>>()
      .mockRejectedValueOnce(new Error("the login service is away"))
      .mockResolvedValue(good);
    const ada = client({ url: playground.url, token });
    ada.connect();
    await untilState(ada, "refused");
    expect(ada.getStatus().lastError).toEqual({
      errorCode: "token.failed",
      message: "the login service is away",
    });
    await untilState(ada, "connected");
    // No token was refused.
    expect(token.mock.calls).toEqual([[{}], [{}]]);
  });
});

describe("a token that expires", () => {
  // Again when no request happened to be on the wire in that instant: then nothing was shown.
  test("is refreshed on the same connection, and no request notices", { retry: 3 }, async () => {
    const own = await startPlayground({ RATE_LIMIT_PER_ADDRESS: "off", RATE_LIMIT_PER_ROUTE: "off" });
    try {
      const tokens = [await own.token({ sub: "ada", expires_in: 2 }), await own.token({ sub: "ada" })];
      const token = vi.fn((_: TokenRequest) => tokens.shift());
      const ada = client({ url: own.url, token });
      const states = recordStates(ada);
      await joined(ada, "expiry");
      const isRefreshed = nextFrame(ada, ({ event, direction }) => event === "refreshToken" && direction === "in");
      const refusals = recordFrames(ada);
      const outcomes = new Set<string>();
      let working = true;
      let sent = 0;
      // So many that some are on the wire when the token expires.
      const workers = Array.from({ length: 16 }, async () => {
        while (working) {
          const answer = await step(ada, ++sent, "expiry");
          outcomes.add(answer.status === "success" ? "success" : answer.errorCode);
        }
      });
      expect((await isRefreshed).payload).toMatchObject({ status: "success" });
      expect((await step(ada, 0, "expiry")).status).toBe("success");
      working = false;
      await Promise.all(workers);
      expect([...outcomes]).toEqual(["success"]);
      expect(states).toEqual(["idle", "connecting", "connected"]);
      expect(token.mock.calls).toEqual([[{}], [{ refused: "auth.expired" }]]);
      // Some were refused: without them the test would show little.
      const isRefusal = (payload: unknown) => (payload as { errorCode?: string }).errorCode === "auth.expired";
      expect(refusals.filter(({ id, payload }) => id !== undefined && isRefusal(payload))).not.toEqual([]);
    } finally {
      await own.kill();
    }
  });

  test("and is not refreshed in time makes the server hang up, and the client come back", async () => {
    const own = await startPlayground({ AUTH_GRACE_SECONDS: "1" });
    try {
      const good = await own.token({ sub: "ada" });
      const token = vi
        .fn<() => Promise<string>>()
        .mockResolvedValueOnce(await own.token({ sub: "ada", expires_in: 1 }))
        // The login service is asked and does not answer.
        .mockReturnValueOnce(new Promise(() => {}))
        .mockResolvedValue(good);
      const ada = client({ url: own.url, token });
      const disconnected = nextFrame(ada, ({ event }) => event === "disconnect");
      await joined(ada, "grace");
      expect((await disconnected).payload).toEqual({ reason: "io server disconnect" });
      expect((await step(ada, 1, "grace")).status).toBe("success");
    } finally {
      await own.kill();
    }
  });

  test("and has no successor yet makes the client come back when there is one", async () => {
    const [old, good] = [await playground.token({ sub: "ada", expires_in: 1 }), await playground.token({ sub: "ada" })];
    let now = old;
    const token = vi.fn((_: TokenRequest) => now);
    const ada = client({ url: playground.url, token });
    const frames = recordFrames(ada);
    await joined(ada, "gap");
    await until(ada, () => ada.getStatus().state === "refused");
    expect(ada.getStatus().lastError?.errorCode).toBe("auth.expired");
    // The old one is not offered again: a server that bears with it for some seconds would go round and round.
    expect(frames.filter(({ event }) => event === "refreshToken")).toEqual([]);
    const waiting = step(ada, 1, "gap");
    now = good;
    expect((await waiting).status).toBe("success");
    expect(ada.getRoomStatus("gap").state).toBe("joined");
  });
});

describe("the language", () => {
  const tooLarge = { name: "examples/updateCounter", version: "v1", data: { amount: 101 }, receiver: "words" } as const;

  test("of errors is asked for at each connect, and a new one takes a reconnect", async () => {
    let locale = "ja";
    // A token with a locale of its own would go before it.
    const token = await playground.token({ sub: "ada" });
    const ada = client({ url: playground.url, token: () => token, locale: () => locale });
    ada.joinRoom("words");
    const messageOf = async () => {
      const answer = await ada.syncRequest(tooLarge);
      return answer.status === "error" ? answer.message : "";
    };
    expect(await messageOf()).toMatch(KANA);
    locale = "en-GB";
    ada.reconnect();
    expect(await messageOf()).toMatch(/^[\x20-\x7e\u2068\u2069]+$/);
  });

  test("reaches each of two clients in its own", async () => {
    const make = async (sub: string, locale: string) => {
      const token = await playground.token({ sub });
      const sync = client({ url: playground.url, token: () => token, locale });
      sync.joinRoom("words");
      return sync.syncRequest(tooLarge);
    };
    const [ada, bob] = await Promise.all([make("ada", "ja"), make("bob", "en")]);
    expect(ada).toMatchObject({ errorCode: "counter.amountTooLarge", message: expect.stringMatching(KANA) });
    expect(bob).toMatchObject({ errorCode: "counter.amountTooLarge", message: expect.not.stringMatching(KANA) });
  });
});
