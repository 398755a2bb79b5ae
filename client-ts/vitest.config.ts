// How tests run: hooks in a browser's DOM, with the newest React and the oldest supported one; the rest in Node; all of
// it on the sources and on a real playground server.

import { resolve } from "node:path";
import { defineConfig, type TestProjectInlineConfiguration } from "vitest/config";

const here = (path: string) => resolve(import.meta.dirname, path);

const alias = [
  { find: /^syncline$/, replacement: here("src/index.ts") },
  { find: /^syncline\/documents$/, replacement: here("src/documents/index.ts") },
  { find: /^syncline\/react\/documents$/, replacement: here("src/react/documents.ts") },
  { find: /^syncline\/react$/, replacement: here("src/react/index.ts") },
  { find: /^syncline\/rooms$/, replacement: here("src/rooms/index.ts") },
  { find: /^syncline\/snapshots$/, replacement: here("src/snapshots/index.ts") },
  { find: /^syncline\/workspaces$/, replacement: here("src/workspaces/index.ts") },
  { find: /^syncline\/server$/, replacement: here("src/server/index.ts") },
];

// Ends a test that hangs; no test waits for it.
const limits = { testTimeout: 20_000, hookTimeout: 20_000 };

/** The hooks' tests on a major version of React, which these aliases lead to. */
const hooks = (REACT_MAJOR: string, more: typeof alias = []): TestProjectInlineConfiguration => ({
  resolve: { alias: [...alias, ...more] },
  test: {
    name: `react ${REACT_MAJOR}`,
    env: { REACT_MAJOR },
    include: ["tests/react/**/*.test.tsx"],
    environment: "happy-dom",
    // A page of the development server, which the playground lets in.
    environmentOptions: { happyDOM: { url: "http://localhost:5173/" } },
    ...limits,
  },
});

export default defineConfig({
  test: {
    projects: [
      {
        resolve: { alias },
        test: { name: "node", include: ["tests/{unit,server}/**/*.test.ts", "tests/types/*.test.ts"], ...limits },
      },
      hooks("19"),
      hooks("18", [
        // Its CommonJS build would find the other React: aliases count in what passes through Vite.
        {
          find: /^@testing-library\/react$/,
          replacement: here("node_modules/@testing-library/react/dist/@testing-library/react.esm.js"),
        },
        { find: /^react(?=$|\/)/, replacement: here("tests/react-18/node_modules/react") },
        { find: /^react-dom(?=$|\/)/, replacement: here("tests/react-18/node_modules/react-dom") },
      ]),
    ],
  },
});
