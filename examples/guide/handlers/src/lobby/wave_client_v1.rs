//! `lobby/wave` v1: tells each recipient whether they waved themselves.

use super::wave_server_v1::{WaveInput, WaveOutput};
use syncline::prelude::*;

/// The wave, as its recipient sees it.
#[derive(Debug, Serialize, Deserialize, TS, JsonSchema)]
pub struct WaveClientOutput {
    /// Whether it is the recipient's own.
    pub mine: bool,
}

async fn wave_client_v1(
    ClientParams { server_output, user, .. }: ClientParams<WaveInput, WaveOutput>,
) -> SyncResult<Deliver<WaveClientOutput>> {
    Ok(Deliver::To(WaveClientOutput { mine: server_output.by == user.user_id }))
}
sync_client!(wave_client_v1);
