//! `examples/updateCounter` v1: everyone in the room gets it. An event without this file does the same.

use syncline::prelude::*;

use super::update_counter_server_v1::{UpdateCounterInput, UpdateCounterOutput};

async fn update_counter_client_v1(
    _: ClientParams<UpdateCounterInput, UpdateCounterOutput>,
) -> SyncResult<Deliver<Empty>> {
    Ok(Deliver::To(Empty {}))
}
sync_client!(update_counter_client_v1);
