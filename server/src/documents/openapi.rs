//! What `/openapi.json` says of documents, and as much of their WebSocket as OpenAPI has words for.

use serde_json::{Value, json};
use syncline::{ErrorCode, codes as framework};

use super::codes;
use crate::{
    codes as shared,
    config::Config,
    openapi::{Description, Pieces, QUERY_TOKEN, accept_language, by_token, header, query_token},
    ws::UPGRADE_REQUIRED,
};

/// What any request here may be refused with.
const ANY: [ErrorCode; 8] = [
    codes::INVALID_DOCUMENT_ID,
    framework::ORIGIN_DENIED,
    framework::AUTH_REQUIRED,
    framework::AUTH_INVALID,
    framework::AUTH_EXPIRED,
    framework::AUTH_FORBIDDEN,
    framework::RATE_LIMITED,
    framework::INTERNAL,
];

const OPEN: [ErrorCode; 3] = [UPGRADE_REQUIRED, shared::STREAM_LIMIT, framework::SHUTTING_DOWN];

pub(crate) fn describe(config: &Config, pieces: &Pieces<'_>) -> Description {
    let paths = json!({
        "/sync/v1/{document}": { "parameters": [id(), accept_language()], "get": open(config, pieces) },
        "/api/documents/{document}": {
            "parameters": [id(), accept_language()],
            "get": state(pieces),
            "delete": delete(pieces),
        },
    });
    let components = json!({ "securitySchemes": { QUERY_TOKEN: query_token() } });
    let about = "Yjs documents that many edit at once, for stock clients of y-websocket.";
    Description { tag: ("documents", about), paths, components }
}

/// OpenAPI has no parameter of several parts of a path, so a slash is encoded in what is generated from this; the server
/// takes it either way.
fn id() -> Value {
    json!({
        "name": "document",
        "in": "path",
        "required": true,
        "description": "The document: 1 to 256 bytes without control characters. It may hold slashes, encoded or not, and is \
            decoded once.",
        "schema": { "type": "string", "minLength": 1, "maxLength": 256, "pattern": "^[^\\u0000-\\u001f\\u007f-\\u009f]+$" },
        "example": "team/board",
    })
}

/// What else stands there is taken for nothing, so nothing is refused for it.
fn in_query(name: &str, description: &str) -> Value {
    json!({ "name": name, "in": "query", "description": description, "schema": {}, "example": "1" })
}

fn open(config: &Config, pieces: &Pieces<'_>) -> Value {
    let said = "From here on both sides speak y-protocols in binary messages: sync (0), awareness (1), auth (2), query \
        awareness (3).";
    let description = format!(
        "A request for a WebSocket, by the token of `Authorization` or one in the query: a JSON Web Token, or \
         `<userId>:<signature>`. A message may have {} bytes. Close codes: 1003 what was said is malformed, 1009 it or the \
         document is too large, 4401 the token has expired, 4410 the document was deleted.",
        config.document_frame_bytes,
    );
    json!({
        "operationId": "syncDocument",
        "summary": "Opens a document over a WebSocket",
        "description": description,
        "tags": ["documents"],
        "security": [by_token()[0], { QUERY_TOKEN: [] }],
        "parameters": [
            in_query("echo", "`1`: the client is told of its own updates too, once they are journaled."),
            in_query("close", "`1`: a refusal is a close code (4401, 4403), as a browser sees no status."),
        ],
        "responses": pieces.upgrade_answers(said, &[&ANY[..], &OPEN].concat()),
    })
}

fn state(pieces: &Pieces<'_>) -> Value {
    let good = json!({ "200": {
        "description": "All of it, as an update of Yjs (version 1) or, if JSON is accepted, by the names of its roots.",
        "headers": {
            "Cache-Control": header("It may have changed since.", "no-store"),
            "Vary": header("There are two forms.", "accept"),
        },
        "content": {
            "application/octet-stream": { "schema": { "type": "string", "format": "binary" } },
            "application/json": {
                "schema": { "type": "object", "additionalProperties": true },
                "example": { "title": "Groceries" },
            },
        },
    } });
    let codes = [&ANY[..], &[framework::NOT_FOUND, shared::STORAGE_UNAVAILABLE]].concat();
    json!({
        "operationId": "getDocument",
        "summary": "Reads a document",
        "tags": ["documents"],
        "security": by_token(),
        "responses": pieces.answers(good, &codes),
    })
}

fn delete(pieces: &Pieces<'_>) -> Value {
    let good = json!({ "204": { "description": "It is gone, and whoever had it open was told (4410)." } });
    let codes = [&ANY[..], &[shared::STORAGE_UNAVAILABLE]].concat();
    json!({
        "operationId": "deleteDocument",
        "summary": "Deletes a document, with scope `write`",
        "description": "A client that still has it makes it anew when it comes back.",
        "tags": ["documents"],
        "security": by_token(),
        "responses": pieces.answers(good, &codes),
    })
}
