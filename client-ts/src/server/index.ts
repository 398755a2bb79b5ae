// The package's entry `syncline/server`: events from back ends, over HTTP.

export { createSyncTrigger, type SyncTrigger, type SyncTriggerOptions } from "./trigger.js";
