// Rooms on a real server: what one writes the others see, what is refused is taken back, and what a server forgets is
// found again.

import { configureSync, createSync, defaultSync } from "syncline";
import { createRoom } from "syncline/rooms";
import { afterEach, beforeEach, describe, expect, onTestFinished, test, vi } from "vitest";
import { recordFrames } from "../support/clients.js";
import { type Playground, startAgain, startPlayground } from "../support/playground.js";
import { connected, openRoom, record, says, shows } from "../support/rooms.js";

const SETTINGS = { RATE_LIMIT_PER_ADDRESS: "off" };

let playground: Playground;
beforeEach(async () => {
  playground = await startPlayground(SETTINGS);
});
afterEach(() => playground.kill());

const client = (locale?: string) => createSync({ url: playground.url, locale });
const put = (roomId: string, text: string) =>
  fetch(`${playground.url}/api/rooms/${roomId}`, {
    method: "PUT",
    headers: { "content-type": "application/json" },
    body: JSON.stringify({ state: { text } }),
  });

test("two see each other's writes, each a version higher, and never an older one", async () => {
  const [ada, bob] = [openRoom(client(), "pair"), openRoom(client(), "pair")];
  expect(ada.getSnapshot()).toEqual({ state: null, version: 0, status: "connecting", error: null });
  await connected(ada, bob);
  expect(ada.getSnapshot()).toEqual({ state: null, version: 0, status: "connected", error: null });
  const versions = [record(ada, ({ version }) => version), record(bob, ({ version }) => version)];
  expect(await ada.setState({ text: "one" })).toEqual({ status: "success", version: 1, state: { text: "one" } });
  await says(bob, "one");
  expect(await bob.setState((current) => ({ text: `${current?.text}, two` }))).toMatchObject({ version: 2 });
  await says(ada, "one, two");
  await put("pair", "three");
  await Promise.all([says(ada, "three"), says(bob, "three")]);
  expect(versions).toEqual([
    [0, 1, 2, 3],
    [0, 1, 2, 3],
  ]);
});

test("of many at once the newest wins everywhere; few are sent, and each is answered", async () => {
  const [ada, bob] = [openRoom(client(), "many"), openRoom(client(), "many")];
  await connected(ada, bob);
  const bobs = record(bob, ({ version }) => version);
  const answers = Array.from({ length: 100 }, (_, index) => ada.setState({ text: `ada ${index}` }));
  expect(ada.getSnapshot().state).toEqual({ text: "ada 99" });
  const versions = (await Promise.all(answers)).map((answer) => answer.status === "success" && answer.version);
  // The first was on its way; the other 99 are one.
  expect(versions).toEqual([1, ...Array.from({ length: 99 }, () => 2)]);
  await says(bob, "ada 99");
  const both = await Promise.all(
    [ada, bob].flatMap((room) => [room.setState({ text: "a" }), room.setState({ text: "b" })]),
  );
  await Promise.all([ada, bob].map((room) => shows(room, ({ version }) => version === 6)));
  expect(both.map((answer) => answer.status === "success" && answer.version).sort()).toEqual([3, 4, 5, 6]);
  expect(ada.getSnapshot().state).toEqual(bob.getSnapshot().state);
  expect(bobs).toEqual([...bobs].sort((one, other) => one - other));
});

describe("a write that is refused", () => {
  test("is shown at once and taken back, with the server's words in the reader's language", async () => {
    const room = openRoom(client("nl"), "refused");
    await connected(room);
    await room.setState({ text: "before" });
    const texts = record(room, ({ state }) => state?.text.length);
    const answer = await room.setState({ text: "x".repeat(40_000) });
    expect(answer).toEqual({
      status: "error",
      errorCode: "payload_too_large",
      message: expect.stringMatching(/32.?768/),
      httpStatus: 413,
    });
    expect(answer.status === "error" && answer.message).not.toMatch(/\b(the|is too large)\b/);
    expect(texts).toEqual([6, 40_000, 6]);
    expect(room.getSnapshot()).toMatchObject({
      state: { text: "before" },
      version: 1,
      status: "connected",
      error: null,
    });
  });

  test("is no state", async () => {
    const room = createRoom<number>("number", { sync: client() });
    onTestFinished(() => room.close());
    expect(await room.setState(7)).toMatchObject({ errorCode: "invalid_state", httpStatus: 422 });
    expect(room.getSnapshot().state).toBeNull();
    expect(await room.setState(() => 1n as unknown as number)).toMatchObject({ errorCode: "sync.invalidInput" });
  });

  test("for a name that is none, which no waiting changes", async () => {
    const room = openRoom(client("de"), "no room");
    await shows(room, ({ status }) => status === "error");
    expect(room.getSnapshot().error).toMatchObject({ errorCode: "invalid_room_id", httpStatus: 422 });
    expect(await room.setState({ text: "?" })).toMatchObject({ errorCode: "invalid_room_id" });
  });
});

test("a room that is deleted is nothing, and goes on counting", async () => {
  const room = openRoom(client(), "deleted");
  await connected(room);
  await room.setState({ text: "one" });
  const seen = record(room, ({ version }) => version);
  await fetch(`${playground.url}/api/rooms/deleted`, { method: "DELETE" });
  await shows(room, ({ version }) => version === 0);
  expect(room.getSnapshot()).toEqual({ state: null, version: 0, status: "connected", error: null });
  await put("deleted", "again");
  await says(room, "again");
  expect(seen[1]).toBe(0);
  expect(seen[2]).toBeGreaterThan(1);
});

describe("a server that is killed and comes back", () => {
  test("with nothing: what it counts anew is taken, also where the version is the same", async () => {
    const [ada, bob] = [openRoom(client(), "same"), openRoom(client(), "other")];
    await connected(ada, bob);
    await Promise.all([ada.setState({ text: "old" }), bob.setState({ text: "old" })]);
    await bob.setState({ text: "older count" });
    const states = record(ada, ({ status }) => status);
    await playground.kill();
    await Promise.all([ada, bob].map((room) => shows(room, ({ status }) => status === "reconnecting")));
    expect(ada.getSnapshot().state).toEqual({ text: "old" });
    playground = await startAgain(playground, SETTINGS);
    await Promise.all([put("same", "new"), put("other", "new")]);
    await Promise.all([says(ada, "new"), says(bob, "new")]);
    expect([ada.getSnapshot().version, bob.getSnapshot().version]).toEqual([1, 1]);
    expect(states).toEqual(["connected", "reconnecting", "connected"]);
  });

  test("a write meanwhile is shown, waits, and is sent; one on the wire is not sent again", async () => {
    const room = openRoom(client("es"), "wire");
    await connected(room);
    await room.setState({ text: "before" });
    await playground.freeze();
    const lost = room.setState({ text: "lost" });
    await playground.kill();
    expect(await lost).toMatchObject({
      errorCode: "request.disconnected",
      message: expect.stringContaining("Se ha perdido la conexión"),
      httpStatus: 0,
    });
    expect(room.getSnapshot().state).toEqual({ text: "before" });
    await shows(room, ({ status }) => status === "reconnecting");
    const first = room.setState({ text: "first" });
    const meanwhile = room.setState({ text: "meanwhile" });
    expect(room.getSnapshot().state).toEqual({ text: "meanwhile" });
    playground = await startAgain(playground, SETTINGS);
    const watcher = openRoom(client(), "wire");
    expect(await meanwhile).toEqual({ status: "success", version: 1, state: { text: "meanwhile" } });
    expect(await first).toEqual(await meanwhile);
    await says(watcher, "meanwhile");
  });
});

test("a server that says nothing any more is left for another connection", async () => {
  const room = openRoom(client(), "frozen", { silenceMs: 300 });
  await connected(room);
  const states = record(room, ({ status }) => status);
  await playground.freeze();
  await shows(room, ({ status }) => status === "reconnecting");
  playground.thaw();
  await shows(room, ({ status }) => status === "connected");
  expect(states).toEqual(["connected", "reconnecting", "connected"]);
});

describe("a token", () => {
  test("is asked for anew when the server refuses the old one", async () => {
    await playground.kill();
    playground = await startAgain(playground, { ...SETTINGS, ROOM_AUTH: "all" });
    const good = await playground.token({ sub: "ada", scope: "rooms:read rooms:write" });
    const token = vi.fn(({ refused }: { refused?: string }) => (refused ? good : "not.a.token"));
    const room = openRoom(createSync({ url: playground.url, token }), "secret");
    await connected(room);
    expect(token.mock.calls).toEqual([[{}], [{ refused: "auth.invalid" }]]);
    expect(await room.setState({ text: "mine" })).toMatchObject({ status: "success" });
  });

  test("that does not do: the stream and the write say so", async () => {
    await playground.kill();
    playground = await startAgain(playground, { ...SETTINGS, ROOM_AUTH: "write" });
    const reader = openRoom(client("fr"), "public");
    await connected(reader);
    expect(await reader.setState({ text: "no" })).toMatchObject({ errorCode: "auth_required", httpStatus: 401 });
    expect(reader.getSnapshot()).toMatchObject({ state: null, status: "connected", error: null });
    const token = async () => Promise.reject(new Error("no login"));
    const broken = openRoom(createSync({ url: playground.url, token }), "public");
    await shows(broken, ({ status }) => status === "error");
    expect(broken.getSnapshot().error).toMatchObject({ errorCode: "token.failed", message: "Error: no login" });
    expect(await broken.setState({ text: "no" })).toMatchObject({ errorCode: "token.failed" });
  });
});

describe("offline", () => {
  test("by the client's disconnect: a write waits, and the newest is what all see", async () => {
    const sync = client();
    const [ada, bob] = [openRoom(sync, "tunnel"), openRoom(client(), "tunnel")];
    await connected(ada, bob);
    sync.disconnect();
    expect(ada.getSnapshot().status).toBe("offline");
    await bob.setState({ text: "by bob" });
    const waiting = ada.setState({ text: "from the tunnel" });
    expect(ada.getSnapshot()).toMatchObject({ state: { text: "from the tunnel" }, version: 0 });
    sync.connect();
    expect(await waiting).toMatchObject({ status: "success", version: 2 });
    await Promise.all([says(bob, "from the tunnel"), connected(ada)]);
    expect(ada.getSnapshot()).toMatchObject({ version: 2, status: "connected" });
    sync.close();
  });

  test("without a write: what came meanwhile is there afterwards", async () => {
    const sync = client();
    const room = openRoom(sync, "missed");
    await connected(room);
    sync.disconnect();
    await put("missed", "one");
    await put("missed", "two");
    sync.connect();
    await says(room, "two");
    expect(room.getSnapshot().version).toBe(2);
    sync.close();
  });
});

test("closing ends the stream, answers what waits, and nothing more is taken", async () => {
  const sync = client();
  const room = openRoom(sync, "closed");
  await connected(room);
  await room.setState({ text: "last" });
  sync.disconnect();
  const waiting = room.setState({ text: "never" });
  room.close();
  room.close();
  expect(await waiting).toMatchObject({ errorCode: "request.aborted" });
  expect(await room.setState({ text: "never" })).toMatchObject({ errorCode: "request.aborted" });
  expect(room.getSnapshot()).toMatchObject({ state: { text: "last" }, status: "closed" });
  const metrics = async () => (await fetch(`${playground.url}/metrics`)).text();
  await expect.poll(metrics).toMatch(/^syncline_room_streams 0$/m);
});

test("the default client's rooms wait for configureSync, and move when it names another server", async () => {
  const room = createRoom<{ text: string }>("default");
  onTestFinished(() => room.close());
  expect(room.getSnapshot().status).toBe("connecting");
  const early = room.setState({ text: "early" });
  configureSync({ url: playground.url });
  expect(await early).toMatchObject({ status: "success", version: 1 });
  await connected(room);
  const other = await startPlayground(SETTINGS);
  onTestFinished(() => other.kill());
  configureSync({ url: other.url });
  expect(room.getSnapshot()).toMatchObject({ state: null, version: 0, status: "connecting" });
  await connected(room);
  expect(room.getSnapshot().version).toBe(0);
  // Rooms need no socket.
  expect(defaultSync.getStatus().state).toBe("idle");
});

test("what goes over the wire shows in the client's frames", async () => {
  const sync = client();
  const frames = recordFrames(sync);
  const room = openRoom(sync, "frames");
  await connected(room);
  await room.setState({ text: "one" });
  await shows(room, ({ version }) => version === 1);
  expect(frames.slice(0, 2)).toMatchObject([
    { direction: "in", event: "room", payload: { room_id: "frames", version: 0, state: null } },
    { direction: "out", event: "room", payload: { room_id: "frames", state: { text: "one" } } },
  ]);
});
