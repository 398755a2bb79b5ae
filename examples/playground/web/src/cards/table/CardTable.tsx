// A game of cards whose hands are hidden: each is pushed what they may see of the room's table. The rules are the
// server's; what is shown here is its newest snapshot, whichever way that came.

import { useState } from "react";
import { useSnapshot, useSync } from "syncline/react";
import { pollingTransport, websocketTransport } from "syncline/snapshots";
import type { CardsReadTableV1 } from "@/api";
import { nameOf, type Person } from "../../people/people";
import { Notice, type Problem } from "../../ui/Notice";
import { usePageRoom } from "../../ui/RoomContext";
import { createBreakableSockets } from "./breakableSockets";
import { Connection } from "./Connection";
import { type Card, CardBack, CardFace, keyOfCard, nameOfCard } from "./PlayingCard";
import "./card-table.css";

type Table = CardsReadTableV1.TableView;
type Action = "cards/sit" | "cards/leave" | "cards/newGame" | "cards/draw";

/** Backs that are drawn; the count is always written. */
const BACKS = 12;

const DEEDS = {
  sat: "sat down",
  left: "left",
  dealt: "dealt anew",
  played: "played",
  drew: "drew",
  passed: "passed",
} as const;

export function CardTable({ person }: { readonly person: Person }) {
  const sync = useSync();
  const room = usePageRoom();
  const [sockets] = useState(createBreakableSockets);
  const [transport] = useState(() => [websocketTransport(sockets), pollingTransport()] as const);
  const used = useSnapshot<Table>({ kind: "cards", id: room }, { transport });
  const { snapshot: table, error, refreshSnapshot } = used;
  const [problem, setProblem] = useState<Problem>();

  // What is pushed comes by itself. That it is asked for too is for a connection that is just now away.
  async function settle(answer: { readonly status: "success" } | ({ readonly status: "error" } & Problem)) {
    setProblem(answer.status === "error" ? answer : undefined);
    if (answer.status === "success") await refreshSnapshot("manual");
  }

  async function act(name: Action) {
    await settle(await sync.syncRequest({ name, version: "v1", data: {}, receiver: room }));
  }

  async function play(card: Card) {
    await settle(await sync.syncRequest({ name: "cards/play", version: "v1", data: { card }, receiver: room }));
  }

  const seats = table?.seats ?? [null, null];
  const sits = seats.some((seat) => seat?.player === person.id);
  const others = seats.filter((seat) => seat !== null && seat.player !== person.id);
  return (
    <div className="table">
      <div className="table-others">
        {others.map((seat) => seat && <OtherHand key={seat.player} {...seat} />)}
        {others.length === 0 && <p className="quiet">Nobody sits across</p>}
      </div>
      <div className="table-middle">
        <div className="stack">
          <button type="button" className="playing-card" onClick={() => act("cards/draw")} disabled={!table?.top}>
            <CardBack />
            <span className="visually-hidden">Draw a card</span>
          </button>
          <span className="quiet">{table?.inDeck ?? 0} left</span>
        </div>
        <div className="stack">
          {table?.top ? (
            <span key={keyOfCard(table.top)} className="playing-card laid" role="img" aria-label={`On the pile: ${nameOfCard(table.top)}`}>
              <CardFace card={table.top} />
            </span>
          ) : (
            <span className="playing-card empty" />
          )}
          <span className="quiet">{table?.inPile ?? 0} played</span>
        </div>
        <div className="table-turn">
          <p role="status" aria-label="Game" data-mine={table?.turn === person.id}>
            {table && headline(table, person)}
          </p>
          {table?.last && (
            <p className="quiet">
              {whoIs(table.last.player, person)} {DEEDS[table.last.did]}
            </p>
          )}
        </div>
      </div>
      <ul className="hand" aria-label="Hand">
        {table?.hand?.map((card) => (
          <li key={keyOfCard(card)}>
            <button type="button" className="playing-card" aria-label={nameOfCard(card)} onClick={() => play(card)}>
              <CardFace card={card} />
            </button>
          </li>
        ))}
        {!table?.hand?.length && (
          <li className="quiet">{table?.hand ? "No card left" : sits ? "The cards are dealt when both sit" : "No cards: looking on"}</li>
        )}
      </ul>
      <div className="row">
        <button type="button" className={sits ? "button" : "button primary"} onClick={() => act(sits ? "cards/leave" : "cards/sit")}>
          {sits ? "Leave" : "Sit down"}
        </button>
        <button type="button" className="button" onClick={() => act("cards/newGame")}>
          New game
        </button>
      </div>
      <Notice problem={error ?? problem} />
      <Connection used={used} onCut={sockets.cut} />
    </div>
  );
}

function OtherHand({ player, cards }: CardsReadTableV1.SeatView) {
  return (
    <p className="other-hand">
      <span>
        {nameOf(player)} <span className="quiet">{cards === 1 ? "1 card" : `${cards} cards`}</span>
      </span>
      <span className="backs" aria-hidden="true">
        {Array.from({ length: Math.min(cards, BACKS) }, (_, place) => (
          // biome-ignore lint/suspicious/noArrayIndexKey: one back is as good as another.
          <CardBack key={place} />
        ))}
      </span>
    </p>
  );
}

function headline({ seats, turn, winner }: Table, person: Person): string {
  if (winner) return winner === person.id ? "You have won" : `${nameOf(winner)} has won`;
  if (turn) return turn === person.id ? "Your turn" : `${nameOf(turn)}’s turn`;
  return seats.some((seat) => seat !== null) ? "One seat is free" : "Two seats are free";
}

function whoIs(player: string, person: Person): string {
  return player === person.id ? "You" : nameOf(player);
}
