//! `cards/newGame` v1: has a game dealt at the room's table, whether or not one is in play. Either player may.

use syncline::prelude::*;

use super::table::{ALONE, NOT_SEATED};
use crate::App;

/// The game is dealt.
#[derive(Debug, Serialize, Deserialize, TS, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct NewGameOutput {
    /// The table's version from then on.
    pub lock_version: u64,
}

async fn new_game_server_v1(
    ServerParams { user, functions, room_code, .. }: ServerParams<Empty, App>,
) -> SyncResult<NewGameOutput> {
    let lock_version = functions.tables.change(&room_code, |table| table.new_game(&user.user_id))?;
    Ok(NewGameOutput { lock_version })
}
sync_server!(new_game_server_v1, auth: Auth::LOGIN, errors: [NOT_SEATED, ALONE]);
