//! A server that is told to stop: every socket learns of it and comes back to the next server by itself.

import assert from "node:assert/strict";
import { once } from "node:events";
import { test } from "node:test";

import { Clients, TRANSPORTS, connected, joinRoom, nextOne, sync } from "../src/client.js";
import { startPlayground } from "../src/playground.js";
import { LIMIT } from "../src/suite.js";

/** Tokens outlive a server when its successor has the same secret. */
const SECRET = { JWT_SECRET: "a secret of the end-to-end tests, at least 32 bytes long" };

const counter = (socket) => sync(socket, "examples/updateCounter", "v1", { amount: 1 }, "r");

test("SIGTERM ends the server with 0, and sockets of every transport return to its successor", LIMIT, async () => {
  const first = await startPlayground(SECRET);
  const clients = new Clients(first);
  let second;
  try {
    const token = await first.token({ sub: "ada" });
    const sockets = Object.values(TRANSPORTS).map((transports) =>
      clients.dial({ auth: { token }, transports, reconnection: true }),
    );
    await Promise.all(sockets.map(connected));
    for (const socket of sockets) {
      await joinRoom(socket, "r");
      assert.equal((await counter(socket)).status, "success");
    }

    const disconnected = Promise.all(sockets.map((socket) => once(socket, "disconnect")));
    assert.deepEqual(await first.stop(), { code: 0, signal: null });
    await disconnected;
    // Not so after a disconnect that the server means for good.
    for (const socket of sockets) assert.equal(socket.active, true);

    const returned = Promise.all(sockets.map((socket) => once(socket, "connect")));
    second = await startPlayground({ ...SECRET, PORT: new URL(first.url).port });
    await returned;
    for (const socket of sockets) {
      await joinRoom(socket, "r");
      const received = nextOne(socket, "sync");
      assert.equal((await counter(socket)).status, "success");
      assert.equal((await received).serverOutput.newValue, 2);
    }
  } finally {
    clients.close();
    await first.stop();
    await second?.stop();
  }
});

test("SIGTERM as soon as the server listens ends it with 0, too", LIMIT, async () => {
  const playground = await startPlayground();
  assert.deepEqual(await playground.stop(), { code: 0, signal: null });
});
