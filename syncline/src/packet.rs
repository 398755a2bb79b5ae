//! What a client sends on a socket: the event's name and payload, checked for size, depth and form before anything
//! of it is interpreted.

use std::borrow::Cow;

use crate::{SyncResult, codes, wire::json_depth};
use serde::Deserialize;
use serde_json::value::RawValue;

/// The events that the server listens to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ClientEvent {
    /// A sync request.
    Sync,
    /// Join a room.
    JoinRoom,
    /// Leave a room.
    LeaveRoom,
    /// List the socket's rooms.
    GetJoinedRooms,
    /// Say which page is shown.
    UpdateLocation,
    /// Replace the token.
    RefreshToken,
}

impl ClientEvent {
    fn of(name: &str) -> Option<Self> {
        Some(match name {
            "sync" => Self::Sync,
            "joinRoom" => Self::JoinRoom,
            "leaveRoom" => Self::LeaveRoom,
            "getJoinedRooms" => Self::GetJoinedRooms,
            "updateLocation" => Self::UpdateLocation,
            "refreshToken" => Self::RefreshToken,
            _ => return None,
        })
    }
}

/// The sizes that are allowed.
#[derive(Clone, Copy, Debug)]
pub struct PacketLimits {
    /// How large an event may be, in bytes of its text.
    pub max_bytes: usize,
    /// How deeply its payload may be nested.
    pub max_depth: usize,
}

#[derive(Deserialize)]
struct Parts<'a>(#[serde(borrow)] Cow<'a, str>, #[serde(borrow, default)] Option<&'a RawValue>);

/// Splits an event's array, `["name", payload]`, into which event it is and its payload. A payload left out is
/// `null`; elements after it are refused.
///
/// # Errors
/// `sync.tooLarge`, `sync.invalidRequest` for what is no event, `sync.notFound` for an event of another name.
pub fn read(text: &str, limits: PacketLimits) -> SyncResult<(ClientEvent, &str)> {
    if text.len() > limits.max_bytes {
        return Err(codes::TOO_LARGE.with("max", limits.max_bytes));
    }
    // The event's own array is not counted.
    if json_depth(text) > limits.max_depth + 1 {
        return Err(codes::INVALID_REQUEST.into());
    }
    let Parts(name, payload) = serde_json::from_str(text).map_err(|_| codes::INVALID_REQUEST)?;
    let event = ClientEvent::of(&name).ok_or(codes::NOT_FOUND)?;
    Ok((event, payload.map_or("null", RawValue::get)))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::{ClientEvent, PacketLimits, read};
    use crate::codes;

    const LIMITS: PacketLimits = PacketLimits { max_bytes: 200, max_depth: 4 };

    #[test]
    fn events_and_their_payloads() {
        assert_eq!(read(r#"["sync",{"a":1}]"#, LIMITS).unwrap(), (ClientEvent::Sync, r#"{"a":1}"#));
        assert_eq!(read(r#"["getJoinedRooms"]"#, LIMITS).unwrap(), (ClientEvent::GetJoinedRooms, "null"));
    }

    #[test]
    fn what_is_refused() {
        for (text, code) in [
            ("", codes::INVALID_REQUEST),
            ("{}", codes::INVALID_REQUEST),
            ("[1]", codes::INVALID_REQUEST),
            (r#"["sync",{"#, codes::INVALID_REQUEST),
            (r#"["sync",{},{}]"#, codes::INVALID_REQUEST),
            (r#"["__proto__",{}]"#, codes::NOT_FOUND),
            (r#"["constructor"]"#, codes::NOT_FOUND),
            (r#"["sync",[[[[[]]]]]]"#, codes::INVALID_REQUEST),
            (&format!(r#"["sync","{}"]"#, "x".repeat(200)), codes::TOO_LARGE),
        ] {
            assert_eq!(read(text, LIMITS).unwrap_err().code(), code, "{text}");
        }
    }

    proptest! {
        #[test]
        fn any_text_is_refused_or_read(text in ".*") {
            let _ = read(&text, LIMITS);
        }
    }
}
