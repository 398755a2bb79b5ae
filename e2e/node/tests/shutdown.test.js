//! A server that is told to stop: it tells every socket and exits by itself with 0.

import assert from "node:assert/strict";
import { once } from "node:events";
import { test } from "node:test";

import { Clients, TRANSPORTS, sync } from "../src/client.js";
import { startPlayground } from "../src/playground.js";
import { LIMIT } from "../src/suite.js";

test("SIGTERM tells sockets of every transport, and the server exits 0", LIMIT, async () => {
  const playground = await startPlayground();
  const clients = new Clients(playground);
  try {
    const sockets = await Promise.all(
      Object.values(TRANSPORTS).map((transports) => clients.user({ sub: "ada" }, { rooms: ["r"], transports })),
    );
    for (const socket of sockets) {
      assert.equal((await sync(socket, "examples/updateCounter", "v1", { amount: 1 }, "r")).status, "success");
    }
    const told = Promise.all(sockets.map((socket) => once(socket, "disconnect")));
    const ended = await playground.stop();
    assert.deepEqual((await told).map(([reason]) => reason), sockets.map(() => "io server disconnect"));
    assert.deepEqual(ended, { code: 0, signal: null });
  } finally {
    clients.close();
    await playground.stop();
  }
});

test("SIGTERM without any socket ends the server at once", LIMIT, async () => {
  const playground = await startPlayground();
  assert.deepEqual(await playground.stop(), { code: 0, signal: null });
});
