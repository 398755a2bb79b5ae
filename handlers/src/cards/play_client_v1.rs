//! `cards/play` v1: nobody gets it. What has changed comes as a snapshot, to each as they may see it.

use syncline::prelude::*;

use super::play_server_v1::{PlayInput, PlayOutput};

async fn play_client_v1(_: ClientParams<PlayInput, PlayOutput>) -> SyncResult<Deliver<Empty>> {
    Ok(Deliver::Skip)
}
sync_client!(play_client_v1);
