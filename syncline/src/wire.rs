//! The shapes on the wire and on the bus: request, acknowledgement, event, error envelope, delivery.
//!
//! Only shapes and their parsing; the texts of errors come from the server's catalog.

use std::{borrow::Cow, sync::Arc};

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, value::RawValue};

/// The longest name of a room, in characters.
pub const MAX_ROOM_NAME: usize = 256;

/// A `sync` request, borrowed from the text it came as.
#[derive(Debug)]
pub struct SyncRequest<'a> {
    /// Page and event, for example `examples/updateCounter`.
    pub name: Cow<'a, str>,
    /// The version, for example `v1`.
    pub version: Cow<'a, str>,
    /// The event's input.
    pub data: &'a RawValue,
    /// The room; empty when none was named.
    pub receiver: Cow<'a, str>,
    /// Whether the caller does not want the event itself.
    pub ignore_self: bool,
}

/// Why a text is not a `sync` request: for the log, never sent.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RequestError(String);

impl std::fmt::Display for RequestError {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.0)
    }
}

impl std::error::Error for RequestError {}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Body<'a> {
    #[serde(borrow, default)]
    name: Cow<'a, str>,
    #[serde(borrow, default)]
    version: Cow<'a, str>,
    #[serde(borrow)]
    data: &'a RawValue,
    #[serde(borrow, default)]
    receiver: Cow<'a, str>,
    #[serde(default)]
    ignore_self: bool,
}

impl<'a> SyncRequest<'a> {
    /// Reads the payload of a socket's `sync` event: an object with `name`, `version`, `data`, `receiver` and
    /// perhaps `ignoreSelf`. The caller has checked its depth with [`json_depth`].
    ///
    /// # Errors
    /// [`RequestError`] if it is not such an object. A missing `receiver` is not an error here.
    pub fn from_socket(payload: &'a str) -> Result<Self, RequestError> {
        let body = Body::read(payload)?;
        if body.name.is_empty() || body.version.is_empty() {
            return Err(RequestError("`name` or `version` is missing".to_owned()));
        }
        Ok(Self {
            name: body.name,
            version: body.version,
            data: body.data,
            receiver: body.receiver,
            ignore_self: body.ignore_self,
        })
    }

    /// Reads the body of `POST /sync/{name}/{version}`: as on the socket, with name and version from the path,
    /// whatever the body says.
    ///
    /// # Errors
    /// [`RequestError`] if it is not such an object.
    pub fn from_http(name: &'a str, version: &'a str, body: &'a str) -> Result<Self, RequestError> {
        let body = Body::read(body)?;
        Ok(Self {
            name: Cow::Borrowed(name),
            version: Cow::Borrowed(version),
            data: body.data,
            receiver: body.receiver,
            ignore_self: body.ignore_self,
        })
    }
}

impl<'a> Body<'a> {
    fn read(text: &'a str) -> Result<Self, RequestError> {
        // A JSON array would fit a struct too, field by field; only an object is a request.
        if !text.trim_start().starts_with('{') {
            return Err(RequestError("not an object".to_owned()));
        }
        serde_json::from_str(text).map_err(|error| RequestError(error.to_string()))
    }
}

/// How deeply a JSON text is nested, without parsing it: no recursion, no allocation, and an answer for text that
/// is not JSON too.
#[must_use]
pub fn json_depth(text: &str) -> usize {
    let (mut depth, mut deepest) = (0_usize, 0_usize);
    let (mut in_string, mut escaped) = (false, false);
    for byte in text.bytes() {
        if in_string {
            match byte {
                _ if escaped => escaped = false,
                b'\\' => escaped = true,
                b'"' => in_string = false,
                _ => {}
            }
        } else {
            match byte {
                b'"' => in_string = true,
                b'{' | b'[' => {
                    depth += 1;
                    deepest = deepest.max(depth);
                }
                b'}' | b']' => depth = depth.saturating_sub(1),
                _ => {}
            }
        }
    }
    deepest
}

/// The answer to a request that succeeded.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Ack<'a> {
    status: &'static str,
    server_output: &'a RawValue,
}

impl<'a> Ack<'a> {
    /// An acknowledgement with the server stage's output.
    #[must_use]
    pub fn new(server_output: &'a RawValue) -> Self {
        Self { status: "success", server_output }
    }
}

/// An error as callers and recipients get it, its message in the reader's language.
#[derive(Clone, Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct ErrorEnvelope {
    /// Always `error`.
    pub status: &'static str,
    /// The stable code.
    pub error_code: &'static str,
    /// The parameters of the message; left out when there are none.
    #[serde(skip_serializing_if = "Map::is_empty")]
    pub error_params: Map<String, Value>,
    /// The message, in the reader's language.
    pub message: String,
    /// The HTTP status that the same answer has over HTTP.
    pub http_status: u16,
}

/// The `sync` event that recipients of one delivery get, as the text of its packet: `["sync",{..}]`. The parts that all
/// of them share are encoded once.
#[derive(Debug)]
pub struct SyncEvent {
    head: String,
}

#[derive(Serialize)]
struct Head<'a> {
    name: &'a str,
    version: &'a str,
    room: &'a str,
}

impl SyncEvent {
    /// The event's head: name and version as the registry has them, and the room.
    #[must_use]
    pub fn new(name: &str, version: &str, room: &str) -> Self {
        let mut head = String::from(r#"["sync","#);
        head.push_str(&serde_json::to_string(&Head { name, version, room }).unwrap_or_default());
        head.pop();
        Self { head }
    }

    /// The packet with its outputs. `client_output` is JSON, as serde_json wrote it.
    #[must_use]
    pub fn success(&self, server_output: &RawValue, client_output: &str) -> String {
        const STATUS: &str = r#","status":"success","serverOutput":"#;
        const CLIENT_OUTPUT: &str = r#","clientOutput":"#;
        let parts = [&self.head, STATUS, server_output.get(), CLIENT_OUTPUT, client_output, "}]"];
        parts.concat()
    }

    /// The packet as the error that this recipient gets instead.
    ///
    /// # Errors
    /// Never for an envelope of strings, numbers and booleans.
    pub fn error(&self, envelope: &ErrorEnvelope) -> Result<String, serde_json::Error> {
        let envelope = serde_json::to_string(envelope)?;
        Ok([&self.head, ",", &envelope[1..], "]"].concat())
    }
}

/// One request's event on its way to the members of its room, on this node or another.
#[derive(Clone, Debug)]
pub struct Delivery {
    /// Page and event.
    pub name: Arc<str>,
    /// The version.
    pub version: Arc<str>,
    /// The room.
    pub room: Arc<str>,
    /// What the client sent, as JSON.
    pub client_input: Arc<RawValue>,
    /// What the server stage returned, as JSON; `{}` where there is none.
    pub server_output: Arc<RawValue>,
    /// Who does not want it.
    pub exclude: Exclude,
}

/// Who does not get a delivery: the caller of a request with `ignoreSelf`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Exclude {
    /// Nobody is left out.
    Nobody,
    /// The socket that asked.
    Socket(Arc<str>),
    /// Every socket of the user who asked over HTTP.
    User(Arc<str>),
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::{json, value::to_raw_value};

    use super::{SyncEvent, SyncRequest, json_depth};

    #[test]
    fn a_request_is_read() {
        let request = SyncRequest::from_socket(
            r#"{"name":"a/b","version":"v1","data":{"x":[1]},"receiver":"r","ignoreSelf":true,"more":1}"#,
        )
        .unwrap();
        assert_eq!((&*request.name, &*request.version, &*request.receiver), ("a/b", "v1", "r"));
        assert_eq!(request.data.get(), r#"{"x":[1]}"#);
        assert!(request.ignore_self);
    }

    #[test]
    fn what_is_no_request_is_refused() {
        for bad in [
            "",
            "1",
            "null",
            r#"["a/b","v1",{},"r",false]"#,
            "{}",
            r#"{"name":"a/b","data":{},"receiver":"r"}"#,
            r#"{"version":"v1","data":{},"receiver":"r"}"#,
            r#"{"name":"a/b","version":"v1","receiver":"r"}"#,
            r#"{"name":1,"version":"v1","data":{},"receiver":"r"}"#,
            r#"{"name":"a/b","version":"v1","data":{},"receiver":["r"]}"#,
            r#"{"name":"a/b","version":"v1","data":{},"receiver":"r","ignoreSelf":"yes"}"#,
            r#"{"name":"a/b","version":"v1","data":{},"receiver":"r"} x"#,
        ] {
            assert!(SyncRequest::from_socket(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn depth_is_counted_outside_strings() {
        assert_eq!(json_depth("1"), 0);
        assert_eq!(json_depth(r#"{"a":[{"b":"]]}}[[[[\"[["}]}"#), 3);
        assert_eq!(json_depth(&"[".repeat(100_000)), 100_000);
        assert_eq!(json_depth("]]][["), 2);
    }

    fn json_value() -> impl Strategy<Value = serde_json::Value> {
        let leaf = prop_oneof![
            Just(serde_json::Value::Null),
            any::<bool>().prop_map(serde_json::Value::from),
            any::<i64>().prop_map(serde_json::Value::from),
            ".*".prop_map(serde_json::Value::from),
        ];
        leaf.prop_recursive(4, 32, 4, |inner| {
            prop_oneof![
                prop::collection::vec(inner.clone(), 0..4).prop_map(serde_json::Value::from),
                prop::collection::btree_map(".*", inner, 0..4)
                    .prop_map(|map| serde_json::Value::Object(map.into_iter().collect())),
            ]
        })
    }

    proptest! {
        #[test]
        fn any_request_survives_the_wire(name in ".+", version in ".+", data in json_value(), receiver in ".*", ignore in any::<bool>()) {
            let text = json!({"name": name, "version": version, "data": data, "receiver": receiver, "ignoreSelf": ignore}).to_string();
            let request = SyncRequest::from_socket(&text).unwrap();
            prop_assert_eq!(&*request.name, &*name);
            prop_assert_eq!(&*request.version, &*version);
            prop_assert_eq!(serde_json::from_str::<serde_json::Value>(request.data.get()).unwrap(), data);
            prop_assert_eq!(&*request.receiver, &*receiver);
            prop_assert_eq!(request.ignore_self, ignore);
        }

        #[test]
        fn any_text_is_refused_or_read(text in ".*") {
            let _ = SyncRequest::from_socket(&text);
            let _ = SyncRequest::from_http("a/b", "v1", &text);
            let _ = json_depth(&text);
        }

        #[test]
        fn an_event_is_json_whatever_its_parts(name in ".*", room in ".*", server in json_value(), client in json_value()) {
            let event = SyncEvent::new(&name, "v1", &room);
            let packet = event.success(&to_raw_value(&server).unwrap(), &client.to_string());
            let read: serde_json::Value = serde_json::from_str(&packet).unwrap();
            let payload = json!({"name": name, "version": "v1", "room": room, "status": "success",
                "serverOutput": server, "clientOutput": client});
            prop_assert_eq!(read, json!(["sync", payload]));
        }
    }
}
