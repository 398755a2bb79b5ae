//! A playground that may be ended and started again with what it has kept, and what is in its folder.

import { once } from "node:events";
import { mkdtemp, readFile, rm } from "node:fs/promises";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";

import * as Y from "yjs";

import { startPlayground } from "../../node/src/playground.js";
import { SECRETS } from "./clients.js";

/** A port that nobody has. */
async function freePort() {
  const server = createServer().listen(0, "127.0.0.1");
  await once(server, "listening");
  const { port } = server.address();
  server.close();
  await once(server, "close");
  return `${port}`;
}

/** What a document's file is called. */
function fileName(document) {
  const encoded = encodeURIComponent(document).replace(/(%..)|([A-Z])/g, (_, escaped, capital) => {
    return escaped ?? `%${capital.charCodeAt(0).toString(16).toUpperCase()}`;
  });
  return `${encoded}.bin`;
}

/** Starts a playground that keeps its documents where `stored` finds them. */
export async function startKept() {
  const folder = await mkdtemp(join(tmpdir(), "syncline-e2e-data-"));
  const settings = { ...SECRETS, PORT: await freePort(), DATA_DIR: folder };
  let server = await startPlayground(settings);
  return {
    url: server.url,
    /** Ends it as a crash would. */
    kill: () => server.kill(),
    /** Asks it to stop. */
    stop: () => server.stop(),
    /** Starts it again. */
    start: async () => {
      server = await startPlayground(settings);
    },
    /** What the folder has of a document, and nothing else. */
    stored: async (document) => {
      const doc = new Y.Doc();
      Y.applyUpdate(doc, await readFile(join(folder, "documents", fileName(document))));
      return doc;
    },
    /** Ends it and takes its folder away. */
    end: async () => {
      await server.stop();
      await rm(folder, { recursive: true, force: true });
    },
  };
}
