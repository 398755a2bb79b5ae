//! `counter/announce` v1: says something to those whose language is known, once for each language.

use syncline::prelude::*;

#[derive(Serialize, Deserialize, TS, JsonSchema)]
pub(crate) struct AnnounceInput {
    pub(crate) text: String,
}

#[derive(Debug, PartialEq, Serialize, Deserialize, TS, JsonSchema)]
pub(crate) struct Announcement {
    pub(crate) text: String,
}

async fn announce_client_v1(
    AudienceParams { client_input, audience, .. }: AudienceParams<AnnounceInput, Empty, Option<String>>,
) -> SyncResult<Deliver<Announcement>> {
    Ok(match &*audience {
        Some(language) => Deliver::To(Announcement { text: format!("[{language}] {}", client_input.text) }),
        None => Deliver::Skip,
    })
}
sync_client!(announce_client_v1, audience: language_of, auth: Auth::LOGIN.and(&[Rule::equals("roles", "host")]));

fn language_of(session: &Session) -> Option<String> {
    session.locale.clone()
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use syncline_testkit::{Delivered as _, Stage, TestSession as _};

    use super::*;
    use crate::App;

    #[tokio::test]
    async fn each_language_gets_its_own() {
        let stage = Stage::new(Arc::new(App::default()));
        let hello = || AnnounceInput { text: "hello".into() };
        let japanese = stage.session(Session::user("bob").locale("ja"));
        let said = japanese.audience(announce_client_v1, language_of, hello(), Empty {}).await.assert_sent();
        assert_eq!(said.text, "[ja] hello");
        stage.audience(announce_client_v1, language_of, hello(), Empty {}).await.assert_skipped();
    }
}
