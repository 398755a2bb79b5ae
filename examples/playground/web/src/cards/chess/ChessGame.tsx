// A game of chess whose rules are the server's: `chess/moveChessPiece`, `chess/newGame` and `chess/readGame` v1.

import { useState } from "react";
import { useSync, useSyncEvent } from "syncline/react";
import type { ChessMoveChessPieceV1, ChessReadGameV1 } from "@/api";
import type { Person } from "../../people/people";
import { Notice, type Problem } from "../../ui/Notice";
import { useOnJoined, usePageRoom } from "../../ui/RoomContext";
import { Board } from "./Board";
import { promotes, readFen, START } from "./board";
import "./chess.css";

type Game = ChessReadGameV1.ReadGameOutput & { readonly san?: string };
type Move = ChessMoveChessPieceV1.MoveChessPieceInput;

const PROMOTIONS = ["queen", "rook", "bishop", "knight"] as const;
const ENDS = { whiteWins: "White wins", blackWins: "Black wins", draw: "Draw" } as const;
const NEW_GAME: Game = { fen: START, check: false };

export function ChessGame({ person }: { readonly person: Person }) {
  const sync = useSync();
  const room = usePageRoom();
  const [game, setGame] = useState(NEW_GAME);
  const [problem, setProblem] = useState<Problem>();
  const [promoting, setPromoting] = useState<Move>();
  const [lastMove, setLastMove] = useState<readonly string[]>([]);
  const position = readFen(game.fen);

  useSyncEvent({
    name: "chess/moveChessPiece",
    version: "v1",
    callback: ({ serverOutput }) => {
      setLastMove(changedSquares(game.fen, serverOutput.fen));
      setGame(serverOutput);
      setProblem(undefined);
    },
  });
  useSyncEvent({
    name: "chess/newGame",
    version: "v1",
    callback: ({ serverOutput }) => {
      setLastMove([]);
      setGame({ fen: serverOutput.fen, check: false });
      setProblem(undefined);
    },
  });
  useOnJoined(async () => {
    const answer = await sync.syncRequest({ name: "chess/readGame", version: "v1", data: {}, receiver: room });
    if (answer.status === "success") setGame(answer.serverOutput);
  });

  async function move(data: Move) {
    setPromoting(undefined);
    const answer = await sync.syncRequest({ name: "chess/moveChessPiece", version: "v1", data, receiver: room });
    setProblem(answer.status === "error" ? answer : undefined);
  }

  async function begin() {
    const answer = await sync.syncRequest({ name: "chess/newGame", version: "v1", data: {}, receiver: room });
    setProblem(answer.status === "error" ? answer : undefined);
  }

  return (
    <div>
      <Board
        position={position}
        side={person.side}
        lastMove={lastMove}
        onMove={(from, to) =>
          promotes(position.pieces.get(from), to) ? setPromoting({ from, to }) : void move({ from, to })
        }
      />
      <div className="chess-foot">
        <p role="status">
          {game.outcome ? ENDS[game.outcome] : `${position.toMove === "white" ? "White" : "Black"} to move`}
          {game.check && !game.outcome && ", in check"}
          {game.san && <span className="quiet"> · {game.san}</span>}
        </p>
        <button type="button" className="button small" onClick={begin}>
          New game
        </button>
      </div>
      {promoting && (
        <div className="row" role="group" aria-label="The pawn becomes">
          {PROMOTIONS.map((promotion) => (
            <button key={promotion} type="button" className="button small" onClick={() => move({ ...promoting, promotion })}>
              {promotion}
            </button>
          ))}
        </div>
      )}
      <Notice problem={problem} />
    </div>
  );
}

/** The squares on which two positions differ. */
function changedSquares(before: string, after: string): string[] {
  const [old, now] = [readFen(before).pieces, readFen(after).pieces];
  return [...new Set([...old.keys(), ...now.keys()])].filter((square) => {
    const [was, is] = [old.get(square), now.get(square)];
    return was?.role !== is?.role || was?.side !== is?.side;
  });
}
