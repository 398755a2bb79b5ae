//! What is said on a topic's channel: that it is time to read the topic again. Never what there is to read.
//!
//! Other backends say it too, in their own words, and whatever they add is left unread: a payload from outside would
//! pass by the audience.

use serde::{Deserialize, Serialize, de::IgnoredAny};
use syncline::run::News;

use super::{
    messages::Id,
    topic::{GAME, Topic},
};

/// What is longer is not read.
const MAX_BYTES: usize = 1024 * 1024;

/// That something happened to a topic.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Hint {
    pub(crate) topic: Topic,
    /// The version that it is at, if that was said.
    pub(crate) version: Option<u64>,
    /// Whether it is about who may watch, and not about a version.
    pub(crate) is_access: bool,
    /// When that was, in milliseconds since 1970, if that was said.
    pub(crate) at: Option<u64>,
    /// The node that says so, if it is one of ours.
    pub(crate) origin: Option<String>,
}

#[derive(Serialize)]
struct Written<'a> {
    r#type: String,
    id: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    version: Option<u64>,
    at: u64,
    origin: &'a str,
}

#[derive(Deserialize)]
struct Read {
    r#type: Option<String>,
    id: Option<Id>,
    #[serde(rename = "gameId")]
    game_id: Option<Id>,
    version: Option<u64>,
    at: Option<u64>,
    origin: Option<String>,
    payload: Option<IgnoredAny>,
}

/// What a node says of its own topic.
pub(crate) fn write(topic: &Topic, news: News, at: u64, origin: &str) -> Vec<u8> {
    let (what, version) = match news {
        News::Changed(version) => ("changed", Some(version)),
        News::Access => ("access_changed", None),
    };
    let r#type = format!("{}_{what}", topic.kind());
    // Strings and numbers: there is nothing that could not be written.
    serde_json::to_vec(&Written { r#type, id: topic.id(), version, at, origin }).unwrap_or_default()
}

/// What a message on the channel of a kind says, if it says anything. The channel is `<kind>:<id>`.
pub(crate) fn read(channel: &str, message: &[u8]) -> Option<Hint> {
    let (kind, id) = channel.split_once(':')?;
    let topic = Topic::new(kind, id)?;
    if message.len() > MAX_BYTES || !message.trim_ascii_start().starts_with(b"{") {
        return None;
    }
    let read: Read = serde_json::from_slice(message).ok()?;
    let Read { r#type, id, game_id, version, at, origin, payload } = read;
    let (named, is_access) = match (r#type, id, game_id) {
        (Some(said), Some(id), None) => {
            let what = said.strip_prefix(kind)?.strip_prefix('_')?;
            (
                id,
                match what {
                    "changed" => false,
                    "access_changed" => true,
                    _ => return None,
                },
            )
        }
        // A backend that pushes whole snapshots.
        (None, None, Some(id)) if kind == GAME && payload.is_some() => (id, false),
        _ => return None,
    };
    (named.into_text() == topic.id()).then_some(Hint { topic, version, is_access, at, origin })
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use syncline::run::News;

    use super::{Hint, Topic, read, write};

    fn game(version: Option<u64>) -> Hint {
        let topic = Topic::new("game", "7").unwrap();
        Hint { topic, version, is_access: false, at: None, origin: None }
    }

    #[test]
    fn hints() {
        for (message, hint) in [
            (r#"{"type":"game_changed","id":"7","version":3}"#, Some(game(Some(3)))),
            (r#"{"type":"game_changed","id":7}"#, Some(game(None))),
            (r#"{"gameId":7,"payload":{"any":["thing"]}}"#, Some(game(None))),
            (r#"{"gameId":"7","payload":1,"version":4}"#, Some(game(Some(4)))),
            (r#"{"type":"game_access_changed","id":7}"#, Some(Hint { is_access: true, ..game(None) })),
            (r#"{"gameId":7}"#, None),
            (r#"{"type":"game_changed","id":"8"}"#, None),
            (r#"{"type":"cards_changed","id":"7"}"#, None),
            (r#"{"type":"game_changed","id":"7","version":-1}"#, None),
            (r#"{"type":"game_changed","id":"7","version":"3"}"#, None),
            (r#"{"type":"game_gone","id":"7"}"#, None),
            (r#"["game_changed","7"]"#, None),
            ("", None),
            ("{", None),
        ] {
            assert_eq!(read("game:7", message.as_bytes()), hint, "{message}");
        }
        let payload = r#"{"gameId":7,"payload":1}"#.as_bytes();
        assert_eq!(read("cards:7", payload), None, "only games are told of like that");
        assert_eq!(read("game:../7", payload), None);
        assert_eq!(read("game", payload), None);
        assert_eq!(read("game:7", b"\xff"), None);
        let long = format!(r#"{{"gameId":7,"payload":"{}"}}"#, "x".repeat(1024 * 1024));
        assert_eq!(read("game:7", long.as_bytes()), None);
    }

    #[test]
    fn what_is_written_is_read() {
        let topic = Topic::new("cards", "a-b").unwrap();
        for (news, version, is_access) in
            [(News::Changed(u64::MAX), Some(u64::MAX), false), (News::Access, None, true)]
        {
            let message = write(&topic, news, 9, "node");
            let hint =
                Hint { topic: topic.clone(), version, is_access, at: Some(9), origin: Some("node".into()) };
            assert_eq!(read("cards:a-b", &message), Some(hint));
        }
    }

    proptest! {
        #[test]
        fn anything_is_read_or_not(channel in ".*", message in prop::collection::vec(any::<u8>(), 0..200)) {
            let _ = read(&channel, &message);
        }
    }
}
