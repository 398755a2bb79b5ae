//! Topics: what can be watched, and how it is named on the wire and among nodes.

use std::{fmt, sync::Arc};

use serde::{Serialize, Serializer, ser::SerializeStruct as _};

/// The longest name of a kind.
pub(super) const MAX_KIND: usize = 32;

/// The longest id.
pub(super) const MAX_ID: usize = 64;

/// The kind that has paths of its own, `/api/games` and `/ws/games`, and a built-in source.
pub(crate) const GAME: &str = "game";

/// Something that can be watched: one of the app's kinds, and an id of 1 to 64 of `A-Z a-z 0-9 _ -`.
#[derive(Clone, PartialEq, Eq, Hash)]
pub(crate) struct Topic {
    kind: Arc<str>,
    id: Arc<str>,
}

impl Topic {
    /// The topic, if it can be one.
    pub(crate) fn new(kind: &str, id: &str) -> Option<Self> {
        (is_kind(kind) && is_name(id, MAX_ID)).then(|| Self { kind: kind.into(), id: id.into() })
    }

    pub(crate) fn kind(&self) -> &str {
        &self.kind
    }

    pub(crate) fn id(&self) -> &str {
        &self.id
    }

    /// The channel on which nodes, and other backends, tell that it has changed.
    pub(crate) fn channel(&self) -> String {
        format!("{}:{}", self.kind, self.id)
    }
}

/// Whether that can be the name of a kind. `syncline` cannot: channels that begin with it are the nodes' own.
pub(crate) fn is_kind(kind: &str) -> bool {
    is_name(kind, MAX_KIND) && kind != "syncline"
}

fn is_name(text: &str, longest: usize) -> bool {
    let fits = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'-');
    (1..=longest).contains(&text.len()) && text.bytes().all(fits)
}

impl fmt::Debug for Topic {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}", self.kind, self.id)
    }
}

impl Serialize for Topic {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut topic = serializer.serialize_struct("Topic", 2)?;
        topic.serialize_field("kind", &self.kind)?;
        topic.serialize_field("id", &self.id)?;
        topic.end()
    }
}

#[cfg(test)]
mod tests {
    use super::Topic;

    #[test]
    fn names() {
        for (kind, id) in [("game", "7"), ("card-game", "A_b-9"), ("game", &"x".repeat(64))] {
            assert!(Topic::new(kind, id).is_some(), "{kind} {id}");
        }
        for (kind, id) in [
            ("", "7"),
            ("game", ""),
            ("game", "a b"),
            ("game", "../7"),
            ("game", "7:8"),
            ("ga me", "7"),
            ("game", "ü"),
            ("syncline", "7"),
            ("game", &"x".repeat(65)),
            (&"x".repeat(33), "7"),
        ] {
            assert!(Topic::new(kind, id).is_none(), "{kind} {id}");
        }
    }
}
