//! `examples/updateCounter` v2: only those in the room who are on the page `/examples` get it.

use syncline::prelude::*;

use super::update_counter_server_v2::{UpdateCounterInput, UpdateCounterOutput};

async fn update_counter_client_v2(
    ClientParams { user, .. }: ClientParams<UpdateCounterInput, UpdateCounterOutput>,
) -> SyncResult<Deliver<Empty>> {
    Ok(match user.location.path_name.as_deref() {
        Some("/examples") => Deliver::To(Empty {}),
        _ => Deliver::Skip,
    })
}
sync_client!(update_counter_client_v2);
