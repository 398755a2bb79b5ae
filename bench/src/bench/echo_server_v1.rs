//! `bench/echo` v1: without a client stage, so everybody in the room gets the same bytes.

use syncline::prelude::*;

use super::message::Message;

async fn echo_server_v1(ServerParams { client_input, .. }: ServerParams<Message>) -> SyncResult<Message> {
    Ok(client_input)
}
sync_server!(echo_server_v1);
