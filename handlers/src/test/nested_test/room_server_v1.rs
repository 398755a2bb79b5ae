//! `test/nestedTest/room` v1: answers with what it got.

use syncline::prelude::*;

/// A step that is taken or not.
#[derive(Debug, Serialize, Deserialize, TS, JsonSchema)]
pub struct RoomStep {
    /// Which step.
    pub step: i32,
    /// Whether it is taken.
    pub active: bool,
}

async fn room_server_v1(ServerParams { client_input, .. }: ServerParams<RoomStep>) -> SyncResult<RoomStep> {
    Ok(client_input)
}
sync_server!(room_server_v1, auth: Auth::LOGIN);
