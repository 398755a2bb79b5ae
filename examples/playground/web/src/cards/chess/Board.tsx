// A chess board that is played by choosing a piece and then a square. Which moves are allowed is not known here.

import { type KeyboardEvent, useRef, useState } from "react";
import { isDark, type Piece, type Position, type Side, squaresFrom } from "./board";
import { PieceShape } from "./PieceShape";

interface BoardProps {
  readonly position: Position;
  /** Whose side is at the bottom. */
  readonly side: Side;
  /** The squares of the last move. */
  readonly lastMove: readonly string[];
  readonly onMove: (from: string, to: string) => void;
}

/** How far each arrow key goes in the list of squares, which has rows of eight. */
const STEPS: Readonly<Record<string, number>> = { ArrowLeft: -1, ArrowRight: 1, ArrowUp: -8, ArrowDown: 8 };

export function Board({ position, side, lastMove, onMove }: BoardProps) {
  const [chosen, setChosen] = useState<string>();
  const squares = squaresFrom(side);
  const [reachable, setReachable] = useState(squares[52] ?? "e2");
  const board = useRef<HTMLDivElement>(null);

  function choose(square: string) {
    setReachable(square);
    if (chosen === undefined) {
      if (position.pieces.has(square)) setChosen(square);
      return;
    }
    setChosen(undefined);
    if (square !== chosen) onMove(chosen, square);
  }

  function onKeyDown(event: KeyboardEvent) {
    const step = STEPS[event.key];
    if (event.key === "Escape") setChosen(undefined);
    if (step === undefined) return;
    event.preventDefault();
    const at = squares.indexOf(reachable);
    const next = squares[at + step];
    // A step to the side stays in its row.
    if (next === undefined || (Math.abs(step) === 1 && Math.floor((at + step) / 8) !== Math.floor(at / 8))) return;
    setReachable(next);
    board.current?.querySelector<HTMLElement>(`[data-square="${next}"]`)?.focus();
  }

  return (
    // Arrow keys move between the squares, so that the board is one stop of the Tab key and not sixty-four.
    <div ref={board} className="board" role="group" aria-label="Chess board" onKeyDown={onKeyDown}>
      {squares.map((square) => (
        <button
          key={square}
          type="button"
          className="square"
          data-square={square}
          data-dark={isDark(square)}
          data-last={lastMove.includes(square)}
          aria-pressed={square === chosen}
          aria-label={label(square, position.pieces.get(square))}
          tabIndex={square === reachable ? 0 : -1}
          draggable={position.pieces.has(square)}
          onClick={() => choose(square)}
          onDragStart={(event) => {
            event.dataTransfer.setData("text/plain", square);
            setChosen(square);
          }}
          onDragOver={(event) => event.preventDefault()}
          onDrop={(event) => {
            event.preventDefault();
            choose(square);
          }}
          onDragEnd={() => setChosen(undefined)}
        >
          <SquareContent piece={position.pieces.get(square)} />
        </button>
      ))}
    </div>
  );
}

function SquareContent({ piece }: { readonly piece: Piece | undefined }) {
  return piece ? <PieceShape piece={piece} /> : null;
}

function label(square: string, piece: Piece | undefined): string {
  return piece ? `${square}, ${piece.side} ${piece.role}` : `${square}, empty`;
}
