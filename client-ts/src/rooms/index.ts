// The package's entry `syncline/rooms`: a JSON state that all readers of a room share.

export type { SyncError } from "../core/answer.js";
export {
  createRoom,
  type Room,
  type RoomConnection,
  type RoomOptions,
  type RoomSnapshot,
  type SetStateAnswer,
} from "./room.js";
