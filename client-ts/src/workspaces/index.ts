// The package's entry `syncline/workspaces`: keys and values that all who have a workspace open share and write.

export type { SyncError } from "../core/answer.js";
export {
  type HistoryOptions,
  type Read,
  readWorkspace,
  type WorkspaceChange,
  type WorkspaceHistory,
  type WorkspaceRecord,
} from "./history.js";
export type { WorkspaceUser } from "./messages.js";
export type { WorkspaceAnswer } from "./pending.js";
export {
  createWorkspace,
  type Workspace,
  type WorkspaceOptions,
  type WorkspaceState,
  type WorkspaceStatus,
  type WorkspaceWrite,
  type WorkspaceWriter,
} from "./workspace.js";
