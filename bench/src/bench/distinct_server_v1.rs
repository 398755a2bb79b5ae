//! `bench/distinct` v1: the server stage of a client stage whose output is another one for each recipient.

use syncline::prelude::*;

use super::message::Message;

async fn distinct_server_v1(ServerParams { client_input, .. }: ServerParams<Message>) -> SyncResult<Message> {
    Ok(client_input)
}
sync_server!(distinct_server_v1);
