//! `cards/draw` v1: nobody gets it. What has changed comes as a snapshot, to each as they may see it.

use syncline::prelude::*;

use super::draw_server_v1::DrawOutput;

async fn draw_client_v1(_: ClientParams<Empty, DrawOutput>) -> SyncResult<Deliver<Empty>> {
    Ok(Deliver::Skip)
}
sync_client!(draw_client_v1);
