//! `cards/readTable` v1: nobody gets it. The caller has the answer, and for the others nothing has changed.

use syncline::prelude::*;

use super::read_table_server_v1::ReadTableOutput;

async fn read_table_client_v1(_: ClientParams<Empty, ReadTableOutput>) -> SyncResult<Deliver<Empty>> {
    Ok(Deliver::Skip)
}
sync_client!(read_table_client_v1);
