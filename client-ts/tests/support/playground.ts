// A playground server of a test's own, which can be stopped, frozen and killed. It asserts nothing.

import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtemp, readdir, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { createInterface } from "node:readline";
import { setImmediate } from "node:timers/promises";

const BINARY = process.env.SYNCLINE_PLAYGROUND_BIN ?? resolve(import.meta.dirname, "../../../target/debug/playground");

/** Tokens outlive a server when its successor has the same secret. */
const JWT_SECRET = "a secret of the client's tests, at least 32 bytes long";

/** What a token says. */
export interface Claims {
  sub: string;
  locale?: string;
  rooms?: string[];
  scope?: string;
  expires_in?: number;
}

/** A running playground. */
export interface Playground {
  url: string;
  /** Makes a token. */
  token(claims: Claims): Promise<string>;
  /** It answers nothing until `thaw`, and its connections stay. */
  freeze(): Promise<void>;
  thaw(): void;
  /** Ends it at once, as a crash does. */
  kill(): Promise<void>;
}

/** Starts a playground with these settings on top of development's. */
export async function startPlayground(settings: Record<string, string> = {}): Promise<Playground> {
  // A folder of its own and no inherited environment: no settings of the person who runs the tests get in.
  const folder = await mkdtemp(join(tmpdir(), "syncline-client-"));
  const child = spawn(BINARY, [], {
    cwd: folder,
    env: { PATH: process.env.PATH, SYNCLINE_ENV: "development", PORT: "0", RUST_LOG: "warn", JWT_SECRET, ...settings },
    stdio: ["ignore", "pipe", "inherit"],
  });
  // Should the tests end early, the server ends too.
  const end = () => void child.kill("SIGKILL");
  process.once("exit", end);
  const ended = once(child, "exit");

  const lines = createInterface({ input: child.stdout });
  const listening = new Promise<string>((resolve) => {
    lines.on("line", (line) => {
      const url = /listening on (http:\/\/\S+)/.exec(line)?.[1];
      if (url) resolve(url);
    });
  });
  const url = await Promise.race([
    listening,
    ended.then(([code]) => Promise.reject(new Error(`${BINARY} ended before it listened (exit code ${code})`))),
  ]);

  return {
    url,
    async token(claims) {
      const headers = { "content-type": "application/json" };
      const response = await fetch(`${url}/api/dev/token`, { method: "POST", headers, body: JSON.stringify(claims) });
      if (!response.ok) throw new Error(`no token: ${response.status} ${await response.text()}`);
      return ((await response.json()) as { token: string }).token;
    },
    async freeze() {
      child.kill("SIGSTOP");
      while (!(await isStopped(child.pid))) await setImmediate();
    },
    thaw: () => void child.kill("SIGCONT"),
    async kill() {
      end();
      await ended;
      process.off("exit", end);
      await rm(folder, { recursive: true, force: true });
    },
  };
}

/** Whether every thread of a process has stopped: each does so for itself. Where there is no `/proc`, it is believed. */
async function isStopped(pid: number | undefined): Promise<boolean> {
  const threads = await readdir(`/proc/${pid}/task`).catch(() => []);
  const states = threads.map((thread) => readFile(`/proc/${pid}/task/${thread}/stat`, "utf8"));
  return (await Promise.all(states)).every((stat) => / T /.test(stat));
}

/** Starts a server on another one's address. */
export function startAgain({ url }: Playground, settings: Record<string, string> = {}): Promise<Playground> {
  return startPlayground({ PORT: new URL(url).port, ...settings });
}
