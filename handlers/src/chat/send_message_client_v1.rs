//! `chat/sendMessage` v1: tells each recipient whether the message is their own and whether it mentions them.

use syncline::prelude::*;

use super::{
    mention::mentions,
    send_message_server_v1::{SendMessageInput, SendMessageOutput},
};

/// What the message is to its recipient.
#[derive(Debug, Serialize, Deserialize, TS, JsonSchema)]
pub struct SendMessageClientOutput {
    /// Whether the recipient wrote it.
    pub mine: bool,
    /// Whether it holds `@` and the recipient's user id.
    pub mentioned: bool,
}

async fn send_message_client_v1(
    ClientParams { server_output: message, user, .. }: ClientParams<SendMessageInput, SendMessageOutput>,
) -> SyncResult<Deliver<SendMessageClientOutput>> {
    Ok(Deliver::To(SendMessageClientOutput {
        mine: message.author == user.user_id,
        mentioned: mentions(&message.text, &user.user_id),
    }))
}
sync_client!(send_message_client_v1);
