//! What is said on a snapshot's WebSocket, in both directions: JSON texts with a `type`.

use serde::{Deserialize, Serialize, de::IgnoredAny};
use serde_json::value::RawValue;
use syncline::Snapshot;
use tokio_tungstenite::tungstenite::Utf8Bytes;

use super::topic::{GAME, Topic};

/// The version of this protocol, in each snapshot.
const PROTOCOL: u8 = 1;

/// What a client says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Command {
    Subscribe(Topic),
    Unsubscribe(Topic),
    Ping,
}

#[derive(Deserialize)]
#[serde(tag = "type", rename_all = "camelCase")]
enum Request {
    Subscribe(Named),
    Unsubscribe(Named),
    Ping(IgnoredAny),
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Named {
    topic: Option<NamedTopic>,
    game_id: Option<Id>,
}

#[derive(Deserialize)]
struct NamedTopic {
    kind: String,
    id: Id,
}

/// An id, which a client may also write as a number.
#[derive(Deserialize)]
#[serde(untagged)]
pub(super) enum Id {
    Number(u64),
    Text(String),
}

impl Id {
    pub(super) fn into_text(self) -> String {
        match self {
            Self::Number(number) => number.to_string(),
            Self::Text(text) => text,
        }
    }
}

impl Named {
    fn topic(self) -> Option<Topic> {
        match (self.topic, self.game_id) {
            (Some(topic), None) => Topic::new(&topic.kind, &topic.id.into_text()),
            (None, Some(id)) => Topic::new(GAME, &id.into_text()),
            _ => None,
        }
    }
}

impl Command {
    /// What a text says, if it is a command.
    pub(crate) fn read(text: &str) -> Option<Self> {
        // serde would read an array as the fields in their order.
        if !text.trim_start().starts_with('{') {
            return None;
        }
        match serde_json::from_str(text).ok()? {
            Request::Subscribe(named) => named.topic().map(Self::Subscribe),
            Request::Unsubscribe(named) => named.topic().map(Self::Unsubscribe),
            Request::Ping(_) => Some(Self::Ping),
        }
    }
}

#[derive(Serialize)]
#[serde(tag = "type", rename_all = "camelCase")]
enum Said<'a> {
    #[serde(rename_all = "camelCase")]
    Snapshot {
        topic: &'a Topic,
        data: &'a RawValue,
        lock_version: u64,
        version: u8,
    },
    Ack {
        command: &'a str,
        topic: &'a Topic,
    },
    Pong,
    Error {
        code: &'a str,
        message: &'a str,
        #[serde(skip_serializing_if = "Option::is_none")]
        topic: Option<&'a Topic>,
    },
}

impl Said<'_> {
    fn text(&self) -> Utf8Bytes {
        // Strings, numbers and JSON that is there already: there is nothing that could not be written.
        serde_json::to_string(self).unwrap_or_default().into()
    }
}

/// The newest snapshot of a topic.
pub(crate) fn snapshot(topic: &Topic, snapshot: &Snapshot) -> Utf8Bytes {
    let (data, lock_version) = (snapshot.data(), snapshot.version());
    Said::Snapshot { topic, data, lock_version, version: PROTOCOL }.text()
}

/// A command was carried out.
pub(crate) fn ack(command: &str, topic: &Topic) -> Utf8Bytes {
    Said::Ack { command, topic }.text()
}

/// The answer to a client's own ping.
pub(crate) fn pong() -> Utf8Bytes {
    Said::Pong.text()
}

/// Something could not be done; `topic` says of which, where it was of one.
pub(crate) fn error(code: &str, message: &str, topic: Option<&Topic>) -> Utf8Bytes {
    Said::Error { code, message, topic }.text()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::json;
    use syncline::Snapshot;

    use super::{Command, Topic, ack, error, pong, snapshot};

    #[test]
    fn commands() {
        let topic = |id| Topic::new("game", id).unwrap();
        for (text, command) in [
            (r#"{"type":"subscribe","gameId":7}"#, Some(Command::Subscribe(topic("7")))),
            (r#"{"type":"subscribe","gameId":"7"}"#, Some(Command::Subscribe(topic("7")))),
            (
                r#"{"topic":{"id":"a","kind":"game"},"type":"subscribe","x":1}"#,
                Some(Command::Subscribe(topic("a"))),
            ),
            (
                r#"{"type":"unsubscribe","topic":{"kind":"game","id":7}}"#,
                Some(Command::Unsubscribe(topic("7"))),
            ),
            (r#"{"type":"ping","t":1}"#, Some(Command::Ping)),
            (r#" {"type":"ping"} "#, Some(Command::Ping)),
            ("", None),
            ("7", None),
            ("null", None),
            (r#"["ping"]"#, None),
            (r#"{"type":"dance"}"#, None),
            (r#"{"gameId":7}"#, None),
            (r#"{"type":"subscribe"}"#, None),
            (r#"{"type":"subscribe","gameId":7,"topic":{"kind":"game","id":"7"}}"#, None),
            (r#"{"type":"subscribe","gameId":-7}"#, None),
            (r#"{"type":"subscribe","gameId":"../7"}"#, None),
            (r#"{"type":"subscribe","topic":"game"}"#, None),
            (r#"{"type":"subscribe","topic":["game","7"]}"#, Some(Command::Subscribe(topic("7")))),
        ] {
            assert_eq!(Command::read(text), command, "{text}");
        }
    }

    #[test]
    fn what_is_said() {
        let topic = Topic::new("game", "7").unwrap();
        let read = |text: &str| serde_json::from_str::<serde_json::Value>(text).unwrap();
        let said = snapshot(&topic, &Snapshot::new(3, &json!({ "a": [1] })).unwrap());
        let expected = json!({"type": "snapshot", "topic": {"kind": "game", "id": "7"}, "data": {"a": [1]}, "lockVersion": 3, "version": 1});
        assert_eq!(read(&said), expected);
        let expected = json!({"type": "ack", "command": "subscribe", "topic": {"kind": "game", "id": "7"}});
        assert_eq!(read(&ack("subscribe", &topic)), expected);
        assert_eq!(read(&pong()), json!({"type": "pong"}));
        let expected = json!({"type": "error", "code": "bad_request", "message": "<b>\""});
        assert_eq!(read(&error("bad_request", "<b>\"", None)), expected);
        assert_eq!(read(&error("x", "", Some(&topic)))["topic"]["id"], "7");
    }

    proptest! {
        #[test]
        fn any_text_is_read_or_not(text in ".*") {
            let _ = Command::read(&text);
        }
    }
}
