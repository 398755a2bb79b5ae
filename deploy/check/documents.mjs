//! Documents that are written and read through a proxy, in the frames of y-protocols. It asserts nothing.

import { on, once } from "node:events";
import { createRequire } from "node:module";

const requireOfTests = createRequire(new URL("../../e2e/node/", import.meta.url));
// What Socket.IO's own client is made of: Node.js before 22 has no `WebSocket`.
const { WebSocket } = createRequire(requireOfTests.resolve("engine.io-client"))("ws");

const unsigned = (value) => (value < 128 ? [value] : [(value % 128) + 128, ...unsigned(Math.floor(value / 128))]);

const prefixed = (bytes) => Buffer.concat([Buffer.from(unsigned(bytes.length)), bytes]);

/** Yjs's update that puts this into the root `text`, of a client that nobody else is. */
const insertion = (text) =>
  Buffer.concat([Buffer.from([1, 1, 7, 0, 4, 1]), prefixed(Buffer.from("text")), prefixed(Buffer.from(text)), Buffer.of(0)]);

/** A socket at that document, once it was greeted; gives its further frames, the first that begins with these bytes. */
async function open(context, url, path, token, localAddress) {
  const socket = new WebSocket(`${url.replace("http", "ws")}/sync/v1/${path}?token=${token}`, {
    rejectUnauthorized: false,
    localAddress,
  });
  context.after(() => socket.terminate());
  const frames = on(socket, "message");
  await once(socket, "open");
  const next = async (...head) => {
    for (;;) {
      const [frame] = (await frames.next()).value;
      if (head.every((byte, index) => frame[index] === byte)) return frame;
    }
  };
  await next(0, 0);
  return { socket, next };
}

/** Writes it, and waits until it is in the journal. */
export async function write(context, url, path, token, text, localAddress) {
  const { socket, next } = await open(context, url, path, token, localAddress);
  socket.send(Buffer.concat([Buffer.of(0, 2), prefixed(insertion(text))]));
  socket.send(Buffer.of(64, 1));
  await next(64, 1, 1);
}

/** All that is in it, as bytes in which a text can be found. */
export async function read(context, url, path, token, localAddress) {
  const { socket, next } = await open(context, url, path, token, localAddress);
  socket.send(Buffer.of(0, 0, 1, 0));
  return next(0, 1);
}
