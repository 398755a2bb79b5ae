//! `cards/sit` v1: takes a seat at the room's table. The second to do so has a game dealt; whoever sits there stays.

use syncline::prelude::*;

use super::table::TABLE_FULL;
use crate::App;

/// The seat is taken.
#[derive(Debug, Serialize, Deserialize, TS, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct SitOutput {
    /// The table's version from then on.
    pub lock_version: u64,
}

async fn sit_server_v1(
    ServerParams { user, functions, room_code, .. }: ServerParams<Empty, App>,
) -> SyncResult<SitOutput> {
    let lock_version = functions.tables.change(&room_code, |table| table.sit(&user.user_id))?;
    Ok(SitOutput { lock_version })
}
sync_server!(sit_server_v1, auth: Auth::LOGIN, errors: [TABLE_FULL]);
