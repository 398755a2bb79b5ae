//! What `/openapi.json` says of rooms.

use serde_json::{Value, json};
use syncline::{ErrorCode, codes as framework};

use super::{Rooms, codes, record::MAX_ROOM_ID};
use crate::{
    codes as shared,
    config::RoomAuth,
    openapi::{
        Description, Pieces, accept_language, by_token, header, json_answer, name_in_path, request_header,
        schema, text,
    },
};

/// What any request to a room may be refused with.
const ANY: [ErrorCode; 5] = [
    framework::ORIGIN_DENIED,
    framework::RATE_LIMITED,
    codes::INVALID_ROOM_ID,
    shared::STORAGE_UNAVAILABLE,
    framework::INTERNAL,
];

/// What a request may be refused with that needs a token.
const TOKEN: [ErrorCode; 4] =
    [framework::AUTH_REQUIRED, framework::AUTH_INVALID, framework::AUTH_EXPIRED, framework::AUTH_FORBIDDEN];

const BODY: [ErrorCode; 6] = [
    shared::INVALID_JSON,
    codes::INVALID_STATE,
    shared::PAYLOAD_TOO_LARGE,
    shared::UNSUPPORTED_MEDIA_TYPE,
    shared::BODY_TIMEOUT,
    shared::STORAGE_FULL,
];

pub(crate) fn describe(rooms: &Rooms, pieces: &Pieces<'_>) -> Description {
    let reading = Needs::of(rooms.auth == RoomAuth::All, "rooms:read");
    let writing = Needs::of(rooms.auth != RoomAuth::Off, "rooms:write");
    let room_id = name_in_path("room_id", "The room.", MAX_ROOM_ID, "meeting-sales");
    let common = [room_id, accept_language()];
    let etag = || header("The version, in quotes.", "\"1\"");
    let record = |description| {
        let headers =
            json!({ "ETag": etag(), "Cache-Control": header("It may have changed since.", "no-cache") });
        json_answer(description, schema("Room"), &example(), headers)
    };
    let if_none_match =
        request_header("If-None-Match", "Versions that the caller has, as `ETag` had them.", "\"1\"");
    let last_event_id = request_header("Last-Event-ID", "The version that the caller saw last.", "1");
    let stream = json!({
        "description": "Events without an end: `event: state` with a record as its `data` and the version as its `id`, \
            and now and then a comment. A room that is not there is version 0 with state `null`, without `id`.",
        "content": { "text/event-stream": {
            "schema": { "type": "string" },
            "example": format!("event: state\nid: 1\ndata: {}\n\n: heartbeat\n\n", example()),
        } },
    });
    let unchanged = json!({ "description": "The caller has it already.", "headers": { "ETag": etag() } });
    let missing: &[ErrorCode] = &[codes::ROOM_NOT_FOUND];
    let limited: &[ErrorCode] = &[shared::STREAM_LIMIT, framework::SHUTTING_DOWN];
    let paths = json!({
        "/api/rooms/{room_id}": {
            "parameters": common,
            "get": reading.operation("getRoom", "Reads a room", json!({
                "parameters": [if_none_match],
                "responses": pieces.answers(
                    json!({ "200": record("The room's record."), "304": unchanged }),
                    &[&ANY, reading.codes, missing].concat(),
                ),
            })),
            "put": writing.operation("putRoom", "Sets a room's state", json!({
                "description": format!("The last write wins. A body has at most {} bytes.", rooms.max_bytes),
                "requestBody": { "required": true, "content": { "application/json": { "schema": schema("RoomWrite") } } },
                "responses": pieces.answers(
                    json!({ "200": record("The record that this write made.") }),
                    &[&ANY, writing.codes, &BODY[..]].concat(),
                ),
            })),
            "delete": writing.operation("deleteRoom", "Deletes a room", json!({
                "responses": pieces.answers(
                    json!({ "204": { "description": "It is not there, or no longer." } }),
                    &[&ANY, writing.codes].concat(),
                ),
            })),
        },
        "/api/rooms/{room_id}/stream": {
            "parameters": common,
            "get": reading.operation("followRoom", "Follows a room, by server-sent events", json!({
                "parameters": [last_event_id],
                "responses": pieces.answers(json!({ "200": stream }), &[&ANY, reading.codes, limited].concat()),
            })),
        },
    });
    let about = "A small JSON state for each room, which the last write wins.";
    Description { tag: ("rooms", about), paths, components: json!({ "schemas": schemas() }) }
}

/// What an operation needs of its caller.
struct Needs {
    scope: Option<&'static str>,
    codes: &'static [ErrorCode],
}

impl Needs {
    fn of(token: bool, scope: &'static str) -> Self {
        match token {
            true => Self { scope: Some(scope), codes: &TOKEN },
            false => Self { scope: None, codes: &[] },
        }
    }

    fn operation(&self, id: &str, summary: &str, mut operation: Value) -> Value {
        let by = self.scope.map(|scope| format!(", with a token of scope `{scope}`")).unwrap_or_default();
        operation["operationId"] = id.into();
        operation["summary"] = format!("{summary}{by}").into();
        operation["tags"] = json!(["rooms"]);
        operation["security"] = if self.scope.is_some() { by_token() } else { json!([]) };
        operation
    }
}

fn example() -> Value {
    json!({
        "room_id": "meeting-sales", "version": 1, "updated_at": "2026-01-21T20:00:00.007Z", "state": { "topic": "Lunch" },
    })
}

fn schemas() -> Value {
    let state = json!({ "type": ["object", "array"], "description": "Whatever the clients agreed on." });
    json!({
        "Room": {
            "type": "object",
            "properties": {
                "room_id": text("The room."),
                "version": { "type": "integer", "minimum": 1, "description": "One more with each write." },
                "updated_at": { "type": "string", "format": "date-time" },
                "state": state,
            },
            "required": ["room_id", "version", "updated_at", "state"],
        },
        "RoomWrite": {
            "type": "object",
            "properties": {
                "state": state,
                "client_id": { "description": "Taken and not looked at." },
                "client_ts": { "description": "Taken and not looked at." },
            },
            "required": ["state"],
            "example": { "state": { "topic": "Lunch" } },
        },
    })
}
