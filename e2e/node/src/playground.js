//! A playground server of one's own for a test: started on a free port, stopped afterwards. It asserts nothing.

import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";

const BINARY =
  process.env.SYNCLINE_PLAYGROUND_BIN ??
  fileURLToPath(new URL("../../../target/debug/playground", import.meta.url));

/** How long the server may take to listen. It is generous: a machine that builds at the same time is slow. */
const START_MS = 20_000;

/**
 * Starts the playground with these settings on top of development's.
 *
 * @param {Record<string, string>} settings
 */
export async function startPlayground(settings = {}) {
  // A folder of its own and no inherited environment: no settings of the person who runs the tests get in.
  const folder = await mkdtemp(join(tmpdir(), "syncline-e2e-"));
  const child = spawn(BINARY, [], {
    cwd: folder,
    env: { PATH: process.env.PATH, SYNCLINE_ENV: "development", PORT: "0", RUST_LOG: "warn", ...settings },
    stdio: ["ignore", "pipe", "inherit"],
  });
  // Should the test process end early, the server ends too.
  const killServer = () => child.kill("SIGKILL");
  process.once("exit", killServer);
  const exited = new Promise((resolve, reject) => {
    child.once("error", reject);
    child.once("exit", (code, signal) => resolve({ code, signal }));
  });
  let url;
  try {
    url = await listeningUrl(child, exited);
  } catch (error) {
    killServer();
    throw error;
  }

  return {
    url,
    /** Makes a token with these claims (`sub`, `name`, `locale`, `scope`, `rooms`, `expires_in`). */
    async token(claims) {
      const response = await post(`${url}/api/dev/token`, claims);
      return (await response.json()).token;
    },
    /** Posts JSON to a path of the server, as whoever the token says. */
    post(path, body, token) {
      return post(`${url}${path}`, body, token && { authorization: `Bearer ${token}` });
    },
    /** Ends the server at once, as a crash would. */
    async kill() {
      killServer();
      await exited;
      process.off("exit", killServer);
      await rm(folder, { recursive: true, force: true });
    },
    /** Asks the server to stop and tells how it ended: `{code, signal}`. */
    async stop() {
      child.kill("SIGTERM");
      const ended = await exited;
      process.off("exit", killServer);
      await rm(folder, { recursive: true, force: true });
      return ended;
    },
  };
}

/** @typedef {Awaited<ReturnType<typeof startPlayground>>} Playground */

async function listeningUrl(child, exited) {
  const tooLate = AbortSignal.timeout(START_MS);
  const lines = createInterface({ input: child.stdout });
  const listening = new Promise((resolve) => {
    // It stays attached: a pipe that nobody reads would fill up and stop the server.
    lines.on("line", (line) => {
      const url = /listening on (http:\/\/\S+)/.exec(line)?.[1];
      if (url) resolve(url);
      else process.stderr.write(`${line}\n`);
    });
  });
  const ended = exited.then(({ code, signal }) => {
    throw new Error(`${BINARY} ended before it listened (exit code ${code}, signal ${signal})`);
  });
  const late = once(tooLate, "abort").then(() => {
    throw new Error(`${BINARY} did not say "listening on http://..." within ${START_MS} ms`);
  });
  return Promise.race([listening, ended, late]);
}

function post(url, body, headers) {
  return fetch(url, {
    method: "POST",
    headers: { "content-type": "application/json", ...headers },
    body: JSON.stringify(body),
  });
}
