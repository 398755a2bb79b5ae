// How the tests run: in the Chromium that is installed, one after the other, since they share two cores with a server.

import { existsSync } from "node:fs";
import { defineConfig } from "@playwright/test";

const CANDIDATES = [
  process.env.CHROMIUM_BIN,
  "/usr/bin/chromium",
  "/usr/bin/chromium-browser",
  "/usr/bin/google-chrome",
  "/Applications/Google Chrome.app/Contents/MacOS/Google Chrome",
];
const executablePath = CANDIDATES.find((path) => path && existsSync(path));
if (!executablePath) throw new Error("no Chromium found: install it, or say where it is in CHROMIUM_BIN");

export default defineConfig({
  testDir: "tests",
  outputDir: "../../target/browser-tests",
  workers: 1,
  forbidOnly: true,
  timeout: 60_000,
  expect: { timeout: 15_000 },
  reporter: [["list"]],
  use: {
    viewport: { width: 1280, height: 900 },
    trace: "retain-on-failure",
    launchOptions: {
      executablePath,
      // Chromium's sandbox does not start for root, which is who runs in most containers.
      args: process.getuid?.() === 0 ? ["--no-sandbox"] : [],
    },
  },
});
