//! `chess/readGame` v1: how the room's game stands, for whoever comes in later. It changes nothing.

use syncline::prelude::*;

use super::game::Outcome;
use crate::App;

/// The game as it stands.
#[derive(Debug, Serialize, Deserialize, TS, JsonSchema)]
pub struct ReadGameOutput {
    /// The board, in Forsyth-Edwards notation.
    pub fen: String,
    /// Whether the side to move is in check.
    pub check: bool,
    /// How the game ended, if it did.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[ts(optional)]
    pub outcome: Option<Outcome>,
}

async fn read_game_server_v1(
    ServerParams { functions, room_code, .. }: ServerParams<Empty, App>,
) -> SyncResult<ReadGameOutput> {
    Ok(functions.games.update(&room_code, |game| ReadGameOutput {
        fen: game.fen(),
        check: game.check(),
        outcome: game.outcome(),
    }))
}
sync_server!(read_game_server_v1, auth: Auth::LOGIN);
