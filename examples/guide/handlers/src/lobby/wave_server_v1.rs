//! `lobby/wave` v1: waves at everybody in the room.

use syncline::prelude::*;

/// How to wave.
#[derive(Debug, Serialize, Deserialize, TS, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct WaveInput {
    /// With both hands.
    pub both_hands: bool,
}

/// Somebody waves.
#[derive(Debug, Serialize, Deserialize, TS, JsonSchema)]
pub struct WaveOutput {
    /// The id of the user who does.
    pub by: String,
}

async fn wave_server_v1(ServerParams { user, .. }: ServerParams<WaveInput>) -> SyncResult<WaveOutput> {
    Ok(WaveOutput { by: user.user_id.clone() })
}
sync_server!(wave_server_v1, auth: Auth::LOGIN);
