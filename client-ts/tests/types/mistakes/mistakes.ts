// Mistakes that an editor has to underline. A comment `error: ...` says what the compiler must answer on the line below
// it; `types.test.ts` compares. A line without one must be right.

import { createSync, syncRequest, upsertSyncEventCallback } from "syncline";
import { createDocument } from "syncline/documents";
import { useGameSync, useRoomState, useSnapshot, useSyncEvent, useSyncEvents, useWorkspace } from "syncline/react";
import { useDocument } from "syncline/react/documents";
import { createRoom } from "syncline/rooms";
import { createSyncTrigger } from "syncline/server";
import { watchSnapshot } from "syncline/snapshots";
import { createWorkspace } from "syncline/workspaces";

const receiver = "room";

export async function requests() {
  await syncRequest({ name: "examples/updateCounter", version: "v2", data: { amount: 5 }, receiver });

  // error: Type '"examples/updateCountr"' is not assignable to type 'SyncEventName'. Did you mean '"examples/updateCounter"'?
  await syncRequest({ name: "examples/updateCountr", version: "v2", data: { amount: 5 }, receiver });

  // error: Type '"v3"' is not assignable to type '"v1" | "v2"'
  await syncRequest({ name: "examples/updateCounter", version: "v3", data: { amount: 5 }, receiver });

  // error: 'amout' does not exist in type 'UpdateCounterInput'
  await syncRequest({ name: "examples/updateCounter", version: "v2", data: { amout: 5 }, receiver });

  // error: Type 'string' is not assignable to type 'number'
  await syncRequest({ name: "examples/updateCounter", version: "v2", data: { amount: "5" }, receiver });

  // error: Property 'amount' is missing in type '{}' but required in type 'UpdateCounterInput'
  await syncRequest({ name: "examples/updateCounter", version: "v2", data: {}, receiver });

  // error: Property 'data' is missing in type
  await syncRequest({ name: "examples/updateCounter", version: "v2", receiver });

  // error: Property 'version' is missing in type
  await syncRequest({ name: "examples/updateCounter", data: { amount: 5 }, receiver });

  // error: Property 'receiver' is missing in type
  await syncRequest({ name: "examples/updateCounter", version: "v2", data: { amount: 5 } });

  // error: 'timeout' does not exist in type
  await syncRequest({ name: "test/clientOnly/ping", version: "v1", data: {}, receiver, timeout: 1 });
}

export async function answers() {
  const answer = await syncRequest({ name: "examples/updateCounter", version: "v2", data: { amount: 5 }, receiver });

  // error: Property 'serverOutput' does not exist on type
  answer.serverOutput;

  if (answer.status === "success") {
    const newValue: number = answer.serverOutput.newValue;
    // error: Property 'newValu' does not exist on type 'UpdateCounterOutput'
    answer.serverOutput.newValu;
    return newValue;
  }

  // error: Property 'max' does not exist on type
  answer.errorParams?.max;

  switch (answer.errorCode) {
    case "counter.amountTooLarge": {
      const max: string | number | boolean = answer.errorParams.max;
      const httpStatus: 422 = answer.httpStatus;
      return [max, httpStatus];
    }
    case "sync.rateLimited":
      // error: Property 'max' does not exist on type '{ seconds: SyncErrorParam; }'
      return answer.errorParams.max;
    case "offline.dropped": {
      const reason: "queueFull" | "expired" = answer.errorParams.reason;
      return reason;
    }
    // error: Type '"chess.illegalMove"' is not comparable to type
    case "chess.illegalMove":
      return undefined;
    default:
      return answer.message;
  }
}

export function callbacks() {
  upsertSyncEventCallback({
    name: "chat/sendMessage",
    version: "v1",
    callback({ serverOutput, clientOutput, room }) {
      const all: [string, boolean, string] = [serverOutput.text, clientOutput.mentioned, room];
      // error: Property 'mentioned' does not exist on type 'SendMessageOutput'
      return [all, serverOutput.mentioned];
    },
    onError(error) {
      if (error.errorCode === "sync.invalidInput") error.errorParams.path;
      // error: have no overlap
      if (error.errorCode === "counter.amountTooLarge") error.room;
    },
  });

  // error: Type '"chat/sendMesage"' is not assignable to type
  upsertSyncEventCallback({ name: "chat/sendMesage", version: "v1", callback() {} });

  // error: Type '"v2"' is not assignable to type '"v1"'
  createSync({ url: "" }).upsertSyncEventCallback({ name: "chat/sendMessage", version: "v2", callback() {} });
}

export function Hooks() {
  const { upsertSyncEventCallback } = useSyncEvents();
  // error: Property 'newvalue' does not exist on type 'UpdateCounterOutput'
  useSyncEvent({ name: "examples/updateCounter", version: "v2", callback: (event) => event.serverOutput.newvalue });
  upsertSyncEventCallback({
    name: "examples/updateCounter",
    version: "v1",
    // error: Property 'by' does not exist on type 'UpdateCounterOutput'
    callback: (event) => event.serverOutput.by,
  });
}

export async function triggers() {
  const trigger = createSyncTrigger({ url: "https://sync.example.com", token: () => "token" });
  const answer = await trigger({ name: "chat/sendMessage", version: "v1", data: { text: "hi" }, receiver });
  if (answer.status === "success") answer.serverOutput.sentAt satisfies string;
  // error: 'txt' does not exist in type 'SendMessageInput'
  await trigger({ name: "chat/sendMessage", version: "v1", data: { txt: "hi" }, receiver });
}

interface Board {
  topic: string;
  notes: string[];
}

export async function rooms() {
  const room = createRoom<Board>("team", { sync: createSync({ url: "" }), silenceMs: 60_000 });
  // error: Object is possibly 'null'
  room.getSnapshot().state.topic;

  const answer = await room.setState((current) => ({ topic: "Lunch", notes: current?.notes ?? [] }));
  // error: Property 'version' does not exist on type
  answer.version;
  if (answer.status === "success") return answer.state.notes.length + answer.version;

  // error: Argument of type '{ topic: string; }' is not assignable
  await room.setState({ topic: "Lunch" });

  // error: 'note' does not exist in type 'Board
  await room.setState({ topic: "Lunch", notes: [], note: "" });

  // error: Type 'number' is not assignable to type 'string'
  await room.setState({ topic: 7, notes: [] });

  // error: 'silence' does not exist in type 'RoomOptions'
  createRoom("team", { silence: 1 });
  return answer.message;
}

export function Room() {
  const { state, version, status, error, setState } = useRoomState<Board>("team");
  // error: 'state' is possibly 'null'
  state.topic;
  // error: have no overlap
  if (status === "idle") version satisfies number;
  // error: Argument of type 'string' is not assignable
  void setState("Lunch");
  return error?.message ?? state?.notes.join();
}

export function Game() {
  const typed = useGameSync<{ turn: string }>({
    gameId: 7,
    initialSnapshot: { data: { turn: "ada" }, lockVersion: 1 },
  });
  const turn: string | undefined = typed.snapshot?.turn;
  const version: number | null = typed.lockVersion;
  // error: Property 'trun' does not exist on type '{ turn: string; }'
  typed.snapshot?.trun;

  // error: Type 'number' is not assignable to type 'string'
  useGameSync<{ turn: string }>({ gameId: 7, initialSnapshot: { data: { turn: 1 }, lockVersion: 1 } });

  const loose = useSnapshot({ kind: "auction", id: "7" }, { transport: "polling" });
  // error: 'loose.snapshot' is of type 'unknown'
  loose.snapshot.bid;

  // error: Argument of type '"manuel"' is not assignable to parameter of type 'RefreshReason | undefined'
  void loose.refreshSnapshot("manuel");

  // error: Type '"sse"' is not assignable to type
  watchSnapshot({ kind: "game", id: "7" }, { transport: "sse" });
  return { turn, version };
}

export async function workspaces() {
  const board = createWorkspace<Board>("board", { sync: createSync({ url: "" }), maxPending: 10 });
  const answer = await board.set("notes", ["a"]);
  // error: Property 'heads' does not exist on type
  answer.heads;
  if (answer.status === "success") return answer.heads.join();

  // error: Argument of type '"topics"' is not assignable to parameter of type '"notes" | "topic"'
  await board.set("topics", "Lunch");

  // error: Argument of type 'string' is not assignable to parameter of type 'string[]'
  await board.set("notes", "a");

  // error: Argument of type '"note"' is not assignable
  await board.delete("note");

  const { data, status, error } = board.getSnapshot();
  // error: 'data.notes' is possibly 'undefined'
  data.notes.length;

  // error: Cannot assign to 'topic' because it is a read-only property
  data.topic = "Lunch";

  // error: have no overlap
  if (status === "offline") error?.message;

  const then = await board.history.at("hash");
  // error: Property 'data' does not exist on type
  then.data;
  if (then.status === "success") then.data.topic?.length;

  // error: 'limits' does not exist in type 'HistoryOptions'
  await board.history.list({ limits: 1 });

  // error: 'silenceMs' does not exist in type 'WorkspaceOptions'
  createWorkspace("board", { silenceMs: 1 });

  const loose = createWorkspace("board");
  await loose.set("anything", { at: ["all"] });
  // error: Object is of type 'unknown'
  return loose.getSnapshot().data.anything.at;
}

export function Workspace() {
  const { data, status, presence, set } = useWorkspace<Board>("board");
  // error: Argument of type 'number' is not assignable to parameter of type 'string'
  void set("topic", 7);
  // error: Property 'topics' does not exist on type
  data.topics;
  return status === "synced" ? data.topic?.trim() : presence.map(({ user_id }) => user_id).join();
}

export function Documents() {
  const { doc, awareness, getSnapshot } = createDocument("notes");
  doc.getText("text").insert(0, "Hello");
  // error: Argument of type 'string' is not assignable to parameter of type 'number'
  doc.getText("text").insert("0", "Hello");

  // error: Expected 2 arguments, but got 1
  awareness.setLocalStateField("user");

  const { status, saved } = getSnapshot();
  // error: have no overlap
  const isStored = saved === "stored";

  // error: 'token' does not exist in type 'DocumentOptions'
  createDocument("notes", { token: () => "token" });

  const used = useDocument("notes");
  // error: 'used.doc' is possibly 'null'
  used.doc.getText("text");
  return isStored || (status === "connected" && used.doc?.getText("text").length);
}
