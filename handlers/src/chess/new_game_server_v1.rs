//! `chess/newGame` v1: sets the room's board up anew, for all who are there. Any member may.

use syncline::prelude::*;

use crate::App;

/// The new game.
#[derive(Debug, Serialize, Deserialize, TS, JsonSchema)]
pub struct NewGameOutput {
    /// The board, in Forsyth-Edwards notation.
    pub fen: String,
    /// The id of the user who set it up.
    pub by: String,
}

async fn new_game_server_v1(
    ServerParams { user, functions, room_code, .. }: ServerParams<Empty, App>,
) -> SyncResult<NewGameOutput> {
    let fen = functions.games.update(&room_code, |game| {
        game.begin_anew();
        game.fen()
    });
    Ok(NewGameOutput { fen, by: user.user_id.clone() })
}
sync_server!(new_game_server_v1, auth: Auth::LOGIN);
