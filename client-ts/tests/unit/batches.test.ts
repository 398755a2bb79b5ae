// Several events in one packet, from a server that speaks Socket.IO by hand: it says exactly what the test wants.

import { once } from "node:events";
import type { AddressInfo } from "node:net";
import { createSync, type SyncFrame } from "syncline";
import { expect, onTestFinished, test } from "vitest";
import { WebSocketServer } from "ws";

const OPEN = { sid: "engine", upgrades: [], pingInterval: 25_000, pingTimeout: 20_000, maxPayload: 1_000_000 };

const event = (step: number) => ({
  name: "test/nestedTest/room",
  version: "v1",
  room: "a",
  status: "success",
  serverOutput: { step, active: true },
  clientOutput: {},
});

/** A server that greets whoever comes and then says this; what it was told in the greeting. */
async function server(packet: unknown[]) {
  const listening = new WebSocketServer({ port: 0, host: "127.0.0.1" });
  onTestFinished(() => listening.close());
  await once(listening, "listening");
  const greeting = new Promise<Record<string, unknown>>((resolve) => {
    listening.on("connection", (socket) => {
      socket.send(`0${JSON.stringify(OPEN)}`);
      socket.on("message", (data) => {
        const text = data.toString();
        if (!text.startsWith("40")) return;
        resolve(JSON.parse(text.slice(2)));
        socket.send('40{"sid":"socket"}');
        socket.send(`42${JSON.stringify(packet)}`);
      });
    });
  });
  return { url: `http://127.0.0.1:${(listening.address() as AddressInfo).port}`, greeting };
}

test("events of one packet arrive one by one, in order, and each has a frame of its own", async () => {
  const { url, greeting } = await server(["sync", event(1), event(2), event(3)]);
  const sync = createSync({ url, socket: { transports: ["websocket"] } });
  onTestFinished(() => sync.close());
  const frames: SyncFrame[] = [];
  sync.inspect((frame) => frames.push(frame));
  const steps: number[] = [];
  const all = new Promise<void>((resolve) => {
    sync.upsertSyncEventCallback({
      name: "test/nestedTest/room",
      version: "v1",
      callback({ serverOutput }) {
        steps.push(serverOutput.step);
        if (serverOutput.step === 3) resolve();
      },
    });
  });
  sync.connect();
  expect(await greeting).toMatchObject({ batch: true });
  await all;
  expect(steps).toEqual([1, 2, 3]);
  const delivered = frames.filter(({ event }) => event === "sync").map(({ payload }) => payload);
  expect(delivered).toEqual([event(1), event(2), event(3)]);
});
