//! What `/openapi.json` says of workspaces, and as much of their WebSocket as OpenAPI has words for.

use serde_json::{Value, json};
use syncline::{ErrorCode, codes as framework};

use super::{Workspaces, codes, http};
use crate::{
    codes as shared,
    openapi::{
        Description, Pieces, QUERY_TOKEN, accept_language, by_token, header, json_answer, message,
        query_token, schema, text,
    },
    ws::UPGRADE_REQUIRED,
};

/// What any request here may be refused with.
const ANY: [ErrorCode; 7] = [
    framework::ORIGIN_DENIED,
    framework::AUTH_REQUIRED,
    framework::AUTH_INVALID,
    framework::AUTH_EXPIRED,
    framework::AUTH_FORBIDDEN,
    framework::RATE_LIMITED,
    framework::INTERNAL,
];

/// What whatever is about a workspace may be.
const NAMED: [ErrorCode; 2] = [codes::INVALID_WORKSPACE_ID, shared::STORAGE_UNAVAILABLE];

const OPEN: [ErrorCode; 3] = [UPGRADE_REQUIRED, shared::STREAM_LIMIT, framework::SHUTTING_DOWN];

const RESTORE: [ErrorCode; 9] = [
    codes::PERMISSION_DENIED,
    codes::INVALID_OP,
    codes::UNKNOWN_CHANGE,
    codes::WORKSPACE_FULL,
    codes::PERSISTENCE_FAILED,
    shared::INVALID_JSON,
    shared::PAYLOAD_TOO_LARGE,
    shared::UNSUPPORTED_MEDIA_TYPE,
    shared::BODY_TIMEOUT,
];

const A_HASH: &str = "6e11bca7f0f6a1d2f9a4c39b2e95c7fbcf1de0e12ee5d2b0a1e8b2a09d6a0f11";

pub(crate) fn describe(workspaces: &Workspaces, pieces: &Pieces<'_>) -> Description {
    let id =
        parameter("workspace", "path", "The workspace.", &pattern("[A-Za-z0-9_.:-]{1,128}"), json!("board"));
    let hash = parameter("hash", "path", "A change.", &pattern("[0-9a-f]{64}"), json!(A_HASH));
    let of = |rest: Value| {
        let mut path = json!({ "parameters": [id, accept_language()] });
        if let (Some(path), Value::Object(rest)) = (path.as_object_mut(), rest) {
            path.extend(rest);
        }
        path
    };
    let mut at = of(json!({ "get": state_at(pieces) }));
    at["parameters"] = json!([id, hash, accept_language()]);
    let users = json!({ "type": "array", "items": schema("WorkspaceUser") });
    let present = json!([{ "user_id": "ada", "status": "online" }]);
    let paths = json!({
        "/v1/sync/{workspace}": of(json!({ "get": open(pieces) })),
        "/v1/workspaces/{workspace}": of(json!({ "get": get(
            "getWorkspace", "Reads a workspace", schema("Workspace"), &a_workspace(), &NAMED, pieces,
        ) })),
        "/v1/history/{workspace}": of(json!({ "get": history(pieces) })),
        "/v1/history/{workspace}/{hash}": at,
        "/v1/history/{workspace}/restore": of(json!({ "post": restore(pieces) })),
        "/v1/presence/{workspace}": of(json!({ "get": get(
            "getPresence", "Says who is in a workspace", users, &present, &NAMED, pieces,
        ) })),
        "/v1/automerge": { "parameters": [accept_language()], "get": automerge(pieces) },
        "/v1/stats": { "parameters": [accept_language()], "get": get(
            "getStats", "Says what this node has to do, to scope `admin`", schema("WorkspaceStats"), &a_node(), &[], pieces,
        ) },
    });
    let components = json!({
        "schemas": schemas(workspaces.limits.op_bytes),
        "securitySchemes": { QUERY_TOKEN: query_token() },
    });
    let about = "Durable JSON by key that many change at once, with its history.";
    Description { tag: ("workspaces", about), paths, components }
}

fn pattern(pattern: &str) -> Value {
    json!({ "type": "string", "pattern": format!("^{pattern}$") })
}

fn parameter(name: &str, place: &str, description: &str, schema: &Value, example: Value) -> Value {
    json!({
        "name": name,
        "in": place,
        "required": place == "path",
        "description": description,
        "schema": schema,
        "example": example,
    })
}

fn own() -> Value {
    json!({
        "Cache-Control": header("It is the caller's own, and may have changed since.", "private, no-cache"),
        "Vary": header("With another token it is another one.", "Authorization"),
    })
}

fn get(
    id: &str,
    summary: &str,
    schema: Value,
    example: &Value,
    codes: &[ErrorCode],
    pieces: &Pieces<'_>,
) -> Value {
    let good = json!({ "200": json_answer("It.", schema, example, own()) });
    json!({
        "operationId": id,
        "summary": summary,
        "tags": ["workspaces"],
        "security": by_token(),
        "responses": pieces.answers(good, &[&ANY, codes].concat()),
    })
}

fn history(pieces: &Pieces<'_>) -> Value {
    let page = json!({ "type": "array", "items": schema("WorkspaceChange") });
    let more = [codes::INVALID_OP, codes::UNKNOWN_CHANGE];
    let codes = [&NAMED[..], &more].concat();
    let mut operation =
        get("getHistory", "Lists changes, the newest first", page, &json!([a_change()]), &codes, pieces);
    let limit = json!({ "type": "integer", "minimum": 1, "maximum": http::MAX_PAGE, "default": http::PAGE });
    operation["parameters"] = json!([
        parameter("limit", "query", "How many.", &limit, json!(http::PAGE)),
        parameter("before", "query", "Those before this one.", &pattern("[0-9a-f]{64}"), json!(A_HASH)),
    ]);
    operation
}

fn state_at(pieces: &Pieces<'_>) -> Value {
    let state = json!({
        "type": "object",
        "properties": { "workspace": text("The workspace."), "hash": schema("ChangeHash"), "data": schema("WorkspaceData") },
        "required": ["workspace", "hash", "data"],
    });
    let example = json!({ "workspace": "board", "hash": A_HASH, "data": { "title": "Groceries" } });
    let codes = [&NAMED[..], &[codes::UNKNOWN_CHANGE]].concat();
    get("getWorkspaceAt", "Reads a workspace as it was at a change", state, &example, &codes, pieces)
}

fn restore(pieces: &Pieces<'_>) -> Value {
    let body =
        json!({ "type": "object", "properties": { "hash": schema("ChangeHash") }, "required": ["hash"] });
    let done = json!({
        "type": "object",
        "properties": {
            "heads": schema("Heads"),
            "keys": { "type": "integer", "minimum": 0, "description": "How many keys it changed." },
        },
        "required": ["heads", "keys"],
    });
    let example = json!({ "heads": [A_HASH], "keys": 3 });
    let good = json!({ "200": json_answer("It is on disk.", done, &example, own()) });
    json!({
        "operationId": "restoreWorkspace",
        "summary": "Makes a workspace what it was at a change",
        "description": "By a further change, so nothing of the history is lost.",
        "tags": ["workspaces"],
        "security": by_token(),
        "requestBody": { "required": true, "content": { "application/json": {
            "schema": body, "example": { "hash": A_HASH },
        } } },
        "responses": pieces.answers(good, &[&ANY, &NAMED[..], &RESTORE].concat()),
    })
}

fn open(pieces: &Pieces<'_>) -> Value {
    let said = "From here on JSON texts go both ways: the client's are `WorkspaceCommand`, the server's \
        `WorkspaceMessage`.";
    let mut answers = pieces.upgrade_answers(said, &[&ANY, &NAMED[..1], &OPEN].concat());
    answers["101"]["headers"]["X-Session-ID"] = header(
        "What this connection is called in logs and webhooks.",
        "019a3f5e-7d3c-7a91-b0c4-6f0e0d3f5a11",
    );
    // Whatever cannot be read there is taken for nothing, so nothing is refused for it.
    let anything = json!({});
    let heads =
        "What the client has, hashes with commas between them. If they are known it is told what it missed.";
    json!({
        "operationId": "syncWorkspace",
        "summary": "Opens a workspace over a WebSocket",
        "description": "A request for a WebSocket, by the token of `Authorization` or one in the query.",
        "tags": ["workspaces"],
        "security": [by_token()[0], { QUERY_TOKEN: [] }],
        "parameters": [
            parameter("heads", "query", heads, &anything, json!(A_HASH)),
            parameter("presence", "query", "`1`: who is there is told too.", &anything, json!("1")),
            close(),
        ],
        "responses": answers,
    })
}

fn automerge(pieces: &Pieces<'_>) -> Value {
    let said = "From here on both sides speak automerge-repo's protocol, version 1: CBOR in binary messages.";
    json!({
        "operationId": "syncAutomerge",
        "summary": "Opens workspaces to a stock automerge-repo client, over a WebSocket",
        "description": "Its documents are named by `automerge_url`. A request for a WebSocket, by the token of \
            `Authorization` or one in the query.",
        "tags": ["workspaces"],
        "security": [by_token()[0], { QUERY_TOKEN: [] }],
        "parameters": [close()],
        "responses": pieces.upgrade_answers(said, &[&ANY, &OPEN[..]].concat()),
    })
}

fn close() -> Value {
    let about = "`1`: a refusal is a close code (4001, 4003, 4401), as a browser sees no status.";
    // Whatever else stands there is taken for nothing, so nothing is refused for it.
    parameter("close", "query", about, &json!({}), json!("1"))
}

fn a_workspace() -> Value {
    json!({
        "workspace": "board",
        "data": { "title": "Groceries" },
        "heads": [A_HASH],
        "automerge_url": "automerge:2akvofn6L1o4RMUEMQi7qzwRjKWZ",
    })
}

fn a_change() -> Value {
    json!({
        "hash": A_HASH,
        "message": null,
        "timestamp": 1_795_264_440_000_000_u64,
        "actor": "5d2c9b0f4b7a4c1e8f1a2b3c4d5e6f70",
        "user_id": "ada",
        "region": "local",
        "keys": ["title"],
    })
}

fn a_node() -> Value {
    json!({ "server_id": "9f1c2d3e4b5a69788796a5b4c3d2e1f0", "region": "local", "workspaces": 2, "sockets": 5 })
}

fn schemas(op_bytes: usize) -> Value {
    let or_null = |description: &str| json!({ "type": ["string", "null"], "description": description });
    let count = json!({ "type": "integer", "minimum": 0 });
    json!({
        "ChangeHash": pattern("[0-9a-f]{64}"),
        "Heads": { "type": "array", "items": schema("ChangeHash") },
        "WorkspaceData": { "type": "object", "description": "Any JSON by key.", "additionalProperties": true },
        "Workspace": {
            "type": "object",
            "properties": {
                "workspace": text("Its name."),
                "data": schema("WorkspaceData"),
                "heads": schema("Heads"),
                "automerge_url": text("Its document, as automerge-repo names it."),
            },
            "required": ["workspace", "data", "heads", "automerge_url"],
        },
        "WorkspaceChange": {
            "type": "object",
            "properties": {
                "hash": schema("ChangeHash"),
                "message": or_null("What its author called it."),
                "timestamp": { "type": "integer", "description": "Microseconds since 1970." },
                "actor": text("Automerge's name for who made it."),
                "user_id": or_null("Whose token it was made with."),
                "region": or_null("Where."),
                "keys": { "type": "array", "items": { "type": "string" } },
                "restored": schema("ChangeHash"),
            },
            "required": ["hash", "message", "timestamp", "actor", "user_id", "region", "keys"],
        },
        "WorkspaceUser": {
            "type": "object",
            "properties": { "user_id": text("The user."), "status": { "const": "online" } },
            "required": ["user_id", "status"],
        },
        "WorkspaceStats": {
            "type": "object",
            "properties": {
                "server_id": text("This node."), "region": text("Where it is."), "workspaces": count, "sockets": count,
            },
            "required": ["server_id", "region", "workspaces", "sockets"],
        },
        "WorkspaceCommand": commands(op_bytes),
        "WorkspaceMessage": messages(),
    })
}

fn commands(op_bytes: usize) -> Value {
    let key = json!({ "type": "string", "minLength": 1, "maxLength": 512 });
    let time = json!({ "type": "integer", "description": "Microseconds since 1970, for display." });
    let set = json!({
        "type": "object",
        "properties": { "key": key, "value": {}, "timestamp": time },
        "required": ["key", "value"],
        "description": format!("At most {op_bytes} bytes."),
    });
    let delete =
        json!({ "type": "object", "properties": { "key": key, "timestamp": time }, "required": ["key"] });
    let id =
        json!({ "type": "string", "minLength": 1, "maxLength": 64, "description": "To be acknowledged by." });
    let with_id = |name: &str, payload: Value| {
        let mut command = message(name, &[("payload", payload)]);
        command["properties"]["id"] = id.clone();
        command
    };
    json!({ "oneOf": [with_id("op", set), with_id("delete", delete), message("ping", &[])] })
}

fn messages() -> Value {
    let time = json!({ "type": "integer" });
    let key = json!({ "type": "string" });
    let payload = |names: &[&str]| {
        let all = [("key", &key), ("value", &Value::Bool(true)), ("timestamp", &time)];
        let properties: serde_json::Map<String, Value> = all
            .iter()
            .filter(|(name, _)| names.contains(name))
            .map(|(name, schema)| ((*name).to_owned(), (*schema).clone()))
            .collect();
        json!({ "type": "object", "properties": properties, "required": names })
    };
    let heads = ("heads", schema("Heads"));
    let op = payload(&["key", "value", "timestamp"]);
    let delete = payload(&["key", "timestamp"]);
    let missed = json!({ "type": "array", "items": { "oneOf": [
        message("op", &[("payload", op.clone())]), message("delete", &[("payload", delete.clone())]),
    ] } });
    let id = ("id", text("The op's."));
    let users = json!({ "type": "array", "items": schema("WorkspaceUser") });
    json!({ "oneOf": [
        message("init", &[("data", schema("WorkspaceData")), heads.clone()]),
        message("resume", &[("ops", missed), heads.clone()]),
        message("op", &[("payload", op), heads.clone()]),
        message("delete", &[("payload", delete), heads.clone()]),
        message("ack", &[id, heads]),
        message("error", &[
            ("code", text("The code.")),
            ("status", json!({ "type": "integer" })),
            ("message", text("For people, in their language.")),
            ("seconds", json!({ "type": ["integer", "null"], "description": "When to try again." })),
            ("id", json!({ "type": ["string", "null"], "description": "The op's, if it had one." })),
        ]),
        message("presence", &[("users", users)]),
        message("pong", &[]),
    ] })
}
