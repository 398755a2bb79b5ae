//! Who gets an event, and in which order: by location, from HTTP, and a thousand in a row.

import assert from "node:assert/strict";
import { describe, test } from "node:test";

import { TRANSPORTS, ask, next, nextOne, sync } from "../src/client.js";
import { LIMIT, withPlayground } from "../src/suite.js";

// The rate limits are for people; the order is tested as fast as the server can.
const suite = withPlayground({ RATE_LIMIT_PER_ROUTE: "off", RATE_LIMIT_PER_ADDRESS: "off" });

/** Requests of one socket that are under way at a time, below the inbox of 64. */
const IN_FLIGHT = 32;

const at = (socket, pathName, searchParams) => ask(socket, "updateLocation", { pathName, searchParams });

describe("by location", () => {
  test("only those who are on the page get it, and those who come later from then on", LIMIT, async () => {
    const [ada, bob] = await Promise.all(
      ["ada", "bob"].map((sub) => suite.clients.user({ sub }, { rooms: ["page"] })),
    );
    assert.deepEqual(await at(ada, "/examples", { tab: "one" }), { status: "success" });
    await at(bob, "/elsewhere");
    const toAda = next(ada, "sync", 3);
    const toBob = next(bob, "sync", 2);

    const first = await sync(ada, "examples/updateCounter", "v2", { amount: 5 }, "page");
    assert.deepEqual(first, { status: "success", serverOutput: { newValue: 5, by: "ada" } });
    // This one reaches everybody: before it, bob has got nothing.
    await sync(ada, "examples/updateCounter", "v1", { amount: 1 }, "page");
    await at(bob, "/examples");
    const second = await sync(bob, "examples/updateCounter", "v2", { amount: 2 }, "page");
    assert.deepEqual(second.serverOutput, { newValue: 7, by: "bob" });

    assert.deepEqual((await toAda).map((event) => event.serverOutput.newValue), [5, 2, 7]);
    assert.deepEqual((await toBob).map((event) => event.serverOutput.newValue), [2, 7]);
  });

  test("an audience is one page, and follows its members", LIMIT, async () => {
    const [ada, bob] = await Promise.all(
      ["ada", "bob"].map((sub) => suite.clients.user({ sub }, { rooms: ["cursors"] })),
    );
    await at(ada, "/board");
    await at(bob, "/other");
    const toBob = nextOne(bob, "sync");
    await sync(ada, "presence/cursor", "v1", { x: 1, y: 1 }, "cursors");
    await at(bob, "/board");
    await sync(ada, "presence/cursor", "v1", { x: 2.5, y: 3 }, "cursors");
    assert.deepEqual((await toBob).serverOutput, { x: 2.5, y: 3, userId: "ada", pathName: "/board" });
  });
});

describe("a game of chess", () => {
  test("is played by two, and its rules hold", LIMIT, async () => {
    const [ada, bob] = await Promise.all(
      ["ada", "bob"].map((sub) => suite.clients.user({ sub }, { rooms: ["chess"] })),
    );
    const toBob = next(bob, "sync", 2);
    const move = (socket, from, to) => sync(socket, "chess/moveChessPiece", "v1", { from, to }, "chess");
    assert.equal((await move(ada, "e2", "e4")).serverOutput.san, "e4");
    const illegal = await move(bob, "e7", "e4");
    assert.deepEqual(
      [illegal.errorCode, illegal.errorParams, illegal.httpStatus],
      ["chess.illegalMove", { from: "e7", to: "e4" }, 422],
    );
    await move(bob, "e7", "e5");
    assert.deepEqual((await toBob).map((event) => event.serverOutput.san), ["e4", "e5"]);
  });
});

describe("over HTTP", () => {
  const PATH = "/sync/examples/updateCounter/v1";

  test("a backend's request reaches the sockets of a room", LIMIT, async () => {
    const ada = await suite.clients.user({ sub: "ada" }, { rooms: ["http"] });
    const received = nextOne(ada, "sync");
    const token = await suite.playground.token({ sub: "billing", scope: "sync:publish" });
    const response = await suite.playground.post(PATH, { data: { amount: 9 }, receiver: "http" }, token);
    assert.equal(response.status, 200);
    assert.deepEqual(await response.json(), { status: "success", serverOutput: { newValue: 10 } });
    assert.deepEqual(await received, {
      name: "examples/updateCounter",
      version: "v1",
      room: "http",
      status: "success",
      serverOutput: { newValue: 10 },
      clientOutput: {},
    });
  });

  test("ignoreSelf leaves out every socket of the calling user", LIMIT, async () => {
    const claims = { sub: "ada", rooms: ["http-*"] };
    const own = await suite.clients.user(claims, { rooms: ["http-self"] });
    const bob = await suite.clients.user({ sub: "bob" }, { rooms: ["http-self"] });
    const toOwn = nextOne(own, "sync");
    const toBob = next(bob, "sync", 2);
    const token = await suite.playground.token({ ...claims, scope: "sync:publish" });
    const post = (amount, more) =>
      suite.playground.post(PATH, { data: { amount }, receiver: "http-self", ...more }, token);
    assert.equal((await post(1, { ignoreSelf: true })).status, 200);
    assert.equal((await post(2)).status, 200);
    assert.equal((await toOwn).serverOutput.newValue, 3);
    assert.deepEqual((await toBob).map((event) => event.serverOutput.newValue), [2, 3]);
  });

  test("errors have the status of their code, and the language of the caller", LIMIT, async () => {
    const token = await suite.playground.token({ sub: "ada", scope: "sync:publish", locale: "ja" });
    const body = { data: { amount: 500 }, receiver: "http" };
    const cases = [
      [await suite.playground.post(PATH, body), 401, "auth.required"],
      [await suite.playground.post(PATH, body, "nonsense"), 401, "auth.invalid"],
      [await suite.playground.post(PATH, body, token), 422, "counter.amountTooLarge"],
      [await suite.playground.post("/sync/no/such/v1", body, token), 404, "sync.notFound"],
    ];
    for (const [response, status, errorCode] of cases) {
      const envelope = await response.json();
      assert.deepEqual([response.status, envelope.errorCode, envelope.httpStatus], [status, errorCode, status]);
      if (response === cases[2][0]) assert.match(envelope.message, /[\u3040-\u30ff]/);
    }
    const get = await fetch(`${suite.playground.url}${PATH}`);
    assert.deepEqual([get.status, get.headers.get("allow")], [405, "POST"]);
  });

  test("a person may publish only where their token lets them", LIMIT, async () => {
    const token = await suite.playground.token({ sub: "ada", rooms: ["mine"] });
    const post = (receiver) => suite.playground.post(PATH, { data: { amount: 1 }, receiver }, token);
    assert.equal((await post("mine")).status, 200);
    const denied = await post("theirs");
    assert.deepEqual([denied.status, (await denied.json()).errorCode], [403, "sync.receiverNotAllowed"]);
  });
});

describe("order", () => {
  const EVENTS = 1_000;

  for (const [title, transports] of Object.entries(TRANSPORTS)) {
    test(`${EVENTS} events of one socket arrive at another as they were sent, over ${title}`, LIMIT, async () => {
      const room = `order ${title}`;
      const [ada, bob] = await Promise.all(
        ["ada", "bob"].map((sub) => suite.clients.user({ sub }, { rooms: [room], transports })),
      );
      const received = next(bob, "sync", EVENTS);
      const answered = [];
      let sent = 0;
      const sendOneByOne = async () => {
        while (sent < EVENTS) {
          const step = sent;
          sent += 1;
          const ack = await sync(ada, "test/nestedTest/room", "v1", { step, active: true }, room);
          assert.equal(ack.status, "success", JSON.stringify(ack));
          answered.push(ack.serverOutput.step);
        }
      };
      await Promise.all(Array.from({ length: IN_FLIGHT }, sendOneByOne));
      const expected = Array.from({ length: EVENTS }, (_, step) => step);
      assert.deepEqual(answered, expected);
      assert.deepEqual((await received).map((event) => event.serverOutput.step), expected);
    });
  }
});
