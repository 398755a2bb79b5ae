// A position as Forsyth-Edwards notation tells it, for drawing. It knows no rule: the server does.

export type Side = "white" | "black";
export type Role = "pawn" | "knight" | "bishop" | "rook" | "queen" | "king";

export interface Piece {
  readonly side: Side;
  readonly role: Role;
}

export interface Position {
  /** Each occupied square, for example `e4`, and what stands there. */
  readonly pieces: ReadonlyMap<string, Piece>;
  readonly toMove: Side;
}

export const START = "rnbqkbnr/pppppppp/8/8/8/8/PPPPPPPP/RNBQKBNR w KQkq - 0 1";

const FILES = ["a", "b", "c", "d", "e", "f", "g", "h"] as const;
const ROLES: Readonly<Record<string, Role>> = {
  p: "pawn",
  n: "knight",
  b: "bishop",
  r: "rook",
  q: "queen",
  k: "king",
};

/** Reads the first two fields, the pieces and the side to move. */
export function readFen(fen: string): Position {
  const [placement = "", toMove] = fen.split(" ");
  const pieces = new Map<string, Piece>();
  placement.split("/").forEach((row, rowIndex) => {
    let file = 0;
    for (const letter of row) {
      const role = ROLES[letter.toLowerCase()];
      if (role === undefined) {
        file += Number(letter);
        continue;
      }
      pieces.set(`${FILES[file]}${8 - rowIndex}`, { side: letter === letter.toLowerCase() ? "black" : "white", role });
      file += 1;
    }
  });
  return { pieces, toMove: toMove === "b" ? "black" : "white" };
}

/** All squares by row, as someone sees them who sits on that side: the first is at the top left. */
export function squaresFrom(side: Side): string[] {
  const squares = [8, 7, 6, 5, 4, 3, 2, 1].flatMap((rank) => FILES.map((file) => `${file}${rank}`));
  return side === "white" ? squares : squares.reverse();
}

export function isDark(square: string): boolean {
  return (square.charCodeAt(0) + square.charCodeAt(1)) % 2 === 0;
}

/** Whether this piece going there is a pawn reaching the last rank, which becomes another piece. */
export function promotes(piece: Piece | undefined, to: string): boolean {
  return piece?.role === "pawn" && to.endsWith(piece.side === "white" ? "8" : "1");
}
