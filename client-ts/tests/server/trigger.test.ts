// Events from a back end, over HTTP, on a real server.

import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { createSyncTrigger } from "syncline/server";
import { afterAll, beforeAll, expect, test } from "vitest";
import { joined, recordSteps, user } from "../support/clients.js";
import { type Playground, startPlayground } from "../support/playground.js";

let playground: Playground;
beforeAll(async () => {
  playground = await startPlayground();
});
afterAll(() => playground.kill());

const event = { name: "test/nestedTest/room", version: "v1", receiver: "http" } as const;
const data = { step: 1, active: true };

test("reaches the room, of which the caller need be no member", async () => {
  const ada = await user(playground, { sub: "ada" });
  await joined(ada, "http");
  const arrived = recordSteps(ada);
  const token = () => playground.token({ sub: "back end", scope: "sync:publish" });
  const trigger = createSyncTrigger({ url: `${playground.url}/`, token });
  expect(await trigger({ ...event, data })).toEqual({ status: "success", serverOutput: data });
  await arrived.count(1);
  expect(arrived.steps).toEqual([1]);
});

test("is answered what went wrong, in the language asked for", async () => {
  const anonymous = createSyncTrigger({ url: playground.url, locale: "nl" });
  const answer = await anonymous({ ...event, data });
  expect(answer).toMatchObject({ status: "error", errorCode: "auth.required", httpStatus: 401 });
  expect(answer).toMatchObject({ message: expect.stringMatching(/Meld je aan|Log in/) });

  const token = await playground.token({ sub: "back end", scope: "sync:publish" });
  const trigger = createSyncTrigger({ url: playground.url, token });
  expect(await trigger({ ...event, data: { step: "one" } as never })).toMatchObject({
    errorCode: "sync.invalidInput",
    errorParams: { path: "step" },
  });
});

test("without a server, in time, aborted, or answered by something else: an answer and no exception", async () => {
  const silent = createServer((request, response) => {
    if (request.headers.authorization === "Bearer html") response.end("<h1>502</h1>");
  });
  await new Promise<void>((resolve) => silent.listen(0, resolve));
  const url = `http://localhost:${(silent.address() as AddressInfo).port}`;
  try {
    const codeOf = async (answer: Promise<{ status: string; errorCode?: string; httpStatus?: number }>) => {
      const { errorCode, httpStatus } = await answer;
      return [errorCode, httpStatus];
    };
    const trigger = createSyncTrigger({ url, timeoutMs: 20 });
    expect(await codeOf(trigger({ ...event, data }))).toEqual(["request.timeout", 0]);
    expect(await codeOf(trigger({ ...event, data, timeoutMs: 10_000, signal: AbortSignal.timeout(5) }))).toEqual([
      "request.aborted",
      0,
    ]);
    const html = createSyncTrigger({ url, token: "html" });
    expect(await codeOf(html({ ...event, data }))).toEqual(["request.disconnected", 0]);
    const circular: Record<string, unknown> = {};
    circular.self = circular;
    expect(await codeOf(html({ ...event, data: circular as never }))).toEqual(["sync.invalidInput", 422]);
  } finally {
    silent.closeAllConnections();
    await new Promise((resolve) => silent.close(resolve));
  }
  const nobody = createSyncTrigger({ url, locale: "fr" });
  expect(await nobody({ ...event, data })).toMatchObject({
    errorCode: "request.disconnected",
    message: expect.stringMatching(/^La connexion a été perdue/),
  });
});
