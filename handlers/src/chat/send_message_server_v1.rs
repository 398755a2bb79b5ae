//! `chat/sendMessage` v1: stamps a message with its id, author and time. It keeps no history.

use garde::Validate;
use serde::Deserializer;
use syncline::prelude::*;
use time::{
    OffsetDateTime,
    format_description::well_known::{
        Iso8601,
        iso8601::{Config, EncodedConfig, TimePrecision},
    },
};
use uuid::Uuid;

/// What to say.
#[derive(Debug, Serialize, Deserialize, Validate, TS, JsonSchema)]
pub struct SendMessageInput {
    /// 1 to 500 characters. White space around them is cut off and does not count.
    #[garde(length(chars, min = 1, max = 500))]
    #[schemars(regex(pattern = r"\S"))]
    #[serde(deserialize_with = "trimmed")]
    pub text: String,
}

/// A message.
#[derive(Debug, Serialize, Deserialize, TS, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct SendMessageOutput {
    /// A UUID (version 7, so that ids sort by time).
    pub id: String,
    /// What was said.
    pub text: String,
    /// The id of the user who said it.
    pub author: String,
    /// When the server got it: RFC 3339 in UTC, to the millisecond.
    pub sent_at: String,
}

async fn send_message_server_v1(
    ServerParams { client_input, user, .. }: ServerParams<SendMessageInput>,
) -> SyncResult<SendMessageOutput> {
    Ok(SendMessageOutput {
        id: Uuid::now_v7().to_string(),
        text: client_input.text,
        author: user.user_id.clone(),
        sent_at: OffsetDateTime::now_utc().format(&Iso8601::<TO_THE_MILLISECOND>)?,
    })
}
sync_server!(send_message_server_v1, auth: Auth::LOGIN, rate_limit: RateLimit::per_second(5).burst(10));

/// Every RFC 3339 time is an ISO 8601 one, and only the latter's format lets the digits be chosen.
const TO_THE_MILLISECOND: EncodedConfig = Config::DEFAULT
    .set_time_precision(TimePrecision::Second { decimal_digits: std::num::NonZero::new(3) })
    .encode();

/// Cut while it is read, before it is counted, so that both stages see the same text.
fn trimmed<'de, D: Deserializer<'de>>(text: D) -> Result<String, D::Error> {
    Ok(String::deserialize(text)?.trim().to_owned())
}
