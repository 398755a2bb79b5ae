// How the page is served while it is worked on, and built for the server to carry. What is on it is in `src`.

import react from "@vitejs/plugin-react";
import { defineConfig } from "vite";

/** Where the playground's server listens; `cargo xtask dev` sets it. */
const server = process.env.SYNCLINE_SERVER ?? "http://localhost:4000";

/** What the server answers. */
const PROXIED = ["/socket.io", "/ws", "/v1", "/sync", "/api", "/healthz", "/readyz", "/metrics", "/openapi.json"];

/** Where it has WebSockets. */
const SOCKETS = new Set(["/socket.io", "/ws", "/v1", "/sync"]);

export default defineConfig({
  plugins: [react()],
  // The package is linked from this repository and has a React and a Yjs of its own for its tests: the page may have only
  // one of each.
  resolve: { dedupe: ["react", "react-dom", "yjs", "y-websocket"] },
  server: {
    // The `Host` header stays, so that for the server the page and what it asks for are of one origin.
    proxy: Object.fromEntries(PROXIED.map((path) => [path, { target: server, ws: SOCKETS.has(path) }])),
  },
  build: { outDir: "dist", target: "es2022" },
});
