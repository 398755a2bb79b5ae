//! The built-in source of kind `game`: any JSON, written over HTTP, so that another back end can have its state pushed
//! without a line of Rust. An app with a source of its own for `game` has that one instead.
//!
//! Everybody who may watch a game sees the same. A game stays until the store loses it: versions that began again would
//! be taken for old ones.

use std::sync::Arc;

use serde::Deserialize;
use serde_json::value::RawValue;
use syncline::{ErrorCode, Session, Snapshot, SnapshotHub, SnapshotSource, SyncResult, run::json_depth};

use super::{
    codes,
    topic::{GAME, Topic},
};
use crate::{
    auth::rooms_claim_allows,
    codes::INVALID_JSON,
    records::{Found, Record, Records, RecordsError},
};

/// The games of all nodes.
#[derive(Clone)]
pub(crate) struct Games {
    records: Arc<dyn Records>,
    hub: SnapshotHub,
}

/// What a write says: the data, and the version that it is to have.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Write {
    pub(super) data: String,
    pub(super) lock_version: Option<u64>,
}

/// What became of a write.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Written {
    /// The game is at that version now.
    At(u64),
    /// It is at that version, and the write was not for the next one.
    Conflict(u64),
}

#[derive(Deserialize)]
struct Body<'a> {
    #[serde(borrow)]
    data: Option<&'a RawValue>,
    lock_version: Option<u64>,
}

/// The largest number that a browser holds exactly.
pub(super) const MAX_VERSION: u64 = (1 << 53) - 1;

impl Write {
    /// What a body says.
    ///
    /// # Errors
    /// `invalid.json` or `invalid.data`.
    pub(super) fn read(body: &[u8], max_depth: usize) -> Result<Self, ErrorCode> {
        let text = std::str::from_utf8(body).map_err(|_| INVALID_JSON)?;
        if json_depth(text) > max_depth || serde_json::from_str::<serde::de::IgnoredAny>(text).is_err() {
            return Err(INVALID_JSON);
        }
        // serde would read an array as the fields in their order.
        if !text.trim_start().starts_with('{') {
            return Err(codes::INVALID_DATA);
        }
        let body: Body<'_> = serde_json::from_str(text).map_err(|_| codes::INVALID_DATA)?;
        let data = body.data.map(RawValue::get).filter(|data| *data != "null").ok_or(codes::INVALID_DATA)?;
        if body.lock_version.is_some_and(|version| !(1..=MAX_VERSION).contains(&version)) {
            return Err(codes::INVALID_DATA);
        }
        Ok(Self { data: data.to_owned(), lock_version: body.lock_version })
    }
}

impl Games {
    pub(crate) fn new(records: Arc<dyn Records>, hub: SnapshotHub) -> Self {
        Self { records, hub }
    }

    /// Writes a game, and tells everybody who watches it.
    pub(super) async fn put(&self, game: &Topic, write: Write) -> Result<Written, RecordsError> {
        let (key, data) = (game.id(), write.data.into());
        let record = match write.lock_version {
            None => Some(self.records.put(key, data).await?),
            Some(version) => self.records.put_if(key, data, version - 1).await?,
        };
        let Some(Record { position, .. }) = record else {
            let current = match self.records.get(key).await? {
                Found::Record(record) => record.position.version,
                Found::Gone(_) => 0,
            };
            return Ok(Written::Conflict(current));
        };
        self.hub.changed(GAME, game.id(), position.version);
        Ok(Written::At(position.version))
    }
}

impl SnapshotSource for Games {
    type Audience = ();

    fn audience(&self, _id: &str, _viewer: &Session) {}

    async fn snapshot(&self, id: &str, (): &()) -> SyncResult<Snapshot> {
        match self.records.get(id).await.map_err(RecordsError::into_answer)? {
            Found::Record(record) => {
                let data = String::from_utf8(record.value.into())?;
                Ok(Snapshot::raw(record.position.version, RawValue::from_string(data)?.into()))
            }
            Found::Gone(_) => Err(codes::NOT_FOUND.into()),
        }
    }

    /// Whoever is logged in, unless their token has a `rooms` claim, which then has to name `game:<id>`.
    async fn may_watch(&self, id: &str, viewer: &Session) -> bool {
        !viewer.is_anonymous() && rooms_claim_allows(viewer, &format!("{GAME}:{id}"))
    }
}

#[cfg(test)]
mod tests {
    use super::{INVALID_JSON, Write, codes::INVALID_DATA};

    #[test]
    fn writes() {
        let write = |data: &str, lock_version| Ok(Write { data: data.to_owned(), lock_version });
        let deep = format!(r#"{{"data":{}{}}}"#, "[".repeat(64), "]".repeat(64));
        for (body, expected) in [
            (r#"{"data":{"a":1.00}}"#, write(r#"{"a":1.00}"#, None)),
            (r#"{"lock_version":1,"data":[]}"#, write("[]", Some(1))),
            (r#"{"lock_version":null,"data":"text","more":1}"#, write(r#""text""#, None)),
            (r#"{"lock_version":9007199254740991,"data":0}"#, write("0", Some((1 << 53) - 1))),
            (r#"{"lock_version":9007199254740992,"data":0}"#, Err(INVALID_DATA)),
            (r#"{"lock_version":0,"data":1}"#, Err(INVALID_DATA)),
            (r#"{"lock_version":-1,"data":1}"#, Err(INVALID_DATA)),
            (r#"{"lock_version":1.5,"data":1}"#, Err(INVALID_DATA)),
            (r#"{"lock_version":"1","data":1}"#, Err(INVALID_DATA)),
            (r#"{"data":null}"#, Err(INVALID_DATA)),
            ("{}", Err(INVALID_DATA)),
            ("[{},1]", Err(INVALID_DATA)),
            ("", Err(INVALID_JSON)),
            (r#"{"data":1"#, Err(INVALID_JSON)),
            (&deep, Err(INVALID_JSON)),
        ] {
            assert_eq!(Write::read(body.as_bytes(), 64), expected, "{body}");
        }
        assert_eq!(Write::read(b"{\"data\":\"\xff\"}", 64), Err(INVALID_JSON));
    }
}
