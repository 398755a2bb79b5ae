//! `bench/audience` v1: runs once for each language in the room.

use syncline::prelude::*;

use super::message::Message;

/// Which readers this was for.
#[derive(Serialize, Deserialize, TS, JsonSchema)]
pub(super) struct ForLanguage {
    language: Option<String>,
}

fn language_of(session: &Session) -> Option<String> {
    session.locale.clone()
}

async fn audience_client_v1(
    AudienceParams { audience, .. }: AudienceParams<Message, Message, Option<String>>,
) -> SyncResult<Deliver<ForLanguage>> {
    Ok(Deliver::To(ForLanguage { language: audience.as_ref().clone() }))
}
sync_client!(audience_client_v1, audience: language_of);
