// Without registered types names are any string and data is unknown; codes are strings. Checked like `mistakes.ts`.

import { syncRequest, upsertSyncEventCallback } from "syncline";

export async function loose(name: string) {
  const answer = await syncRequest({ name, version: "v7", data: { anything: 1 }, receiver: "room" });
  if (answer.status === "error") {
    const code: string = answer.errorCode;
    const max: string | number | boolean | undefined = answer.errorParams?.max;
    return [code, max, answer.message, answer.httpStatus];
  }
  upsertSyncEventCallback({ name, version: "v7", callback: ({ clientOutput }) => clientOutput });
  // error: 'answer.serverOutput' is of type 'unknown'
  return answer.serverOutput.newValue;
}

// error: Property 'data' is missing in type
void syncRequest({ name: "a/b", version: "v1", receiver: "room" });
