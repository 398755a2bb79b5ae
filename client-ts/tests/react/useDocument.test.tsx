// useDocument on a real server, under StrictMode and through unmounts.

import { act, cleanup, renderHook, waitFor } from "@testing-library/react";
import { type ReactNode, StrictMode } from "react";
import { createSync, type SyncClient } from "syncline";
import { SyncProvider } from "syncline/react";
import { type UsedDocumentOptions, useDocument } from "syncline/react/documents";
import { afterAll, afterEach, beforeAll, beforeEach, expect, test, vi } from "vitest";
import { type Playground, startPlayground } from "../support/playground.js";

let playground: Playground;
beforeAll(async () => {
  playground = await startPlayground({ DOCUMENT_DEBOUNCE_SECONDS: "1" });
});
afterAll(() => playground.kill());

/** Every socket that was opened, and those that are not closed. */
let sockets: string[];
let open: Set<string>;
let own: SyncClient;
beforeEach(() => {
  sockets = [];
  open = new Set();
  const Real = WebSocket;
  vi.stubGlobal(
    "WebSocket",
    class extends Real {
      // A browser's sockets have it, and the provider sends nothing without.
      override readonly OPEN = 1;

      constructor(url: string) {
        super(url);
        const name = `${new URL(url).pathname} ${sockets.length}`;
        sockets.push(name);
        open.add(name);
        const { close } = this;
        this.close = () => {
          open.delete(name);
          close.call(this);
        };
      }
    },
  );
  own = client();
});
afterEach(async () => {
  cleanup();
  await act(async () => {});
  own.close();
  vi.unstubAllGlobals();
});

const client = () =>
  createSync({ url: playground.url, token: () => playground.token({ sub: "ada", scope: "read write" }) });

interface Props extends UsedDocumentOptions {
  id: string | null;
}

function use(props: Props) {
  const wrapper = ({ children }: { children: ReactNode }) => (
    <StrictMode>
      <SyncProvider sync={own}>{children}</SyncProvider>
    </StrictMode>
  );
  return renderHook(({ id, ...options }: Props) => useDocument(id, options), { wrapper, initialProps: props });
}

type Used = ReturnType<typeof use>["result"];

const isSynced = (...used: Used[]) =>
  waitFor(() => expect(used.map(({ current }) => current.synced)).toEqual(used.map(() => true)));
const textOf = ({ current }: Used) => current.doc?.getText("text").toString();
const type = ({ current }: Used, text: string) => act(() => current.doc?.getText("text").insert(0, text));

test("under StrictMode there is one document with one socket, from the first render to the unmount", async () => {
  const { result, unmount } = use({ id: "strict" });
  const { doc, awareness, reconnect } = result.current;
  expect(doc).not.toBeNull();
  expect(result.current).toMatchObject({ status: "connecting", synced: false, saved: "saved", error: null });
  await isSynced(result);
  type(result, "Hello");
  expect(result.current.saved).toBe("unsent");
  await waitFor(() => expect(result.current.saved).toBe("saved"), { timeout: 5000 });
  expect(result.current).toMatchObject({ status: "connected", doc, awareness, reconnect });
  expect(result.current.doc).toBe(doc);
  unmount();
  await waitFor(() => expect(open.size).toBe(0));
  expect(doc?.isDestroyed).toBe(true);
  expect(sockets).toEqual(["/sync/v1/strict 0"]);
});

test("components with one document share it, and what one client types the other has", async () => {
  const one = use({ id: "shared" });
  const two = use({ id: "shared" });
  const sync = client();
  const other = use({ id: "shared", sync });
  await isSynced(one.result, two.result, other.result);
  expect(one.result.current.doc).toBe(two.result.current.doc);
  expect(other.result.current.doc).not.toBe(one.result.current.doc);
  expect(sockets).toHaveLength(2);
  type(one.result, "Hello");
  await waitFor(() => expect(textOf(other.result)).toBe("Hello"));
  await waitFor(() => expect(one.result.current.saved).not.toBe("unsent"));
  one.unmount();
  await act(async () => {});
  expect(open.size).toBe(2);
  two.unmount();
  await waitFor(() => expect(open.size).toBe(1));
});

test("another id is another document, and null is none", async () => {
  const { result, rerender } = use({ id: "one" });
  await isSynced(result);
  const { doc } = result.current;
  rerender({ id: "two" });
  expect(result.current.doc).not.toBe(doc);
  await isSynced(result);
  rerender({ id: null });
  expect(result.current).toMatchObject({ doc: null, awareness: null, status: "connecting", saved: "saved" });
  await waitFor(() => expect(open.size).toBe(0));
  expect(sockets).toEqual(["/sync/v1/one 0", "/sync/v1/two 1"]);
});

test("what was typed offline is sent after an unmount, and then nothing stays open", async () => {
  const { result, unmount } = use({ id: "left" });
  await isSynced(result);
  act(() => own.disconnect());
  expect(result.current.status).toBe("offline");
  type(result, "Left behind");
  unmount();
  await act(async () => {});
  own.connect();
  const sync = client();
  const other = use({ id: "left", sync });
  await waitFor(() => expect(textOf(other.result)).toBe("Left behind"));
  await waitFor(() => expect(open.size).toBe(1));
});

test("a refusal is shown, and gone after a login", async () => {
  const token = vi.fn(async () => "nonsense");
  const sync = createSync({ url: playground.url, token });
  const { result } = use({ id: "refused", sync });
  await waitFor(() => expect(result.current.status).toBe("refused"));
  expect(result.current.error).toMatchObject({ errorCode: "auth_required" });
  token.mockImplementation(() => playground.token({ sub: "ada", scope: "read write" }));
  act(() => result.current.reconnect());
  await isSynced(result);
  expect(result.current).toMatchObject({ status: "connected", error: null });
});

test("what was refused holds nothing open after an unmount", async () => {
  const sync = createSync({ url: playground.url, token: () => playground.token({ sub: "eve", scope: "read" }) });
  const { result, unmount } = use({ id: "read", sync });
  await isSynced(result);
  type(result, "Not mine to write");
  await waitFor(() => expect(result.current.error?.errorCode).toBe("permission_denied"));
  expect(result.current).toMatchObject({ status: "connected", saved: "unsent" });
  unmount();
  await waitFor(() => expect(open.size).toBe(0));
});
