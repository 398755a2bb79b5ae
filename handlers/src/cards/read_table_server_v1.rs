//! `cards/readTable` v1: the room's table, as the snapshots show it to the caller. For those who do not watch; it
//! changes nothing.

use syncline::prelude::*;

use super::table::TableView;
use crate::App;

/// The table as it stands.
#[derive(Debug, Serialize, Deserialize, TS, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct ReadTableOutput {
    /// Its version.
    pub lock_version: u64,
    /// What the caller may see of it: the data of a snapshot.
    pub table: TableView,
}

async fn read_table_server_v1(
    ServerParams { user, functions, room_code, .. }: ServerParams<Empty, App>,
) -> SyncResult<ReadTableOutput> {
    let (lock_version, table) = functions.tables.view(&room_code, Some(&user.user_id));
    Ok(ReadTableOutput { lock_version, table })
}
sync_server!(read_table_server_v1, auth: Auth::LOGIN);
