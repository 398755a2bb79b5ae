// What the page shows, in order. A further system is a group of its own.

import type { CardDefinition } from "../ui/Card";
import { Chat } from "./chat/Chat";
import { ChessGame } from "./chess/ChessGame";
import { Counter } from "./counter/Counter";
import { Cursors } from "./cursors/Cursors";
import { NoteBoard } from "./notes/NoteBoard";
import { Offline } from "./offline/Offline";
import { SharedState } from "./shared/SharedState";
import { CardTable } from "./table/CardTable";
import { SharedText } from "./text/SharedText";

export interface CardGroup {
  readonly title: string;
  readonly cards: readonly CardDefinition[];
}

export const GROUPS: readonly CardGroup[] = [
  {
    title: "Events",
    cards: [
      {
        id: "counter",
        title: "A counter",
        uses: "examples/updateCounter v2",
        lead: "Press a button on either side. More than 100 at once is refused, each in their own language. Only those who have /examples open get the news.",
        View: Counter,
      },
      {
        id: "chat",
        title: "A conversation",
        uses: "chat/sendMessage v1",
        lead: "The same message to everybody, and to each recipient what it is to them: theirs, or one that mentions them.",
        View: Chat,
      },
      {
        id: "offline",
        title: "A tunnel",
        uses: "the client's offline queue",
        lead: "Take one side offline and add to the counter. What waits goes out in order afterwards; beyond 200 the oldest is dropped, and whoever asked for it is told.",
        View: Offline,
      },
      {
        id: "cursors",
        title: "Pointers",
        uses: "presence/cursor v1",
        lead: "Each sees where the other points, as long as both have the same page open. Change one's page above.",
        View: Cursors,
      },
      {
        id: "chess",
        title: "A game of chess",
        uses: "chess/moveChessPiece v1",
        lead: "The server knows the rules. Choose a piece and a square, or drag; a move that is not allowed is refused to the one who tried it.",
        View: ChessGame,
      },
    ],
  },
  {
    title: "Rooms",
    cards: [
      {
        id: "shared-state",
        title: "Shared state",
        uses: "/api/rooms/{room_id}",
        lead: "A lamp that both hold. What you set is shown at once; the version goes up when the server has it, and the last write wins. Take one side offline: its newest change waits. Write too much, and it is taken back.",
        View: SharedState,
      },
    ],
  },
  {
    title: "Snapshots",
    cards: [
      {
        id: "card-table",
        title: "A game of cards",
        uses: "/ws/snapshots/cards/{id}",
        lead: "Sit down on both sides. A card goes on its suit or rank, an eight on any; else draw. Each is pushed the table as they may see it: the other's hand is a number. Kill a socket, and the table is asked for until there is one again.",
        View: CardTable,
      },
    ],
  },
  {
    title: "Workspaces",
    cards: [
      {
        id: "note-board",
        title: "A board",
        uses: "/v1/sync/{workspace}",
        lead: "Notes that both write. What the server has not kept yet is dashed. Take one side offline and go on: it is kept once, when there is a connection. The slider shows the board as it was, and any of it can be brought back.",
        View: NoteBoard,
      },
    ],
  },
  {
    title: "Documents",
    cards: [
      {
        id: "shared-text",
        title: "A text",
        uses: "/sync/v1/{document}",
        lead: "Type on both sides at once, in the same line too. Take one side offline and go on typing: both have all of it afterwards. What is in the journal outlasts the server, what is saved is in the object store. Who may only read follows along.",
        View: SharedText,
      },
    ],
  },
];
