//! A room's record: its name, what a PUT says, and what everybody reads.
//!
//! A state is opaque: it is checked to be an object or array, freed of white space, and otherwise left as it was sent,
//! digit for digit. Storing and sending are done elsewhere.

use std::sync::Arc;

use bytes::Bytes;
use serde::{Deserialize, de::IgnoredAny};
use serde_json::value::RawValue;
use syncline::{ErrorCode, run::json_depth};

use super::codes::INVALID_STATE;
use crate::{clock::rfc3339, codes::INVALID_JSON, records::Record};

/// The longest name of a room.
pub(super) const MAX_ROOM_ID: usize = 64;

/// A room's name: 1 to 64 of `A-Z a-z 0-9 _ -`.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(crate) struct RoomId(Arc<str>);

impl RoomId {
    /// The name, if it is one.
    pub(crate) fn parse(text: &str) -> Option<Self> {
        let fits = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'-');
        ((1..=MAX_ROOM_ID).contains(&text.len()) && text.bytes().all(fits)).then(|| Self(text.into()))
    }

    pub(crate) fn as_str(&self) -> &str {
        &self.0
    }
}

#[derive(Deserialize)]
struct Body<'a> {
    #[serde(borrow)]
    state: Option<&'a RawValue>,
}

/// The state that a PUT's body sets.
///
/// # Errors
/// `invalid.json` or `invalid.state`.
pub(crate) fn state_of(body: &[u8], max_depth: usize) -> Result<Bytes, ErrorCode> {
    let text = std::str::from_utf8(body).map_err(|_| INVALID_JSON)?;
    if json_depth(text) > max_depth || serde_json::from_str::<IgnoredAny>(text).is_err() {
        return Err(INVALID_JSON);
    }
    // serde would read an array as the fields in their order.
    if !text.trim_start().starts_with('{') {
        return Err(INVALID_STATE);
    }
    let body: Body<'_> = serde_json::from_str(text).map_err(|_| INVALID_STATE)?;
    let state = body.state.map(RawValue::get).filter(|state| state.starts_with(['{', '[']));
    Ok(compact(state.ok_or(INVALID_STATE)?))
}

/// JSON without white space between its tokens, so that it fits in one line.
fn compact(json: &str) -> Bytes {
    let (mut in_string, mut escaped) = (false, false);
    let mut compact = Vec::with_capacity(json.len());
    for byte in json.bytes() {
        if in_string {
            in_string = escaped || byte != b'"';
            escaped = !escaped && byte == b'\\';
        } else if byte.is_ascii_whitespace() {
            continue;
        } else {
            in_string = byte == b'"';
        }
        compact.push(byte);
    }
    compact.into()
}

/// The record as JSON.
pub(crate) fn to_json(room: &RoomId, record: &Record) -> Bytes {
    let mut json = Vec::with_capacity(record.value.len() + 192);
    write_json(&mut json, room, record);
    json.into()
}

fn write_json(into: &mut Vec<u8>, room: &RoomId, record: &Record) {
    let head = format!(
        r#"{{"room_id":"{}","version":{},"updated_at":"{}","state":"#,
        room.as_str(),
        record.position.version,
        rfc3339(record.updated_at)
    );
    into.extend_from_slice(head.as_bytes());
    into.extend_from_slice(&record.value);
    into.push(b'}');
}

/// The record as an event of its stream.
pub(crate) fn to_event(room: &RoomId, record: &Record) -> Bytes {
    let head = format!("event: state\nid: {}\ndata: ", record.position.version);
    let mut event = Vec::with_capacity(record.value.len() + 256);
    event.extend_from_slice(head.as_bytes());
    write_json(&mut event, room, record);
    event.extend_from_slice(b"\n\n");
    event.into()
}

/// The event of a stream whose room is not there, or no longer. It has no id, so that a client that comes back still
/// says the last version that it saw.
pub(crate) fn reset_event(room: &RoomId) -> Bytes {
    let room = room.as_str();
    format!(
        "event: state\ndata: {{\"room_id\":\"{room}\",\"version\":0,\"updated_at\":null,\"state\":null}}\n\n"
    )
    .into()
}

/// The entity tag of a version.
pub(crate) fn etag(version: u64) -> String {
    format!("\"{version}\"")
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::Value;

    use super::{INVALID_JSON, INVALID_STATE, RoomId, compact, state_of};

    #[test]
    fn names_of_rooms() {
        for good in ["a", "A-Z_09", &"x".repeat(64)] {
            assert!(RoomId::parse(good).is_some(), "{good}");
        }
        for bad in ["", "a b", "ä", "a/b", "a.b", "a\n", "%61", &"x".repeat(65)] {
            assert!(RoomId::parse(bad).is_none(), "{bad}");
        }
    }

    #[test]
    fn states() {
        let long = format!("{{\"state\":{}{}}}", "[".repeat(64), "]".repeat(64));
        for (body, state) in [
            (r#"{"state":{}}"#, Ok("{}")),
            (r#" { "state" : [ 1 , "a b\" c" , 1.00 ] } "#, Ok(r#"[1,"a b\" c",1.00]"#)),
            (
                r#"{"state":{"big":123456789012345678901234567890,"z":1,"a":2}}"#,
                Ok(r#"{"big":123456789012345678901234567890,"z":1,"a":2}"#),
            ),
            (r#"{"client_id":[1],"state":{},"client_ts":{"x":null},"more":1}"#, Ok("{}")),
            (r#"{"client_id":1,"client_id":2,"state":{}}"#, Ok("{}")),
            ("{}", Err(INVALID_STATE)),
            (r#"{"state":null}"#, Err(INVALID_STATE)),
            (r#"{"state":"{}"}"#, Err(INVALID_STATE)),
            (r#"{"state":7}"#, Err(INVALID_STATE)),
            (r#"{"state":true}"#, Err(INVALID_STATE)),
            (r#"[{"state":{}}]"#, Err(INVALID_STATE)),
            (r#"[{}]"#, Err(INVALID_STATE)),
            ("null", Err(INVALID_STATE)),
            ("", Err(INVALID_JSON)),
            ("{\"state\":{}", Err(INVALID_JSON)),
            (r#"{"state":{}} x"#, Err(INVALID_JSON)),
            (r#"[1,2 "state""#, Err(INVALID_JSON)),
            ("{\"state\":{\"a\":\"\n\"}}", Err(INVALID_JSON)),
            (&long, Err(INVALID_JSON)),
        ] {
            assert_eq!(state_of(body.as_bytes(), 64), state.map(|state| state.to_owned().into()), "{body}");
        }
        assert_eq!(state_of(b"{\"state\":{\"a\":\"\xff\"}}", 64), Err(INVALID_JSON));
    }

    fn json() -> impl Strategy<Value = Value> {
        let leaf = prop_oneof![
            Just(Value::Null),
            any::<bool>().prop_map(Value::from),
            any::<i64>().prop_map(Value::from),
            "\\PC{0,8}|[\\s\"\\\\]{0,4}".prop_map(Value::from),
        ];
        leaf.prop_recursive(4, 32, 5, |inner| {
            prop_oneof![
                prop::collection::vec(inner.clone(), 0..5).prop_map(Value::from),
                prop::collection::hash_map("\\PC{0,5}", inner, 0..5)
                    .prop_map(|map| Value::Object(map.into_iter().collect())),
            ]
        })
    }

    proptest! {
        #[test]
        fn compacting_changes_no_value(value in json()) {
            let compact = compact(&format!("{value:#}"));
            prop_assert_eq!(&compact, &value.to_string());
            prop_assert!(!compact.contains(&b'\n'));
        }
    }
}
