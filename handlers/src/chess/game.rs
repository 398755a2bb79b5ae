//! One game of chess: which moves are legal, and how they are written.
//!
//! The only module that uses shakmaty. **That library is GPL-3.0-or-later**, unlike this repository, so a program
//! that links this module may be passed on under the GPL only. The feature `chess` switches the whole page off:
//! `handlers = { .., default-features = false }`.
//!
//! Who plays which side is not decided here, nor are draws by agreement, by repetition or by the fifty-move rule,
//! clocks and resignations.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use shakmaty::{
    Chess, Color, EnPassantMode, KnownOutcome, Outcome as Ending, Position, Role, fen::Fen, san::SanPlus,
    uci::UciMove,
};
use ts_rs::TS;

/// A game in play or over; a new one stands at its start.
#[derive(Debug, Default)]
pub struct Game {
    position: Chess,
}

/// What a pawn becomes on the last rank.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, TS, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub enum Promotion {
    /// A queen.
    Queen,
    /// A rook.
    Rook,
    /// A bishop.
    Bishop,
    /// A knight.
    Knight,
}

/// How a game ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, TS, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub enum Outcome {
    /// Black is checkmated.
    WhiteWins,
    /// White is checkmated.
    BlackWins,
    /// Stalemate, or neither side has the pieces to win.
    Draw,
}

/// A move that was made, and what the board is after it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Played {
    /// The board, in Forsyth-Edwards notation.
    pub fen: String,
    /// The move, in standard algebraic notation, for example `Nxf7+`.
    pub san: String,
    /// Whether the side to move is in check.
    pub check: bool,
    /// How the game ended, if it did.
    pub outcome: Option<Outcome>,
}

impl Game {
    /// Makes the move from one square to another (`e2`); castling is the king's move. After the end of a game the
    /// move is made on a new board. Nothing, and no change, if the rules forbid the move, a pawn's move to the last
    /// rank without a promotion included.
    pub fn play(&mut self, from: &str, to: &str, promotion: Option<Promotion>) -> Option<Played> {
        let mut next = if self.position.is_game_over() { Chess::default() } else { self.position.clone() };
        let wanted = UciMove::Normal {
            from: from.parse().ok()?,
            to: to.parse().ok()?,
            promotion: promotion.map(role_of),
        };
        let legal = wanted.to_move(&next).ok()?;
        let san = SanPlus::from_move_and_play_unchecked(&mut next, legal).to_string();
        self.position = next;
        Some(Played { fen: self.fen(), san, check: self.check(), outcome: self.outcome() })
    }

    /// Puts all pieces back to where they start.
    pub fn begin_anew(&mut self) {
        self.position = Chess::default();
    }

    /// The board, in Forsyth-Edwards notation.
    #[must_use]
    pub fn fen(&self) -> String {
        Fen::from_position(&self.position, EnPassantMode::Legal).to_string()
    }

    /// Whether the side to move is in check.
    #[must_use]
    pub fn check(&self) -> bool {
        self.position.is_check()
    }

    /// How the game ended, if it did.
    #[must_use]
    pub fn outcome(&self) -> Option<Outcome> {
        match self.position.outcome() {
            Ending::Unknown => None,
            Ending::Known(KnownOutcome::Draw) => Some(Outcome::Draw),
            Ending::Known(KnownOutcome::Decisive { winner: Color::White }) => Some(Outcome::WhiteWins),
            Ending::Known(KnownOutcome::Decisive { winner: Color::Black }) => Some(Outcome::BlackWins),
        }
    }
}

fn role_of(promotion: Promotion) -> Role {
    match promotion {
        Promotion::Queen => Role::Queen,
        Promotion::Rook => Role::Rook,
        Promotion::Bishop => Role::Bishop,
        Promotion::Knight => Role::Knight,
    }
}
