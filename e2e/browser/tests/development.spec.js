// The page as `cargo xtask dev` shows it: Vite's server before ours, and React in development, where StrictMode mounts
// every component twice.

import { spawn } from "node:child_process";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";
import { expect, openPage, test } from "../src/fixtures.js";

const WEB = fileURLToPath(new URL("../../../examples/playground/web", import.meta.url));

async function startVite(server) {
  const vite = spawn("npm", ["run", "dev", "--", "--port", "0"], {
    cwd: WEB,
    env: { ...process.env, SYNCLINE_SERVER: server, NO_COLOR: "1" },
    stdio: ["ignore", "pipe", "inherit"],
    detached: true,
  });
  const stop = () => process.kill(-vite.pid, "SIGTERM");
  for await (const line of createInterface({ input: vite.stdout })) {
    const url = /Local:\s+(http:\/\/\S+?)\/?$/.exec(line)?.[1];
    if (url) return { url, stop };
  }
  throw new Error("Vite ended before it listened");
}

test("mounted twice, a component has one connection and one callback", async ({ context, server, room }) => {
  const vite = await startVite(server.url);
  try {
    const sockets = [];
    const watching = [];
    const boards = [];
    context.on("page", (page) =>
      page.on("websocket", (socket) => {
        if (socket.url().includes("/socket.io/")) sockets.push(socket);
        if (socket.url().includes("/ws/snapshots/cards/")) watching.push(socket);
        if (socket.url().includes("/v1/sync/")) boards.push(socket);
      }),
    );
    const { page, faults, alice, bob } = await openPage(context, vite.url, room);
    await alice.isConnected();
    await bob.isConnected();
    const isDevelopment = await page.evaluate(() => performance.getEntriesByType("resource").some(({ name }) => name.includes("/@vite/client")));
    expect(isDevelopment).toBe(true);

    await alice.say("once");
    await expect(bob.message("once")).toBeVisible();
    await alice.say("after it");
    await expect(bob.message("after it")).toBeVisible();
    await expect(bob.message("once")).toHaveCount(1);
    await expect(alice.message("once")).toHaveCount(1);
    expect(sockets, "one for each of the two").toHaveLength(2);
    await alice.atTable("Sit down");
    await expect(bob.table).toContainText("Alice sat down");
    await expect(bob.transport).toHaveText("websocket");
    expect(watching, "and one for each of their tables").toHaveLength(2);
    await alice.addNote("through Vite");
    await expect(bob.boardNote("through Vite")).toHaveCount(1);
    await alice.boardIsSynced();
    await expect(bob.board, "and what is asked for over HTTP").toContainText("1 change");
    expect(boards, "and one for each of their boards").toHaveLength(2);
    expect(faults).toEqual([]);
    await page.close();
  } finally {
    vite.stop();
  }
});
