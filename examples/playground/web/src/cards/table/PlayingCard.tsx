// A playing card, its face or its back. Its colors are the style sheet's.

import type { CardsReadTableV1 } from "@/api";

export type Card = CardsReadTableV1.Card;

const SUITS = { clubs: "♣", diamonds: "♦", hearts: "♥", spades: "♠" } as const;
const LETTERS: Readonly<Record<number, string>> = { 1: "A", 11: "J", 12: "Q", 13: "K" };

/** A card in words, for who does not see it. It begins with what is written on it, which may be said to a computer. */
export function nameOfCard({ rank, suit }: Card): string {
  return `${LETTERS[rank] ?? rank} of ${suit}`;
}

export function keyOfCard({ rank, suit }: Card): string {
  return `${rank}-${suit}`;
}

/** The face. Who cannot see it is told by a label of what it is in. */
export function CardFace({ card }: { readonly card: Card }) {
  return (
    <span className="card-face" data-suit={card.suit} aria-hidden="true">
      <span className="card-rank">{LETTERS[card.rank] ?? card.rank}</span>
      <span className="card-suit">{SUITS[card.suit]}</span>
    </span>
  );
}

export function CardBack() {
  return <span className="card-back" aria-hidden="true" />;
}
