//! Games that are written and watched through a proxy. It asserts nothing.

import { on, once } from "node:events";
import { createRequire } from "node:module";

const requireOfTests = createRequire(new URL("../../e2e/node/", import.meta.url));
// What Socket.IO's own client is made of: Node.js before 22 has no `WebSocket`.
const { WebSocket } = createRequire(requireOfTests.resolve("engine.io-client"))("ws");

/** The headers of somebody who writes and watches games. */
export async function gamer(node) {
  const token = await node.token({ sub: "ada", scope: "games:write" });
  return { authorization: `Bearer ${token}`, "content-type": "application/json" };
}

/** Writes a game through the proxy; the version that it is at then. */
export async function play(proxy, headers, game) {
  const body = JSON.stringify({ data: { turn: "ada" } });
  const answer = await fetch(`${proxy.url}/api/games/${game}/snapshot`, { method: "PUT", headers, body });
  return (await answer.json()).version;
}

/** Watches a game through the proxy, by a ticket as a browser does; gives a function for the next version. */
export async function watch(context, proxy, headers, game) {
  const { token } = await (await fetch(`${proxy.url}/api/ws/token`, { method: "POST", headers })).json();
  const url = `${proxy.url.replace("http", "ws")}/ws/games/${game}?token=${token}`;
  const socket = new WebSocket(url, { rejectUnauthorized: false });
  context.after(() => socket.terminate());
  const messages = on(socket, "message");
  await once(socket, "open");
  return async () => JSON.parse((await messages.next()).value[0]).lockVersion;
}
