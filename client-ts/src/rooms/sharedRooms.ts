// Rooms that several holders share, one for each client and name.

import { createHolds } from "../core/holds.js";
import type { Room } from "./room.js";

/** The rooms that are open because somebody holds them. */
export const sharedRooms = /* @__PURE__ */ createHolds<Room<unknown>>();
