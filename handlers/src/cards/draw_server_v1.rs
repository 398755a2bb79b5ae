//! `cards/draw` v1: draws a card, which passes the turn. With no card to draw it only passes.

use syncline::prelude::*;

use super::table::{NO_GAME, NOT_SEATED, NOT_YOUR_TURN};
use crate::App;

/// The turn is the other's. The card is in the player's next snapshot.
#[derive(Debug, Serialize, Deserialize, TS, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct DrawOutput {
    /// The table's version from then on.
    pub lock_version: u64,
}

async fn draw_server_v1(
    ServerParams { user, functions, room_code, .. }: ServerParams<Empty, App>,
) -> SyncResult<DrawOutput> {
    let lock_version = functions.tables.change(&room_code, |table| table.draw(&user.user_id))?;
    Ok(DrawOutput { lock_version })
}
sync_server!(draw_server_v1, auth: Auth::LOGIN, errors: [NOT_SEATED, NO_GAME, NOT_YOUR_TURN]);
