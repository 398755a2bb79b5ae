//! `cards/leave` v1: stands up from the room's table, which ends the game.

use syncline::prelude::*;

use super::table::NOT_SEATED;
use crate::App;

/// The seat is free.
#[derive(Debug, Serialize, Deserialize, TS, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct LeaveOutput {
    /// The table's version from then on.
    pub lock_version: u64,
}

async fn leave_server_v1(
    ServerParams { user, functions, room_code, .. }: ServerParams<Empty, App>,
) -> SyncResult<LeaveOutput> {
    let lock_version = functions.tables.change(&room_code, |table| table.leave(&user.user_id))?;
    Ok(LeaveOutput { lock_version })
}
sync_server!(leave_server_v1, auth: Auth::LOGIN, errors: [NOT_SEATED]);
