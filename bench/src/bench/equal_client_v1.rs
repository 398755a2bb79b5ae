//! `bench/equal` v1: runs for each recipient and says the same to all of them.

use syncline::prelude::*;

use super::message::Message;

async fn equal_client_v1(_: ClientParams<Message, Message>) -> SyncResult<Deliver<Empty>> {
    Ok(Deliver::To(Empty {}))
}
sync_client!(equal_client_v1);
