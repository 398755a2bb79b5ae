//! `cards/play` v1: plays a card in the room's game, which passes the turn or wins.

use garde::Validate;
use syncline::prelude::*;

use super::{
    rules::Card,
    table::{DOES_NOT_FIT, NO_GAME, NOT_IN_HAND, NOT_SEATED, NOT_YOUR_TURN},
};
use crate::App;

/// What to play.
#[derive(Debug, Serialize, Deserialize, Validate, TS, JsonSchema)]
pub struct PlayInput {
    /// A card of one's own.
    #[garde(dive)]
    pub card: Card,
}

/// The card lies on the pile.
#[derive(Debug, Serialize, Deserialize, TS, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct PlayOutput {
    /// The table's version from then on.
    pub lock_version: u64,
}

async fn play_server_v1(
    ServerParams { client_input, user, functions, room_code, .. }: ServerParams<PlayInput, App>,
) -> SyncResult<PlayOutput> {
    let lock_version =
        functions.tables.change(&room_code, |table| table.play(&user.user_id, client_input.card))?;
    Ok(PlayOutput { lock_version })
}
sync_server!(
    play_server_v1,
    auth: Auth::LOGIN,
    errors: [NOT_SEATED, NO_GAME, NOT_YOUR_TURN, NOT_IN_HAND, DOES_NOT_FIT]
);
