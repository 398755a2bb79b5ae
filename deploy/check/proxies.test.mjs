//! The example configurations of nginx and Caddy, each read by the real program and used by a stock Socket.IO client,
//! by streams and by plain WebSockets.
//!
//! What stands in a file is what is tested: only ports, nodes and certificates are replaced.

import assert from "node:assert/strict";
import { execFileSync, spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import http from "node:http";
import https from "node:https";
import { createRequire } from "node:module";
import { connect, createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, describe, test } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import { fileURLToPath } from "node:url";

import { TRANSPORTS, ask, connected, joinRoom, nextOne, sync } from "../../e2e/node/src/client.js";
import { startPlayground } from "../../e2e/node/src/playground.js";
import { read, write } from "./documents.mjs";
import { gamer, play, watch } from "./games.mjs";

const { io } = createRequire(new URL("../../e2e/node/", import.meta.url))("socket.io-client");

/** Ends a test that hangs; no test waits for it. */
const LIMIT = { timeout: 30_000 };
const SUITE_LIMIT = { timeout: 120_000 };
const START_MS = 10_000;
/** Requests that an address may make in these tests. */
const PER_ADDRESS = 20;
/** More addresses of this machine. */
const ADDRESSES = ["127.0.0.2", "127.0.0.3", "127.0.0.4", "127.0.0.5", "127.0.0.6", "127.0.0.7"];

// The certificates here are made by the tests for themselves.
process.env.NODE_TLS_REJECT_UNAUTHORIZED = "0";
process.removeAllListeners("warning");

const folder = mkdtempSync(join(tmpdir(), "syncline-proxies-"));
after(() => rmSync(folder, { recursive: true, force: true }));
process.once("exit", () => rmSync(folder, { recursive: true, force: true }));

/** A Redis of one's own. */
async function redis() {
  const port = await freePort();
  const own = mkdtempSync(join(folder, "redis-"));
  const args = ["--port", `${port}`, "--bind", "127.0.0.1", "--dir", own, "--save", "", "--appendonly", "no"];
  return start("redis-server", args, port, `redis://127.0.0.1:${port}`);
}

/** The text of a file with each of these replaced; one that is not there is an error. */
function configuration(name, replacements) {
  const text = readFileSync(new URL(`../${name}`, import.meta.url), "utf8");
  return replacements.reduce((text, [old, now]) => {
    assert.ok(text.includes(old), `${name} has no ${JSON.stringify(old)}`);
    return text.replaceAll(old, now);
  }, text);
}

async function freePort() {
  const server = createServer().listen(0, "127.0.0.1");
  await once(server, "listening");
  const { port } = server.address();
  server.close();
  await once(server, "close");
  return port;
}

/** Starts a program and waits until its port is open. */
async function start(program, args, port, url, environment = {}) {
  const env = { PATH: `${process.env.PATH}:/usr/sbin`, HOME: folder, ...environment };
  const child = spawn(program, args, { env, stdio: ["ignore", "ignore", "pipe"] });
  let said = "";
  child.stderr.on("data", (text) => {
    said += text;
  });
  const kill = () => child.kill("SIGTERM");
  process.once("exit", kill);
  const exited = once(child, "exit");
  const deadline = Date.now() + START_MS;
  while (!(await isOpen(port))) {
    assert.ok(child.exitCode === null && Date.now() < deadline, `${program} does not listen: ${said}`);
    await sleep(20);
  }
  return {
    url,
    async stop() {
      kill();
      await exited;
      process.off("exit", kill);
    },
  };
}

function isOpen(port) {
  return new Promise((resolve) => {
    const socket = connect(port, "127.0.0.1");
    socket.once("connect", () => resolve(true));
    socket.once("error", () => resolve(false));
    socket.once("connect", () => socket.destroy());
  });
}

let certificates;
function certificate() {
  certificates ??= (() => {
    const [key, file] = [join(folder, "key.pem"), join(folder, "certificate.pem")];
    const curve = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1"];
    const to = ["-nodes", "-days", "2", "-subj", "/CN=localhost", "-keyout", key, "-out", file];
    execFileSync("openssl", ["req", "-x509", ...curve, ...to], { stdio: "ignore" });
    return { key, file };
  })();
  return certificates;
}

/** nginx with one of the configurations, in front of these nodes. */
async function nginx(name, nodes) {
  const [plain, secure] = [await freePort(), await freePort()];
  const own = mkdtempSync(join(folder, "nginx-"));
  const temporary = ["client_body", "proxy", "fastcgi", "uwsgi", "scgi"];
  const paths = temporary.map((kind) => `${kind}_temp_path ${own}/${kind};`).join(" ");
  const { key, file } = certificate();
  const text = configuration(name, [
    ["http {", `http { ${paths}`],
    ["/var/log/nginx/access.log", join(own, "access.log")],
    ["listen 80;", `listen 127.0.0.1:${plain};`],
    ["listen 443 ", `listen 127.0.0.1:${secure} `],
    ["/etc/nginx/tls/fullchain.pem", file],
    ["/etc/nginx/tls/privkey.pem", key],
    ...nodes.map((node, index) => [`127.0.0.1:${4000 + index}`, hostOf(node)]),
  ]);
  writeFileSync(join(own, "nginx.conf"), text);
  const globals = `daemon off; pid ${own}/pid; error_log stderr;`;
  const args = ["-p", own, "-e", "stderr", "-c", join(own, "nginx.conf"), "-g", globals];
  const proxy = await start("nginx", args, secure, `https://127.0.0.1:${secure}`);
  const log = () => readFileSync(join(own, "access.log"), "utf8");
  return { ...proxy, plain: `http://127.0.0.1:${plain}`, log };
}

/** Caddy with one of the configurations, in front of these nodes. */
async function caddy(name, nodes) {
  const port = await freePort();
  const file = join(mkdtempSync(join(folder, "caddy-")), "Caddyfile");
  writeFileSync(file, configuration(name, [["grace_period 10s", "grace_period 100ms\n\tadmin off"]]));
  const url = `http://127.0.0.1:${port}`;
  const hosts = nodes.map(hostOf).join(" ");
  return start("caddy", ["run", "--adapter", "caddyfile", "--config", file], port, url, {
    SITE: url,
    NODE: hosts,
    NODES: hosts,
  });
}

const hostOf = (node) => new URL(node.url).host;

/** Connections from one of this machine's own addresses. */
function agent(url, localAddress) {
  const { Agent } = url.startsWith("https") ? https : http;
  return new Agent({ localAddress, rejectUnauthorized: false });
}

/** A request, perhaps from one of this machine's own addresses; resolves with its status. */
function status(url, { from, headers, method = "GET", body } = {}) {
  const { request } = url.startsWith("https") ? https : http;
  return new Promise((resolve, reject) => {
    const asked = request(url, { method, headers, agent: agent(url, from) }, (response) => {
      response.resume();
      response.once("end", () => resolve(response.statusCode));
    });
    asked.once("error", reject);
    asked.end(body);
  });
}

/** The request for an event in the room `hall`, for `status` and `fetch`. */
async function event(node, amount) {
  return {
    method: "POST",
    headers: { authorization: `Bearer ${await node.token({ sub: "bob" })}`, "content-type": "application/json" },
    body: JSON.stringify({ data: { amount }, receiver: "hall" }),
  };
}

/** The versions that a stream has, from the first one to the second one that is put through the proxy after it. */
async function versions(proxy, room) {
  const stream = new AbortController();
  const answer = await fetch(`${room}/stream`, { signal: stream.signal });
  const events = answer.body.pipeThrough(new TextDecoderStream()).getReader();
  const headers = { "content-type": "application/json" };
  let seen = [];
  for (let text = ""; seen.length < 3; ) {
    text += (await events.read()).value;
    const now = [...text.matchAll(/"version":(\d+)/g)].map((match) => Number(match[1]));
    if (now.length === seen.length) continue;
    seen = now;
    const body = JSON.stringify({ state: { after: seen.at(-1) } });
    await fetch(`${proxy.url}${new URL(room).pathname}`, { method: "PUT", headers, body });
  }
  stream.abort();
  return seen;
}

/** A value of a node's metrics. */
async function metric(node, name) {
  const text = await (await fetch(`${node.url}/metrics`)).text();
  return Number(text.split("\n").find((line) => line.startsWith(`${name} `)).slice(name.length));
}

const sockets = (node) => metric(node, "syncline_sockets");

/** Sockets that are closed at the end of a test. */
function dialer(context) {
  return async (proxy, node, { from, ...options }) => {
    const token = await node.token({ sub: "ada" });
    const always = { auth: { token }, forceNew: true, reconnection: false, rejectUnauthorized: false };
    const socket = io(proxy.url, { ...always, agent: agent(proxy.url, from), ...options });
    context.after(() => socket.disconnect());
    await connected(socket);
    return socket;
  };
}

for (const [program, run, one, two] of [
  ["nginx", nginx, "nginx.conf", "nginx-two-nodes.conf"],
  ["Caddy", caddy, "Caddyfile", "Caddyfile-two-nodes"],
]) {
  describe(`${program} in front of one node`, SUITE_LIMIT, () => {
    let node;
    let proxy;
    before(async () => {
      node = await startPlayground({ TRUSTED_PROXIES: "127.0.0.1", RATE_LIMIT_PER_ADDRESS: `${PER_ADDRESS}/3600` });
      proxy = await run(one, [node]);
    });
    after(() => proxy?.stop());
    after(() => node?.stop());

    for (const [name, transports] of Object.entries(TRANSPORTS)) {
      test(`a stock client syncs over ${name}, and hears a POST`, LIMIT, async (context) => {
        const socket = await dialer(context)(proxy, node, { transports });
        await joinRoom(socket, "hall");
        const heard = nextOne(socket, "sync");
        const ack = await sync(socket, "examples/updateCounter", "v1", { amount: 1 }, "hall");
        assert.deepEqual(ack, { status: "success", serverOutput: { newValue: 2 } });
        assert.deepEqual((await heard).serverOutput, { newValue: 2 });

        const posted = nextOne(socket, "sync");
        const answer = await fetch(`${proxy.url}/sync/examples/updateCounter/v1`, await event(node, 2));
        assert.equal(answer.status, 200);
        assert.deepEqual((await posted).serverOutput, { newValue: 3 });
      });
    }

    test("the page's own origin passes, another one does not", LIMIT, async () => {
      const handshake = `${proxy.url}/socket.io/?EIO=4&transport=polling`;
      assert.equal(await status(handshake, { headers: { origin: proxy.url } }), 200);
      assert.equal(await status(handshake, { headers: { origin: "https://evil.example" } }), 403);
    });

    test("metrics stay inside", LIMIT, async () => {
      assert.equal(await status(`${proxy.url}/metrics`), 404);
      assert.equal(await status(`${node.url}/metrics`), 200);
    });

    test("a client is known by its own address, whatever it says", LIMIT, async () => {
      const url = `${proxy.url}/sync/examples/updateCounter/v1`;
      const request = await event(node, 1);
      const [greedy, other] = ADDRESSES;
      const statuses = [];
      for (let count = 0; count <= PER_ADDRESS; count += 1) {
        const headers = { ...request.headers, "x-forwarded-for": `192.0.2.${count}` };
        statuses.push(await status(url, { ...request, from: greedy, headers }));
      }
      assert.deepEqual(statuses, [...Array(PER_ADDRESS).fill(200), 429]);
      assert.equal(await status(url, { ...request, from: other }), 200);
    });

    test("a stream of a room has what is put there", LIMIT, async () => {
      assert.deepEqual(await versions(proxy, `${proxy.url}/api/rooms/hall`), [0, 1, 2]);
    });

    test("a game is pushed over a WebSocket", LIMIT, async (context) => {
      const headers = await gamer(node);
      assert.equal(await play(proxy, headers, "7"), 1);
      const version = await watch(context, proxy, headers, "7");
      assert.equal(await version(), 1);
      assert.equal(await play(proxy, headers, "7"), 2);
      assert.equal(await version(), 2);
    });

    test("a document is written and read, whatever its name and however large a message", LIMIT, async (context) => {
      const token = await node.token({ sub: "ada", scope: "read write" });
      // Larger than a body may be here.
      const text = "Lunch at noon. ".repeat(150_000);
      await write(context, proxy.url, encodeURIComponent("team 7/../ü"), token, text, ADDRESSES[2]);
      assert.ok((await read(context, proxy.url, "team%207%2f%2E%2E%2f%C3%BC", token, ADDRESSES[3])).includes(text));
      assert.ok((await read(context, node.url, "team%207%2F..%2F%C3%BC", token, ADDRESSES[4])).includes(text));
    });

    test("events of a stream come when they are sent", LIMIT, async (context) => {
      const source = http.createServer((_request, response) => {
        response.writeHead(200, { "content-type": "text/event-stream" });
        response.write("data: first\n\n");
      });
      source.listen(0, "127.0.0.1");
      await once(source, "listening");
      const stream = await run(one, [{ url: `http://127.0.0.1:${source.address().port}` }]);
      context.after(() => stream.stop());
      context.after(() => source.closeAllConnections());
      context.after(() => source.close());
      const aborted = new AbortController();
      const answer = await fetch(`${stream.url}/api/rooms/hall/stream`, { signal: aborted.signal });
      // The response never ends, so what is read here was passed on before its end.
      const { value } = await answer.body.getReader().read();
      assert.equal(new TextDecoder().decode(value), "data: first\n\n");
      aborted.abort();
    });

    if (program === "nginx") {
      test("no ticket gets into the log", LIMIT, async () => {
        assert.equal(await status(`${proxy.url}/ws/games/8?token=nonsense`), 401);
        // It is written when the answer has gone out.
        while (!proxy.log().includes('"GET /ws/games/8" 401')) await sleep(10);
        assert.doesNotMatch(proxy.log(), /token=|nonsense/);
        assert.equal(await status(`${proxy.url}/sync/v1/notes?token=nonsense`, { from: ADDRESSES[5] }), 401);
        while (!proxy.log().includes('"GET /sync/v1/notes" 401')) await sleep(10);
        assert.doesNotMatch(proxy.log(), /token=|nonsense|eyJ/);
      });

      test("whoever comes without TLS is sent to it", LIMIT, async () => {
        const answer = await fetch(`${proxy.plain}/a?b=c`, { redirect: "manual" });
        assert.deepEqual([answer.status, answer.headers.get("location")], [301, "https://127.0.0.1/a?b=c"]);
      });
    }
  });

  describe(`${program} in front of two nodes`, SUITE_LIMIT, () => {
    let nodes;
    let proxy;
    let store;
    before(async () => {
      store = await redis();
      const settings = { JWT_SECRET: "a secret that both of the nodes here know", REDIS_URL: store.url };
      nodes = await Promise.all([startPlayground(settings), startPlayground(settings)]);
      proxy = await run(two, nodes);
    });
    after(() => proxy?.stop());
    after(() => Promise.all((nodes ?? []).map((node) => node.stop())));
    after(() => store?.stop());

    for (const [name, transports] of Object.entries(TRANSPORTS)) {
      test(`sessions of several addresses work over ${name}, on both nodes, and hear each other`, LIMIT, async (context) => {
        const dial = dialer(context);
        const dialed = ADDRESSES.map((from) => dial(proxy, nodes[0], { transports, from }));
        const opened = await Promise.all(dialed);
        for (const [index, socket] of opened.entries()) {
          for (let request = 0; request < 5; request += 1) await joinRoom(socket, `room-${index}-${request}`);
        }
        const counts = await Promise.all(nodes.map(sockets));
        assert.ok(Math.min(...counts) > 0, `all sockets are on one node: ${counts}`);
        if (transports.length === 2) {
          for (const socket of opened) assert.equal(socket.io.engine.transport.name, "websocket");
        }
        // All are in one room by now, and each one's event reaches all of them, on whichever node.
        for (const socket of opened) await joinRoom(socket, "hall");
        for (const sender of opened) {
          const heard = Promise.all(opened.map((socket) => nextOne(socket, "sync")));
          assert.equal((await sync(sender, "examples/updateCounter", "v1", { amount: 7 }, "hall")).status, "success");
          for (const event of await heard) assert.equal(event.room, "hall");
        }
      });
    }

    test("metrics stay inside", LIMIT, async () => {
      assert.equal(await status(`${proxy.url}/metrics`), 404);
    });

    test("a room is one on both nodes", LIMIT, async () => {
      // Streams are read from each node itself; what is put goes through the proxy, to the one or the other.
      const [first, second] = nodes.map((node) => `${node.url}/api/rooms/hall`);
      assert.deepEqual(await versions(proxy, first), [0, 1, 2]);
      assert.deepEqual(await versions(proxy, second), [3, 4, 5]);
      assert.deepEqual(await versions(proxy, `${proxy.url}/api/rooms/hall`), [6, 7, 8]);
    });

    test("a game is pushed to those who watch it on either node", LIMIT, async (context) => {
      const headers = await gamer(nodes[0]);
      assert.equal(await play(proxy, headers, "7"), 1);
      const watchers = [];
      while (watchers.length < 6) watchers.push(await watch(context, proxy, headers, "7"));
      const counts = await Promise.all(nodes.map((node) => metric(node, 'ws_connections_active{system="snapshots"}')));
      assert.ok(Math.min(...counts) > 0, `all watchers are on one node: ${counts}`);
      for (const version of watchers) assert.equal(await version(), 1);
      assert.equal(await play(proxy, headers, "7"), 2);
      for (const version of watchers) assert.equal(await version(), 2);
    });

    test("who was on a node that dies goes on with the other one", LIMIT, async (context) => {
      const reconnecting = { reconnection: true, reconnectionDelay: 50, reconnectionDelayMax: 250 };
      const socket = await dialer(context)(proxy, nodes[0], { transports: ["websocket"], ...reconnecting });
      const counts = await Promise.all(nodes.map(sockets));
      const [dead] = nodes.splice(counts[0] > 0 ? 0 : 1, 1);
      const back = once(socket.io, "reconnect");
      await dead.kill();
      await back;
      assert.equal((await ask(socket, "joinRoom", { room: "hall" })).status, "success");
      assert.equal(await sockets(nodes[0]), 1);
      for (const from of ADDRESSES) assert.equal(await status(`${proxy.url}/healthz`, { from }), 200);
    });
  });
}
