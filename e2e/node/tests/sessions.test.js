//! Who a client is: tokens accepted, refused, refreshed and expired, and the language that errors come in.

import assert from "node:assert/strict";
import { once } from "node:events";
import { describe, test } from "node:test";

import { ask, joinRoom, nextOne, refused, sync } from "../src/client.js";
import { LIMIT, withPlayground } from "../src/suite.js";

const KANA = /[\u3040-\u30ff]/;

const suite = withPlayground({ RATE_LIMIT_PER_ADDRESS: "off" });

/** A token whose payload says more than its signature covers. */
function forged(token) {
  const [head, payload, signature] = token.split(".");
  const claims = JSON.parse(Buffer.from(payload, "base64url"));
  const changed = Buffer.from(JSON.stringify({ ...claims, sub: "root" })).toString("base64url");
  return [head, changed, signature].join(".");
}

/** A token that asks to be believed without a signature. */
function unsigned(token) {
  const head = Buffer.from(JSON.stringify({ alg: "none", typ: "JWT" })).toString("base64url");
  return `${head}.${token.split(".")[1]}.`;
}

describe("a handshake", () => {
  for (const transport of ["websocket", "polling"]) {
    test(`with a token that cannot be trusted is refused, over ${transport}`, LIMIT, async () => {
      const good = await suite.playground.token({ sub: "ada" });
      for (const token of ["nonsense", "a.b.c", forged(good), unsigned(good)]) {
        const socket = suite.clients.dial({ auth: { token }, transports: [transport] });
        const { message } = await refused(socket);
        assert.match(message, /^auth\.invalid: \S/);
        assert.equal(socket.connected, false);
      }
    });
  }

  test("with a token that is not a string is refused", LIMIT, async () => {
    const error = await refused(suite.clients.dial({ auth: { token: { sub: "ada" } } }));
    assert.match(error.message, /^sync\.invalidRequest: \S/);
  });

  test("is refused in the client's language", LIMIT, async () => {
    const error = await refused(suite.clients.dial({ auth: { token: "nonsense", locale: "ja" } }));
    assert.match(error.message, /^auth\.invalid: /);
    assert.match(error.message, KANA);
  });
});

describe("an error", () => {
  const tooLarge = (socket) => sync(socket, "examples/updateCounter", "v1", { amount: 101 }, "languages");

  test("comes in the language of the token's locale", LIMIT, async () => {
    const messages = {};
    for (const locale of ["en", "ja"]) {
      const socket = await suite.clients.user({ sub: "ada", locale }, { rooms: ["languages"] });
      const { message, ...envelope } = await tooLarge(socket);
      assert.deepEqual(envelope, {
        status: "error",
        errorCode: "counter.amountTooLarge",
        errorParams: { max: 100 },
        httpStatus: 422,
      });
      assert.match(message, /100/);
      messages[locale] = message;
    }
    assert.match(messages.ja, KANA);
    assert.doesNotMatch(messages.en, KANA);
  });

  test("comes in the language of the handshake when there is no token", LIMIT, async () => {
    for (const [locale, isJapanese] of [["ja", true], ["ja-JP", true], [undefined, false], ["tlh", false]]) {
      const socket = await suite.clients.connect({ auth: { locale } });
      await joinRoom(socket, "languages");
      const ack = await tooLarge(socket);
      assert.deepEqual([ack.status, ack.errorCode, ack.httpStatus], ["error", "auth.required", 401]);
      assert.equal(KANA.test(ack.message), isJapanese, `${locale}: ${ack.message}`);
    }
  });

  test("names the field that is wrong", LIMIT, async () => {
    const socket = await suite.clients.user({ sub: "ada" }, { rooms: ["languages"] });
    const ack = await sync(socket, "examples/updateCounter", "v1", { amount: "five" }, "languages");
    assert.deepEqual([ack.errorCode, ack.httpStatus, ack.errorParams.path], ["sync.invalidInput", 422, "amount"]);
  });
});

describe("rooms", () => {
  test("are those that the token allows", LIMIT, async () => {
    const socket = await suite.clients.user({ sub: "ada", rooms: ["team-*"] });
    assert.deepEqual(await joinRoom(socket, "team-1"), ["team-1"]);
    const ack = await ask(socket, "joinRoom", { room: "other" });
    assert.deepEqual([ack.errorCode, ack.httpStatus], ["room.joinDenied", 403]);
    assert.deepEqual((await ask(socket, "getJoinedRooms", {})).rooms, ["team-1"]);
  });
});

describe("a token", () => {
  test("is refreshed by another one of the same user, and of nobody else", LIMIT, async () => {
    const socket = await suite.clients.user({ sub: "ada" });
    const own = await suite.playground.token({ sub: "ada" });
    const ack = await ask(socket, "refreshToken", { token: own });
    assert.equal(ack.status, "success");
    assert.ok(ack.expiresAt, JSON.stringify(ack));
    for (const token of [await suite.playground.token({ sub: "bob" }), "nonsense"]) {
      const refusal = await ask(socket, "refreshToken", { token });
      assert.deepEqual([refusal.status, refusal.errorCode], ["error", "auth.invalid"]);
    }
    assert.equal(socket.connected, true);
  });

  test("that expires stops the socket's requests until it is refreshed", LIMIT, async () => {
    const token = await suite.playground.token({ sub: "ada", expires_in: 2 });
    const socket = await suite.clients.connect({ auth: { token } });
    const expired = nextOne(socket, "auth.expired");
    await joinRoom(socket, "expiry");
    const notice = await expired;
    assert.deepEqual([notice.status, notice.errorCode, notice.httpStatus], ["error", "auth.expired", 401]);
    assert.ok(notice.graceSeconds > 0, JSON.stringify(notice));
    const counter = () => sync(socket, "examples/updateCounter", "v1", { amount: 1 }, "expiry");
    assert.equal((await counter()).errorCode, "auth.expired");
    const fresh = await suite.playground.token({ sub: "ada" });
    assert.equal((await ask(socket, "refreshToken", { token: fresh })).status, "success");
    assert.equal((await counter()).status, "success");
  });
});

describe("a token that expires and is not refreshed", () => {
  const strict = withPlayground({ AUTH_GRACE_SECONDS: "1" });

  test("ends the connection after the grace period", LIMIT, async () => {
    const token = await strict.playground.token({ sub: "ada", expires_in: 1 });
    const socket = await strict.clients.connect({ auth: { token } });
    const expired = nextOne(socket, "auth.expired");
    const disconnected = once(socket, "disconnect");
    assert.equal((await expired).graceSeconds, 1);
    assert.equal((await disconnected)[0], "io server disconnect");
  });
});
