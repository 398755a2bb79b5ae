//! `cards/sit` v1: nobody gets it. What has changed comes as a snapshot, to each as they may see it.

use syncline::prelude::*;

use super::sit_server_v1::SitOutput;

async fn sit_client_v1(_: ClientParams<Empty, SitOutput>) -> SyncResult<Deliver<Empty>> {
    Ok(Deliver::Skip)
}
sync_client!(sit_client_v1);
