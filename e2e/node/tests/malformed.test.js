//! What is no request gets an error acknowledgement, and the connection stays.

import assert from "node:assert/strict";
import { once } from "node:events";
import { describe, test } from "node:test";

import { ask, nextOne, sync } from "../src/client.js";
import { LIMIT, withPlayground } from "../src/suite.js";

const suite = withPlayground();

const nested = (depth) => (depth === 0 ? {} : { inner: nested(depth - 1) });
const request = (more) => ({ name: "examples/updateCounter", version: "v1", data: { amount: 1 }, receiver: "r", ...more });

const CASES = [
  ["a text instead of an object", "sync", "hello", "sync.invalidRequest"],
  ["null", "sync", null, "sync.invalidRequest"],
  ["a list", "sync", [1, 2], "sync.invalidRequest"],
  ["an empty object", "sync", {}, "sync.invalidRequest"],
  ["no version", "sync", request({ version: undefined }), "sync.invalidRequest"],
  ["a number as receiver", "sync", request({ receiver: 1 }), "sync.invalidRequest"],
  ["binary data", "sync", request({ data: { amount: Buffer.from([1, 2, 3]) } }), "sync.invalidRequest"],
  ["a binary payload", "sync", Buffer.from([1, 2, 3]), "sync.invalidRequest"],
  ["too deep", "sync", request({ data: nested(80) }), "sync.invalidRequest"],
  ["too large", "sync", request({ data: { amount: 1, fill: "x".repeat(70_000) } }), "sync.tooLarge"],
  ["no receiver", "sync", request({ receiver: undefined }), "sync.missingReceiver"],
  ["an unknown version", "sync", request({ version: "v99" }), "sync.notFound"],
  ["an unknown event", "sync", request({ name: "examples/nothing" }), "sync.notFound"],
  ["a room that was not joined", "sync", request({ receiver: "elsewhere" }), "sync.notRoomMember"],
  ["everyone", "sync", request({ receiver: "all" }), "sync.receiverNotAllowed"],
  ["a room without a name", "joinRoom", { room: "" }, "room.invalid"],
  ["a room with a name too long", "joinRoom", { room: "x".repeat(257) }, "room.invalid"],
  ["a control character in a room's name", "joinRoom", { room: "a\u0007b" }, "room.invalid"],
  ["a binary room", "joinRoom", { room: Buffer.from("r") }, "sync.invalidRequest"],
  ["a location that is no path", "updateLocation", { pathName: "examples" }, "sync.invalidRequest"],
];

for (const transport of ["websocket", "polling"]) {
  describe(transport, () => {
    for (const [title, event, payload, errorCode] of CASES) {
      test(`${title} is ${errorCode}`, LIMIT, async () => {
        const socket = await suite.clients.user({ sub: "ada" }, { rooms: ["r"], transports: [transport] });
        const ack = await ask(socket, event, payload);
        assert.deepEqual([ack.status, ack.errorCode], ["error", errorCode]);
        assert.ok(ack.message.length > 0 && ack.httpStatus >= 400, JSON.stringify(ack));
        const received = nextOne(socket, "sync");
        assert.equal((await sync(socket, "examples/updateCounter", "v1", { amount: 1 }, "r")).status, "success");
        assert.equal((await received).serverOutput.newValue, 2);
      });
    }
  });
}

test("above 1 MiB the transport ends the connection, and the server stays", LIMIT, async () => {
  const socket = await suite.clients.user({ sub: "ada" }, { rooms: ["r"] });
  const disconnected = once(socket, "disconnect");
  socket.emit("sync", request({ data: { fill: "x".repeat(2_000_000) } }));
  await disconnected;
  const again = await suite.clients.user({ sub: "ada" }, { rooms: ["r"] });
  assert.equal((await sync(again, "examples/updateCounter", "v1", { amount: 1 }, "r")).status, "success");
});
