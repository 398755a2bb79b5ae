//! `chess/moveChessPiece` v1: makes a move in the room's game. Any member may move either side.
//!
//! The first move starts a game, and after the end of one a move that is legal at the start begins the next.

use garde::Validate;
use syncline::prelude::*;

use super::game::{Outcome, Played, Promotion};
use crate::App;

/// A move, from one square to another; castling is the king's move.
#[derive(Debug, Serialize, Deserialize, Validate, TS, JsonSchema)]
pub struct MoveChessPieceInput {
    /// The square that the piece leaves, for example `e2`.
    #[garde(custom(is_square))]
    #[schemars(regex(pattern = "^[a-h][1-8]$"))]
    pub from: String,
    /// The square that it goes to, for example `e4`.
    #[garde(custom(is_square))]
    #[schemars(regex(pattern = "^[a-h][1-8]$"))]
    pub to: String,
    /// What a pawn becomes on the last rank; required there, and only there.
    #[garde(skip)]
    #[ts(optional)]
    pub promotion: Option<Promotion>,
}

/// The game after the move.
#[derive(Debug, Serialize, Deserialize, TS, JsonSchema)]
pub struct MoveChessPieceOutput {
    /// The board, in Forsyth-Edwards notation.
    pub fen: String,
    /// The move, in standard algebraic notation, for example `Nxf7+`.
    pub san: String,
    /// Whether the side to move is in check.
    pub check: bool,
    /// How the game ended, if it did.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[ts(optional)]
    pub outcome: Option<Outcome>,
}

/// The rules do not allow the move between these squares.
pub const ILLEGAL_MOVE: ErrorCode = ErrorCode::new("chess.illegalMove", 422, &["from", "to"]);

async fn move_chess_piece_server_v1(
    ServerParams { client_input, functions, room_code, .. }: ServerParams<MoveChessPieceInput, App>,
) -> SyncResult<MoveChessPieceOutput> {
    let MoveChessPieceInput { from, to, promotion } = client_input;
    match functions.games.update(&room_code, |game| game.play(&from, &to, promotion)) {
        Some(Played { fen, san, check, outcome }) => Ok(MoveChessPieceOutput { fen, san, check, outcome }),
        None => Err(ILLEGAL_MOVE.with("from", from).with("to", to)),
    }
}
sync_server!(move_chess_piece_server_v1, auth: Auth::LOGIN, errors: [ILLEGAL_MOVE]);

fn is_square(text: &str, (): &()) -> garde::Result {
    match text.as_bytes() {
        [b'a'..=b'h', b'1'..=b'8'] => Ok(()),
        _ => Err(garde::Error::new("not a square from a1 to h8")),
    }
}
