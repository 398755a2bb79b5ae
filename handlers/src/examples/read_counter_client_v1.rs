//! `examples/readCounter` v1: nobody gets it. The caller has the answer, and for the others nothing has changed.

use syncline::prelude::*;

use super::read_counter_server_v1::ReadCounterOutput;

async fn read_counter_client_v1(_: ClientParams<Empty, ReadCounterOutput>) -> SyncResult<Deliver<Empty>> {
    Ok(Deliver::Skip)
}
sync_client!(read_counter_client_v1);
