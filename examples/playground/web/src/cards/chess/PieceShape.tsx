// The six chess pieces as plain shapes. Their colors are the style sheet's.

import type { Piece, Role } from "./board";

const BASE = "M11 37h23v3.5H11z";

const SHAPES: Readonly<Record<Role, readonly string[]>> = {
  pawn: ["M22.5 9a5.2 5.2 0 0 1 3 9.5c4 2.6 3.4 9.5 6 16.5h-18c2.6-7 2-13.9 6-16.5a5.2 5.2 0 0 1 3-9.5z", BASE],
  rook: ["M13 8h4.5v3.5h3V8h4v3.5h3V8H32v7.5l-3 2.5v13l3 4H13l3-4V18l-3-2.5z", BASE],
  knight: [
    "M32.5 35H14c.2-5 4.4-7.4 6.2-12.4-2.2 1.6-4.6 2.2-6.4 4.2-2 .9-4.6-.9-4.3-3.2 2.3-3.9 3.8-8.6 7.5-11.2L18.5 8l3.3 3.4C29 13.5 33.6 21 32.5 35z",
    BASE,
  ],
  bishop: [
    "M22.5 5.5a2.5 2.5 0 0 1 1.7 4.3c4.6 2.7 6.6 7 6.6 10.6 0 3.3-1.9 5.6-4.1 7.1L28.5 35h-12l1.8-7.5c-2.2-1.5-4.1-3.8-4.1-7.1 0-3.6 2-7.9 6.6-10.6a2.5 2.5 0 0 1 1.7-4.3z",
    BASE,
  ],
  queen: [
    "M9 12.5a2 2 0 1 1 1.8 2l4.4 8.5 1.6-11a2 2 0 1 1 1.9-.2l3.8 10.2 3.8-10.2a2 2 0 1 1 1.9.2l1.6 11 4.4-8.5a2 2 0 1 1 1.8-2L32.5 29l-1 6h-18l-1-6z",
    BASE,
  ],
  king: [
    "M21 4h3v2.5h2.5v3H24v3.2c.9.5 1.7 1.3 2.2 2.3 5.3-1.8 9.8 1.2 9.3 6.2-.4 3.6-2.5 6.3-3.5 8.8l-.5 5h-18l-.5-5c-1-2.5-3.1-5.2-3.5-8.8-.5-5 4-8 9.3-6.2.5-1 1.3-1.8 2.2-2.3V9.5h-2.5v-3H21z",
    BASE,
  ],
};

/** The piece, as large as its container. Screen readers hear the square's label instead. */
export function PieceShape({ piece }: { readonly piece: Piece }) {
  return (
    <svg className={`piece piece-${piece.side}`} viewBox="0 0 45 45" aria-hidden="true">
      {SHAPES[piece.role].map((path) => (
        <path key={path} d={path} />
      ))}
    </svg>
  );
}
