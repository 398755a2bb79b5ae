// The package's entry `syncline/documents`: texts and other structures of Yjs that all who have them open edit at once.

export type { SyncError } from "../core/answer.js";
export {
  type Awareness,
  createDocument,
  type DocumentOptions,
  type DocumentState,
  type DocumentStatus,
  type SyncedDocument,
} from "./document.js";
export type { DocumentSaved } from "./kept.js";
