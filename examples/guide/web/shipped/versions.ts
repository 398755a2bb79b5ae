import { upsertSyncEventCallback } from "syncline";

const show = (value: number) => console.log(value);
upsertSyncEventCallback({ name: "examples/updateCounter", version: "v1", callback: (event) => show(event.serverOutput.newValue) });
upsertSyncEventCallback({ name: "examples/updateCounter", version: "v2", callback: (event) => show(event.serverOutput.newValue) });
