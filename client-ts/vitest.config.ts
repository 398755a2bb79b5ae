// How tests run: hooks in a browser's DOM, the rest in Node, all of it on the sources and on a real playground server.

import { fileURLToPath } from "node:url";
import { defineConfig } from "vitest/config";

const source = (path: string) => fileURLToPath(new URL(`./src/${path}`, import.meta.url));

const alias = [
  { find: /^syncline$/, replacement: source("index.ts") },
  { find: /^syncline\/react$/, replacement: source("react/index.ts") },
  { find: /^syncline\/server$/, replacement: source("server/index.ts") },
];

// Ends a test that hangs; no test waits for it.
const limits = { testTimeout: 20_000, hookTimeout: 20_000 };

export default defineConfig({
  test: {
    projects: [
      {
        resolve: { alias },
        test: { name: "node", include: ["tests/{unit,server}/**/*.test.ts", "tests/types/*.test.ts"], ...limits },
      },
      {
        resolve: { alias },
        test: {
          name: "react",
          include: ["tests/react/**/*.test.tsx"],
          environment: "happy-dom",
          // A page of the development server, which the playground lets in.
          environmentOptions: { happyDOM: { url: "http://localhost:5173/" } },
          ...limits,
        },
      },
    ],
  },
});
