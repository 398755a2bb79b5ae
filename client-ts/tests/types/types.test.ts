// What the compiler says to an app's author: each mistake is found, with words that help, and nothing else is one.

import { execFile } from "node:child_process";
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { expect, test } from "vitest";

const PACKAGE = join(import.meta.dirname, "../..");
const EXPECTED = /^\s*\/\/ error: (.*)$/;
const DIAGNOSTIC = /\((\d+),\d+\): error TS\d+: (.*)$/;

/** What the compiler says of a project, by line of its one file. */
async function diagnose(project: string): Promise<Map<number, string>> {
  const tsc = join(PACKAGE, "node_modules/.bin/tsc");
  const output = await new Promise<string>((resolve) => {
    execFile(tsc, ["--project", project, "--pretty", "false"], (_, stdout) => resolve(stdout));
  });
  const said = new Map<number, string>();
  for (const line of output.split("\n").filter((line) => line && !line.startsWith(" "))) {
    const [, place, message] = DIAGNOSTIC.exec(line) ?? [];
    if (!place || !message) throw new Error(`not about a line: ${line} (is the package built?)`);
    said.set(Number(place), [said.get(Number(place)), message].filter(Boolean).join("\n"));
  }
  return said;
}

test.for(["mistakes", "loose"])("%s: each is answered as its comment says", async (name) => {
  const folder = join(import.meta.dirname, name);
  const [said, text] = await Promise.all([diagnose(folder), readFile(join(folder, `${name}.ts`), "utf8")]);
  const wanted = new Map<number, unknown>();
  text.split("\n").forEach((line, index) => {
    const words = EXPECTED.exec(line)?.[1];
    // Lines count from one, and the comment is above the one it is about.
    if (words) wanted.set(index + 2, expect.stringContaining(words));
  });
  expect(wanted.size).toBeGreaterThan(0);
  expect(Object.fromEntries(said)).toEqual(Object.fromEntries(wanted));
});
