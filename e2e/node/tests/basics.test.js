//! What every stock client does, over each transport: connect, rooms, events with and without acknowledgement.

import assert from "node:assert/strict";
import { once } from "node:events";
import { describe, test } from "node:test";

import { TRANSPORTS, ask, connected, countAcks, joinRoom, next, nextOne, sync } from "../src/client.js";
import { LIMIT, withPlayground } from "../src/suite.js";

const suite = withPlayground();

for (const [title, transports] of Object.entries(TRANSPORTS)) {
  describe(title, () => {
    const user = (sub, rooms) => suite.clients.user({ sub }, { rooms, transports });

    test("rooms are joined, listed in join order and left", LIMIT, async () => {
      const socket = await user("ada");
      assert.deepEqual(await ask(socket, "getJoinedRooms", {}), { status: "success", rooms: [] });
      assert.deepEqual(await ask(socket, "joinRoom", { room: "zebra" }), { status: "success", rooms: ["zebra"] });
      assert.deepEqual(await ask(socket, "joinRoom", { room: "ant" }), { status: "success", rooms: ["zebra", "ant"] });
      assert.deepEqual(await ask(socket, "getJoinedRooms", {}), { status: "success", rooms: ["zebra", "ant"] });
      assert.deepEqual(await ask(socket, "leaveRoom", { room: "zebra" }), { status: "success", rooms: ["ant"] });
      assert.deepEqual(await ask(socket, "getJoinedRooms", {}), { status: "success", rooms: ["ant"] });
    });

    test("an event is acknowledged and reaches the room, its sender included", LIMIT, async () => {
      const [ada, bob, cy] = await Promise.all(["ada", "bob", "cy"].map((sub) => user(sub, ["game"])));
      const received = Promise.all([ada, bob, cy].map((socket) => nextOne(socket, "sync")));
      const ack = await sync(ada, "examples/updateCounter", "v1", { amount: 5 }, "game");
      assert.deepEqual(ack, { status: "success", serverOutput: { newValue: 6 } });
      for (const event of await received) {
        assert.deepEqual(event, {
          name: "examples/updateCounter",
          version: "v1",
          room: "game",
          status: "success",
          serverOutput: { newValue: 6 },
          clientOutput: {},
        });
      }
    });

    test("ignoreSelf leaves out the calling socket and nobody else", LIMIT, async () => {
      const [ada, adasOtherTab, bob] = await Promise.all(["ada", "ada", "bob"].map((sub) => user(sub, ["self"])));
      const others = Promise.all([next(adasOtherTab, "sync", 2), next(bob, "sync", 2)]);
      // A room's events come in order: that the second one is the first to arrive proves the first was left out.
      const own = nextOne(ada, "sync");
      await sync(ada, "test/nestedTest/room", "v1", { step: 1, active: true }, "self", { ignoreSelf: true });
      await sync(ada, "test/nestedTest/room", "v1", { step: 2, active: true }, "self");
      assert.equal((await own).serverOutput.step, 2);
      for (const events of await others) assert.deepEqual(events.map((event) => event.serverOutput.step), [1, 2]);
    });

    test("an event with only a client stage tells each recipient something of their own", LIMIT, async () => {
      const [ada, bob] = await Promise.all(["ada", "bob"].map((sub) => user(sub, ["ping"])));
      const received = Promise.all([nextOne(ada, "sync"), nextOne(bob, "sync")]);
      assert.deepEqual(await sync(ada, "test/clientOnly/ping", "v1", {}, "ping"), {
        status: "success",
        serverOutput: {},
      });
      const [toAda, toBob] = await received;
      assert.deepEqual(toAda.clientOutput, { userId: "ada" });
      assert.deepEqual(toBob.clientOutput, { userId: "bob" });
      assert.deepEqual(toBob.serverOutput, {});
    });

    test("an event with only a server stage has an empty client output", LIMIT, async () => {
      const ada = await user("ada", ["server-only"]);
      const received = nextOne(ada, "sync");
      await sync(ada, "test/nestedTest/room", "v1", { step: 7, active: false }, "server-only");
      const { serverOutput, clientOutput } = await received;
      assert.deepEqual({ serverOutput, clientOutput }, { serverOutput: { step: 7, active: false }, clientOutput: {} });
    });

    test("rooms and texts of any script arrive unchanged", LIMIT, async () => {
      const room = 'комната 部屋 🎲 "q" \\ a/b __proto__ é é';
      const text = "¿Qué? 𝒳 🇯🇵 \u2028 '\"\\ <img onerror=alert(1)> @bob";
      const [ada, bob] = await Promise.all(["ada", "bob"].map((sub) => user(sub, [room])));
      assert.deepEqual((await ask(bob, "getJoinedRooms", {})).rooms, [room]);
      const received = nextOne(bob, "sync");
      const ack = await sync(ada, "chat/sendMessage", "v1", { text }, room);
      assert.equal(ack.serverOutput.text, text);
      const event = await received;
      assert.equal(event.room, room);
      assert.deepEqual(event.serverOutput, ack.serverOutput);
      assert.deepEqual(event.clientOutput, { mine: false, mentioned: true });
    });

    test("names that JavaScript objects have by birth are names like any other", LIMIT, async () => {
      const ada = await user("ada", ["constructor", "__proto__"]);
      assert.deepEqual((await ask(ada, "getJoinedRooms", {})).rooms, ["constructor", "__proto__"]);
      for (const name of ["__proto__", "constructor/toString"]) {
        assert.equal((await sync(ada, name, "v1", {}, "constructor")).errorCode, "sync.notFound");
      }
    });

    test("who asks for no acknowledgement gets none, and stays connected", LIMIT, async () => {
      const ada = await user("ada", ["quiet"]);
      const count = countAcks(ada);
      const received = nextOne(ada, "sync");
      ada.emit("sync", { name: "no/such", version: "v1", data: {}, receiver: "quiet" });
      ada.emit("joinRoom", { room: "quiet too" });
      ada.emit("sync", { name: "examples/updateCounter", version: "v1", data: { amount: 1 }, receiver: "quiet" });
      assert.equal((await received).serverOutput.newValue, 2);
      // Requests of one socket are handled in order, so this answer comes after any to those before it.
      assert.deepEqual(await ask(ada, "getJoinedRooms", {}), { status: "success", rooms: ["quiet", "quiet too"] });
      assert.equal(count.acks, 1);
      assert.equal(ada.connected, true);
    });

    test("a room that was left sends nothing more, and takes nothing", LIMIT, async () => {
      const [ada, bob] = await Promise.all(["ada", "bob"].map((sub) => user(sub, ["left", "kept"])));
      await ask(bob, "leaveRoom", { room: "left" });
      const received = nextOne(bob, "sync");
      await sync(ada, "examples/updateCounter", "v1", { amount: 1 }, "left");
      await sync(ada, "examples/updateCounter", "v1", { amount: 2 }, "kept");
      assert.equal((await received).room, "kept");
      const ack = await sync(bob, "examples/updateCounter", "v1", { amount: 1 }, "left");
      assert.deepEqual([ack.errorCode, ack.httpStatus], ["sync.notRoomMember", 403]);
    });
  });
}

test("a client that begins with polling ends on websocket, and loses nothing on the way", LIMIT, async () => {
  const transports = TRANSPORTS["polling, then websocket"];
  const token = await suite.playground.token({ sub: "ada" });
  const ada = suite.clients.dial({ auth: { token }, transports });
  // On one machine the upgrade may be done as soon as the connection.
  const upgraded = once(ada.io.engine, "upgrade");
  await connected(ada);
  await joinRoom(ada, "upgrade");
  const received = next(ada, "sync", 50);
  const acks = [];
  for (let step = 0; step < 50; step += 1) {
    acks.push(sync(ada, "test/nestedTest/room", "v1", { step, active: true }, "upgrade"));
  }
  await upgraded;
  assert.equal(ada.io.engine.transport.name, "websocket");
  const steps = Array.from({ length: 50 }, (_, step) => step);
  assert.deepEqual((await Promise.all(acks)).map((ack) => ack.serverOutput.step), steps);
  assert.deepEqual((await received).map((event) => event.serverOutput.step), steps);
});
