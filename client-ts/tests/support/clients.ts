// Clients of a test, closed together, and ways to wait for what they do. It asserts nothing.

import { createSync, type SyncClient, type SyncFrame, type SyncOptions, type SyncState } from "syncline";
import { onTestFinished } from "vitest";
import type { Claims, Playground } from "./playground.js";

/** Quick reconnects: tests wait for them. */
export const QUICK = { reconnectionDelay: 20, reconnectionDelayMax: 100, transports: ["websocket"] };

/** A client that is closed after the test. */
export function client(options: SyncOptions): SyncClient {
  const sync = createSync({ socket: QUICK, ...options });
  onTestFinished(() => sync.close());
  return sync;
}

/** A client of the user with these claims. */
export async function user(
  playground: Playground,
  claims: Claims,
  options: Partial<SyncOptions> = {},
): Promise<SyncClient> {
  const token = await playground.token(claims);
  return client({ url: playground.url, token: () => token, ...options });
}

/** Waits until something of the status or the rooms is so. */
export function until(sync: SyncClient, isSo: () => boolean): Promise<void> {
  return new Promise((resolve) => {
    const look = () => {
      if (!isSo()) return;
      stop();
      resolve();
    };
    const stop = sync.subscribe(look);
    look();
  });
}

/** Waits for a state. */
export const untilState = (sync: SyncClient, state: SyncState) => until(sync, () => sync.getStatus().state === state);

/** The states that a client goes through from now on, each once in a row; the first is the present one. */
export function recordStates(sync: SyncClient): SyncState[] {
  const states = [sync.getStatus().state];
  sync.subscribe(() => {
    const { state } = sync.getStatus();
    if (state !== states.at(-1)) states.push(state);
  });
  return states;
}

/** All frames of a client from now on. */
export function recordFrames(sync: SyncClient): SyncFrame[] {
  const frames: SyncFrame[] = [];
  sync.inspect((frame) => frames.push(frame));
  return frames;
}

/** Waits for a frame. */
export function nextFrame(sync: SyncClient, isIt: (frame: SyncFrame) => boolean): Promise<SyncFrame> {
  return new Promise((resolve) => {
    const stop = sync.inspect((frame) => {
      if (!isIt(frame)) return;
      stop();
      resolve(frame);
    });
  });
}

/** Joins rooms, and waits until it is in each. */
export async function joined(sync: SyncClient, ...rooms: string[]): Promise<void> {
  for (const room of rooms) {
    const { state, error } = await sync.joinRoom(room).joined;
    if (state !== "joined") throw new Error(`not in ${room}: ${JSON.stringify(error)}`);
  }
}

/** The step numbers that arrive in the rooms of a client, and a way to wait for so many. */
export function recordSteps(sync: SyncClient): { steps: number[]; count(wanted: number): Promise<void> } {
  const steps: number[] = [];
  let enough = () => {};
  sync.upsertSyncEventCallback({
    name: "test/nestedTest/room",
    version: "v1",
    callback({ serverOutput }) {
      steps.push(serverOutput.step);
      enough();
    },
  });
  return {
    steps,
    count: (wanted) =>
      new Promise((resolve) => {
        enough = () => steps.length >= wanted && resolve();
        enough();
      }),
  };
}

/** Sends a numbered step. */
export const step = (sync: SyncClient, number: number, receiver: string) =>
  sync.syncRequest({
    name: "test/nestedTest/room",
    version: "v1",
    data: { step: number, active: true },
    receiver,
  });
