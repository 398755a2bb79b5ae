//! `bench/equal` v1: the server stage of a client stage whose output is the same for everybody.

use syncline::prelude::*;

use super::message::Message;

async fn equal_server_v1(ServerParams { client_input, .. }: ServerParams<Message>) -> SyncResult<Message> {
    Ok(client_input)
}
sync_server!(equal_server_v1);
