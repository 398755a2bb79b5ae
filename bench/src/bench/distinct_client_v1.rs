//! `bench/distinct` v1: runs for each recipient and says to each who it is.

use syncline::prelude::*;

use super::message::Message;

/// Whom this was for.
#[derive(Serialize, Deserialize, TS, JsonSchema)]
pub(super) struct ForUser {
    user: String,
}

async fn distinct_client_v1(
    ClientParams { user, .. }: ClientParams<Message, Message>,
) -> SyncResult<Deliver<ForUser>> {
    Ok(Deliver::To(ForUser { user: user.user_id.clone() }))
}
sync_client!(distinct_client_v1);
