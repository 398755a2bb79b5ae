//! `cards/leave` v1: nobody gets it. What has changed comes as a snapshot, to each as they may see it.

use syncline::prelude::*;

use super::leave_server_v1::LeaveOutput;

async fn leave_client_v1(_: ClientParams<Empty, LeaveOutput>) -> SyncResult<Deliver<Empty>> {
    Ok(Deliver::Skip)
}
sync_client!(leave_client_v1);
