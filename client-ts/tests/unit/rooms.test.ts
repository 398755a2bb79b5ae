// A room against a server that says what the test wants, when it wants: what comes late, broken, or never.

import { createSync } from "syncline";
import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import { openRoom, record } from "../support/rooms.js";

/** A request that reached the fake server. */
interface Asked {
  method: string;
  url: string;
  headers: Record<string, string>;
  body: unknown;
  answer(response: Response): void;
  fail(): void;
  aborted(): boolean;
  onAbort(listener: () => void): void;
}

let asked: Asked[];
beforeEach(() => {
  asked = [];
  vi.useFakeTimers({ toFake: ["setTimeout", "clearTimeout", "Date"] });
  vi.spyOn(Math, "random").mockReturnValue(1);
  vi.stubGlobal("fetch", (url: string, init: RequestInit) => {
    return new Promise<Response>((resolve, reject) => {
      const fail = () => reject(new TypeError("fetch failed"));
      init.signal?.addEventListener("abort", fail);
      asked.push({
        method: init.method ?? "GET",
        url,
        headers: init.headers as Record<string, string>,
        body: init.body && JSON.parse(String(init.body)),
        answer: resolve,
        fail,
        aborted: () => init.signal?.aborted ?? false,
        onAbort: (listener) => init.signal?.addEventListener("abort", listener),
      });
    });
  });
});
afterEach(() => {
  vi.useRealTimers();
  vi.restoreAllMocks();
  vi.unstubAllGlobals();
});

const settle = () => vi.advanceTimersByTimeAsync(0);
const json = (body: unknown, status = 200, headers = {}) => new Response(JSON.stringify(body), { status, headers });
const at = (version: number, text: string, updated_at = `at ${version}`) => ({ version, updated_at, state: { text } });

/** The newest stream that was asked for, opened. */
async function stream() {
  const request = asked.filter(({ url }) => url.endsWith("/stream")).at(-1);
  if (!request) throw new Error("no stream was asked for");
  const { readable, writable } = new TransformStream<Uint8Array, Uint8Array>();
  const writer = writable.getWriter();
  request.onAbort(() => void writer.abort().catch(() => {}));
  request.answer(new Response(readable, { headers: { "content-type": "text/event-stream" } }));
  await settle();
  const bytes = async (bytes: Uint8Array) => {
    void writer.write(bytes).catch(() => {});
    await settle();
  };
  const send = (text: string) => bytes(new TextEncoder().encode(text));
  const say = (value: unknown) => send(`event: state\nid: 1\ndata: ${JSON.stringify(value)}\n\n`);
  return {
    bytes,
    send,
    say,
    async end() {
      void writer.close();
      await settle();
    },
  };
}

async function room(options = {}) {
  const made = openRoom(createSync({ url: "http://server/", locale: "nl" }), "r", options);
  await settle();
  return made;
}

const puts = () => asked.filter(({ method }) => method === "PUT");

test("requests name room, language and what they take", async () => {
  const made = await room();
  void made.setState({ text: "a" });
  await settle();
  expect(asked.map(({ method, url, headers, body }) => ({ method, url, headers, body }))).toEqual([
    {
      method: "GET",
      url: "http://server/api/rooms/r/stream",
      headers: { accept: "text/event-stream", "accept-language": "nl" },
      body: undefined,
    },
    {
      method: "PUT",
      url: "http://server/api/rooms/r",
      headers: { accept: "application/json", "accept-language": "nl", "content-type": "application/json" },
      body: { state: { text: "a" } },
    },
  ]);
});

test("a stream is read however its bytes are cut, and what is not a record is passed over", async () => {
  const made = await room();
  const { bytes, send } = await stream();
  const event = `: heartbeat\n\nevent: other\ndata: ${JSON.stringify(at(9, "other"))}\n\nevent: state\ndata: ${JSON.stringify(at(1, "日本\n語"))}\n\n`;
  for (const byte of new TextEncoder().encode(event)) await bytes(Uint8Array.of(byte));
  expect(made.getSnapshot()).toMatchObject({ state: { text: "日本\n語" }, version: 1, status: "connected" });
  await send('event: state\ndata: {"version":"2","state":{}}\n\n');
  expect(made.getSnapshot()).toMatchObject({ version: 1, status: "connected" });
  await send(`event: state\r\ndata: ${JSON.stringify(at(3, "three"))}\r\n\r\n`);
  expect(made.getSnapshot()).toMatchObject({ version: 3, status: "connected" });
});

describe("versions", () => {
  test("an answer that is older than what the stream has said already changes nothing", async () => {
    const made = await room();
    const { say } = await stream();
    await say(at(1, "one"));
    const versions = record(made, ({ version }) => version);
    const mine = made.setState({ text: "mine" });
    await settle();
    await say(at(3, "another's"));
    expect(made.getSnapshot()).toMatchObject({ state: { text: "mine" }, version: 3 });
    puts()[0]?.answer(json(at(2, "mine")));
    expect(await mine).toEqual({ status: "success", version: 2, state: { text: "mine" } });
    expect(made.getSnapshot()).toMatchObject({ state: { text: "another's" }, version: 3 });
    expect(versions).toEqual([1, 3]);
  });

  test("a stream that begins with what was read before our write does not take it back", async () => {
    const made = await room();
    const { say, end } = await stream();
    await say(at(7, "seven"));
    const versions = record(made, ({ version }) => version);
    const mine = made.setState({ text: "mine" });
    await settle();
    await end();
    await vi.advanceTimersByTimeAsync(1000);
    puts()[0]?.answer(json(at(8, "mine")));
    await mine;
    await (await stream()).say(at(7, "seven"));
    expect(made.getSnapshot()).toMatchObject({ state: { text: "mine" }, version: 8, status: "connected" });
    expect(versions).toEqual([7, 8]);
  });

  test("a write that was answered after the room was deleted does not bring it back", async () => {
    const made = await room();
    const { say } = await stream();
    await say(at(4, "four"));
    const mine = made.setState({ text: "five" });
    await settle();
    await say({ version: 0, updated_at: null, state: null });
    puts()[0]?.answer(json(at(5, "five")));
    await mine;
    expect(made.getSnapshot()).toMatchObject({ state: null, version: 0 });
    await say(at(7, "seven"));
    expect(made.getSnapshot()).toMatchObject({ state: { text: "seven" }, version: 7 });
  });

  test("a server that counts anew is believed by its answer to a write, before any stream", async () => {
    const made = await room();
    const { say } = await stream();
    await say(at(7, "seven"));
    const mine = made.setState({ text: "mine" });
    await settle();
    puts()[0]?.answer(json(at(1, "mine", "later")));
    expect(await mine).toMatchObject({ status: "success", version: 1 });
    expect(made.getSnapshot()).toMatchObject({ state: { text: "mine" }, version: 1 });
    await say(at(2, "two"));
    expect(made.getSnapshot().version).toBe(2);
  });

  test("nor is that answer taken back by a stream that begins with less", async () => {
    const made = await room();
    const { say, end } = await stream();
    await say(at(7, "seven"));
    void made.setState({ text: "first" });
    const last = made.setState({ text: "last" });
    await settle();
    await end();
    await vi.advanceTimersByTimeAsync(1000);
    puts()[0]?.answer(json(at(3, "first", "later")));
    await settle();
    const again = await stream();
    await again.say(at(2, "earlier", "later"));
    expect(made.getSnapshot()).toMatchObject({ version: 3, status: "connected" });
    puts()[1]?.answer(json(at(4, "last", "later")));
    expect(await last).toMatchObject({ version: 4 });
  });

  test("the same one again is the same snapshot", async () => {
    const made = await room();
    const { say } = await stream();
    await say(at(1, "one"));
    const before = made.getSnapshot();
    const listener = vi.fn();
    made.subscribe(listener);
    await say(at(1, "one"));
    await say(at(0, ""));
    await say({ version: 0, updated_at: null, state: null });
    expect(listener).toHaveBeenCalledTimes(1);
    expect(made.getSnapshot()).not.toBe(before);
  });
});

describe("a lost stream", () => {
  test("is tried again after 1, 2, 4 .. 30 seconds, and after 1 again once there was one", async () => {
    const made = await room();
    const waits: number[] = [];
    for (let attempt = 0; attempt < 7; attempt++) {
      const before = asked.length;
      const since = Date.now();
      asked.at(-1)?.fail();
      await settle();
      while (asked.length === before) await vi.advanceTimersByTimeAsync(500);
      waits.push((Date.now() - since) / 1000);
    }
    expect(waits).toEqual([1, 2, 4, 8, 16, 30, 30]);
    expect(made.getSnapshot().status).toBe("connecting");
    const { say, end } = await stream();
    await say(at(1, "one"));
    await end();
    expect(made.getSnapshot()).toMatchObject({ status: "reconnecting", state: { text: "one" } });
    const before = asked.length;
    await vi.advanceTimersByTimeAsync(999);
    expect(asked).toHaveLength(before);
    await vi.advanceTimersByTimeAsync(1);
    expect(asked).toHaveLength(before + 1);
  });

  test("waits between half of that and all of it", async () => {
    vi.spyOn(Math, "random").mockReturnValue(0);
    await room();
    asked[0]?.fail();
    await vi.advanceTimersByTimeAsync(499);
    expect(asked).toHaveLength(1);
    await vi.advanceTimersByTimeAsync(1);
    expect(asked).toHaveLength(2);
  });

  test("is one that says nothing for 45 seconds; a heartbeat says something", async () => {
    const made = await room();
    const { say, send } = await stream();
    await say(at(1, "one"));
    await vi.advanceTimersByTimeAsync(44_000);
    await send(": heartbeat\n\n");
    await vi.advanceTimersByTimeAsync(44_000);
    expect(made.getSnapshot().status).toBe("connected");
    await vi.advanceTimersByTimeAsync(1000);
    expect(made.getSnapshot().status).toBe("reconnecting");
    expect(asked[0]?.aborted()).toBe(true);
  });

  test("that the server refused for now is asked for when it says", async () => {
    const made = await room();
    asked[0]?.answer(json({ error: "stream_limit", message: "Te veel." }, 503, { "retry-after": "5" }));
    await settle();
    expect(made.getSnapshot()).toMatchObject({
      status: "error",
      error: { errorCode: "stream_limit", message: "Te veel.", httpStatus: 503 },
    });
    await vi.advanceTimersByTimeAsync(4999);
    expect(asked).toHaveLength(1);
    await vi.advanceTimersByTimeAsync(1);
    expect(asked).toHaveLength(2);
    await (await stream()).say(at(1, "one"));
    expect(made.getSnapshot()).toMatchObject({ status: "connected", error: null });
  });

  test("that cannot get better is not asked for again", async () => {
    const made = await room();
    asked[0]?.answer(json({ error: "invalid_room_id", message: "Geen kamer." }, 422));
    await vi.advanceTimersByTimeAsync(3_600_000);
    expect(asked).toHaveLength(1);
    expect(made.getSnapshot()).toMatchObject({ status: "error", error: { message: "Geen kamer." } });
  });

  test("that was refused for its token is asked for again, at once with other options", async () => {
    const sync = createSync({ url: "http://server", token: () => "old" });
    const made = openRoom(sync, "r");
    await settle();
    for (const wait of [1000, 2000]) {
      asked.at(-1)?.answer(json({ error: "auth_forbidden", message: "No." }, 403));
      await settle();
      expect(made.getSnapshot()).toMatchObject({ status: "error", error: { errorCode: "auth_forbidden" } });
      await vi.advanceTimersByTimeAsync(wait);
    }
    expect(asked).toHaveLength(3);
    asked.at(-1)?.answer(json({ error: "auth_forbidden", message: "No." }, 403));
    await settle();
    sync.configure({ url: "http://server", token: () => "new" });
    await settle();
    expect(asked).toHaveLength(4);
    expect(asked.at(-1)?.headers.authorization).toBe("Bearer new");
    expect(made.getSnapshot()).toMatchObject({ status: "connecting", error: null });
  });

  test("that a proxy answers with a page is no error of the server's", async () => {
    const made = await room();
    asked[0]?.answer(new Response("<h1>Bad gateway</h1>", { status: 502 }));
    await settle();
    expect(made.getSnapshot()).toMatchObject({ status: "connecting", error: null });
    await vi.advanceTimersByTimeAsync(1000);
    asked[1]?.answer(new Response("<h1>Welcome to the hotel</h1>", { headers: { "content-type": "text/html" } }));
    await settle();
    expect(made.getSnapshot()).toMatchObject({ status: "connecting", error: null });
  });
});

test("another server gets its own token, and nothing of what was meant for the first", async () => {
  const sync = createSync({ url: "http://first", token: () => "first" });
  const made = openRoom(sync, "r");
  await settle();
  const onWire = made.setState({ text: "for the first" });
  await settle();
  sync.configure({ url: "http://second", token: async () => "second" });
  void made.setState({ text: "for the second" });
  puts()[0]?.answer(json(at(5, "for the first")));
  expect(await onWire).toMatchObject({ errorCode: "request.disconnected" });
  await settle();
  expect(
    asked.map(({ method, url, headers }) => `${method} ${new URL(url).host} ${headers.authorization}`).sort(),
  ).toEqual([
    "GET first Bearer first",
    "GET second Bearer second",
    "PUT first Bearer first",
    "PUT second Bearer second",
  ]);
  expect(made.getSnapshot()).toMatchObject({ state: { text: "for the second" }, version: 0 });
});

test("a write to another server waits for that server's token", async () => {
  const sync = createSync({ url: "http://first", token: () => "first" });
  const made = openRoom(sync, "r");
  await settle();
  const token = () => new Promise<string>((resolve) => setTimeout(resolve, 100, "second"));
  sync.configure({ url: "http://second", token });
  void made.setState({ text: "for the second" });
  await vi.advanceTimersByTimeAsync(100);
  expect(puts().map(({ headers }) => headers.authorization)).toEqual(["Bearer second"]);
});

test("a write after a login has the new token, on the stream that is there", async () => {
  const sync = createSync({ url: "http://server" });
  const made = openRoom(sync, "r");
  await settle();
  await (await stream()).say(at(1, "one"));
  sync.configure({ url: "http://server", token: () => "mine" });
  void made.setState({ text: "two" });
  await settle();
  expect(asked.map(({ method, headers }) => `${method} ${headers.authorization}`)).toEqual([
    "GET undefined",
    "PUT Bearer mine",
  ]);
});

describe("a write", () => {
  test("without an answer is taken back in time", async () => {
    vi.spyOn(AbortSignal, "timeout").mockImplementation((ms) => {
      const late = new AbortController();
      setTimeout(() => late.abort(), ms);
      return late.signal;
    });
    const made = await room();
    await (await stream()).say(at(1, "one"));
    const answer = made.setState({ text: "two" });
    await settle();
    expect(made.getSnapshot().state).toEqual({ text: "two" });
    await vi.advanceTimersByTimeAsync(30_000);
    expect(await answer).toMatchObject({ errorCode: "request.timeout", httpStatus: 0 });
    expect(made.getSnapshot()).toMatchObject({ state: { text: "one" }, version: 1 });
  });

  test("that is refused does not take the newer one with it", async () => {
    const made = await room();
    await (await stream()).say(at(1, "one"));
    const [first, second] = [made.setState({ text: "first" }), made.setState({ text: "second" })];
    await settle();
    expect(puts()).toHaveLength(1);
    puts()[0]?.answer(json({ error: "payload_too_large", message: "Te groot." }, 413));
    expect(await first).toMatchObject({ errorCode: "payload_too_large" });
    expect(made.getSnapshot().state).toEqual({ text: "second" });
    puts()[1]?.answer(json(at(2, "second")));
    expect(await second).toMatchObject({ version: 2 });
  });

  test("waits an hour without a server, and no longer", async () => {
    const made = await room();
    asked[0]?.fail();
    await settle();
    let answer: unknown;
    void made.setState({ text: "old" }).then((said) => {
      answer = said;
    });
    await vi.advanceTimersByTimeAsync(3_599_000);
    expect(answer).toBeUndefined();
    expect(made.getSnapshot().state).toEqual({ text: "old" });
    await vi.advanceTimersByTimeAsync(1000);
    expect(answer).toMatchObject({ errorCode: "offline.dropped", message: expect.stringContaining("offline was") });
    expect(made.getSnapshot().state).toBeNull();
    expect(puts()).toEqual([]);
  });

  test("is of the state as it was when it was made", async () => {
    const made = await room();
    const mine = { text: "then" };
    void made.setState(mine);
    mine.text = "later";
    expect(made.getSnapshot().state).toEqual({ text: "then" });
  });
});

test("a device that goes offline and comes back", async () => {
  const target = new EventTarget();
  const navigator = { onLine: true };
  vi.stubGlobal("navigator", navigator);
  vi.stubGlobal("addEventListener", target.addEventListener.bind(target));
  vi.stubGlobal("removeEventListener", target.removeEventListener.bind(target));
  const made = await room();
  await (await stream()).say(at(1, "one"));
  const onWire = made.setState({ text: "on the wire" });
  await settle();
  navigator.onLine = false;
  target.dispatchEvent(new Event("offline"));
  expect(made.getSnapshot().status).toBe("offline");
  expect(await onWire).toMatchObject({ errorCode: "request.disconnected" });
  void made.setState({ text: "waits" });
  await vi.advanceTimersByTimeAsync(60_000);
  expect(asked).toHaveLength(2);
  navigator.onLine = true;
  target.dispatchEvent(new Event("online"));
  await settle();
  // At once, without a second's wait; the write with it.
  expect(
    asked
      .slice(2)
      .map(({ method }) => method)
      .sort(),
  ).toEqual(["GET", "PUT"]);
});
