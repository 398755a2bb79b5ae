//! `examples/readCounter` v1: where the room's counter stands, for whoever comes in later. It changes nothing.

use syncline::prelude::*;

use crate::App;

/// Where the room's counter stands.
#[derive(Debug, Serialize, Deserialize, TS, JsonSchema)]
pub struct ReadCounterOutput {
    /// The room's total.
    pub value: i64,
}

async fn read_counter_server_v1(
    ServerParams { functions, room_code, .. }: ServerParams<Empty, App>,
) -> SyncResult<ReadCounterOutput> {
    Ok(ReadCounterOutput { value: functions.counters.update(&room_code, |total| *total) })
}
sync_server!(read_counter_server_v1, auth: Auth::LOGIN);
