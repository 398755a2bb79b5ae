//! `test/clientOnly/ping` v1: tells each recipient their own user id. Without a server stage, `auth` stands here.

use syncline::prelude::*;

/// Whom the ping reached.
#[derive(Debug, Serialize, Deserialize, TS, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct PingClientOutput {
    /// The recipient's user id; empty in an anonymous session.
    pub user_id: String,
}

async fn ping_client_v1(
    ClientParams { user, .. }: ClientParams<Empty, Empty>,
) -> SyncResult<Deliver<PingClientOutput>> {
    Ok(Deliver::To(PingClientOutput { user_id: user.user_id.clone() }))
}
sync_client!(ping_client_v1, auth: Auth::LOGIN);
