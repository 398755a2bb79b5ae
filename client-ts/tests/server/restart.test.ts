// A server that dies and comes back, under load.

import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { joined, recordFrames, recordStates, recordSteps, step, until, untilState, user } from "../support/clients.js";
import { type Playground, startAgain, startPlayground } from "../support/playground.js";

const SETTINGS = { RATE_LIMIT_PER_ROUTE: "off", RATE_LIMIT_PER_ADDRESS: "off" };

let playground: Playground;
beforeEach(async () => {
  playground = await startPlayground(SETTINGS);
});
afterEach(() => playground.kill());

test("killed and restarted under load: status, rooms and requests come back by themselves", async () => {
  const ada = await user(playground, { sub: "ada" });
  await joined(ada, "load", "more");
  await untilState(ada, "connected");
  const states = recordStates(ada);
  const arrived = recordSteps(ada);
  const answers: ReturnType<typeof step>[] = [];
  let working = true;
  // Four that always have a request under way.
  const workers = [1, 2, 3, 4].map(async (worker) => {
    while (working) {
      const answer = step(ada, worker * 1_000_000 + answers.length, "load");
      answers.push(answer);
      await answer;
    }
  });
  await arrived.count(50);
  await playground.freeze();
  await playground.kill();
  await untilState(ada, "reconnecting");
  // Some more in the time between, from another place in the app.
  const between = [1, 2, 3].map((number) => step(ada, number, "more"));
  const frames = recordFrames(ada);
  playground = await startAgain(playground, SETTINGS);
  expect((await Promise.all(between)).map(({ status }) => status)).toEqual(["success", "success", "success"]);
  await arrived.count(arrived.steps.length + 50);
  working = false;
  await Promise.all(workers);

  expect(states).toEqual(["connected", "reconnecting", "connected"]);
  const outcomes = (await Promise.all(answers)).map((answer) =>
    answer.status === "success" ? "success" : answer.errorCode,
  );
  expect(new Set(outcomes)).toEqual(new Set(["success", "request.disconnected"]));
  // What was on the wire when the server died, and nothing else: each of the four had one there at most.
  expect(outcomes.filter((outcome) => outcome !== "success").length).toBeLessThanOrEqual(4);
  const after = frames.slice(frames.findIndex(({ event }) => event === "connect"));
  const firstRequest = after.findIndex(({ event }) => event === "sync");
  expect(after.slice(0, firstRequest).map(({ direction, event }) => `${direction} ${event}`)).toEqual([
    "in connect",
    "out joinRoom",
    "out joinRoom",
    "in joinRoom",
    "in joinRoom",
  ]);
  expect(new Set(arrived.steps).size).toBe(arrived.steps.length);
  expect(ada.getStatus()).toEqual({ state: "connected", queueLength: 0, dropped: 0, lastError: null });
});

test("a server that is not there yet is waited for", async () => {
  const token = await playground.token({ sub: "ada" });
  await playground.kill();
  const ada = await user({ ...playground, token: async () => token }, { sub: "ada" });
  const hold = ada.joinRoom("early");
  const answer = step(ada, 1, "early");
  await until(ada, () => ada.getStatus().lastError !== null);
  expect(ada.getStatus()).toMatchObject({ state: "connecting", queueLength: 1 });
  expect(ada.getStatus().lastError?.errorCode).toBe("connection.failed");
  expect(ada.getRoomStatus("early").state).toBe("joining");
  playground = await startAgain(playground, SETTINGS);
  expect((await answer).status).toBe("success");
  expect((await hold.joined).state).toBe("joined");
  expect(ada.getStatus().lastError).toBeNull();
});

test("what is on the wire at a disconnect is not sent again", async () => {
  const ada = await user(playground, { sub: "ada" });
  const bob = await user(playground, { sub: "bob" });
  await Promise.all([joined(ada, "wire"), joined(bob, "wire")]);
  const arrived = recordSteps(bob);
  await step(ada, 0, "wire");
  await playground.freeze();
  const lost = step(ada, 1, "wire");
  ada.reconnect();
  expect(await lost).toMatchObject({ errorCode: "request.disconnected", httpStatus: 0 });
  const next = step(ada, 2, "wire");
  playground.thaw();
  expect((await next).status).toBe("success");
  await arrived.count(3);
  // The server had it already and did it; the second connection did not bring it again. Which of the two connections
  // the server reads first is open.
  expect(arrived.steps.sort()).toEqual([0, 1, 2]);
  await step(bob, 3, "wire");
  await arrived.count(4);
  expect(arrived.steps.at(-1)).toBe(3);
});

test("a request made after a sleep, on a connection that is long dead, is sent once or not at all", async () => {
  const ada = await user(playground, { sub: "ada" });
  const bob = await user(playground, { sub: "bob" });
  await Promise.all([joined(ada, "sleep"), joined(bob, "sleep")]);
  const arrived = recordSteps(bob);
  await step(ada, 0, "sleep");
  vi.useFakeTimers({ toFake: ["Date"], now: Date.now() + 3_600_000 });
  // socket.io-client notices only now that no ping has come, and would keep the packet for the next connection.
  const atWaking = step(ada, 1, "sleep");
  vi.useRealTimers();
  expect(await atWaking).toMatchObject({ errorCode: "request.disconnected" });
  expect((await step(ada, 2, "sleep")).status).toBe("success");
  await arrived.count(2);
  expect(arrived.steps).toEqual([0, 2]);
});
