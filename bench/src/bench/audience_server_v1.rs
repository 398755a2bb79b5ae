//! `bench/audience` v1: the server stage of a client stage that runs for each language.

use syncline::prelude::*;

use super::message::Message;

async fn audience_server_v1(ServerParams { client_input, .. }: ServerParams<Message>) -> SyncResult<Message> {
    Ok(client_input)
}
sync_server!(audience_server_v1);
