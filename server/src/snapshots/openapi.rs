//! What `/openapi.json` says of snapshots: reading, writing a built-in game, tickets, and as much of the WebSockets as
//! OpenAPI has words for.

use serde_json::{Value, json};
use syncline::{ErrorCode, codes as framework};

use super::{
    GAME, Snapshots, codes,
    games::MAX_VERSION,
    topic::{MAX_ID, MAX_KIND},
};
use crate::{
    codes as shared,
    openapi::{
        Description, Pieces, accept_language, by_token, header, json_answer, message, name_in_path,
        request_header, schema, text,
    },
    ws::UPGRADE_REQUIRED,
};

/// What any request here may be refused with.
const ANY: [ErrorCode; 6] = [
    framework::ORIGIN_DENIED,
    framework::AUTH_REQUIRED,
    framework::AUTH_INVALID,
    framework::AUTH_EXPIRED,
    framework::RATE_LIMITED,
    framework::INTERNAL,
];

/// What reading a topic may be refused with.
const READ: [ErrorCode; 4] =
    [codes::NOT_FOUND, codes::FORBIDDEN, framework::TIMEOUT, shared::STORAGE_UNAVAILABLE];

const WRITE: [ErrorCode; 10] = [
    codes::NOT_FOUND,
    framework::AUTH_FORBIDDEN,
    codes::INVALID_DATA,
    codes::VERSION_CONFLICT,
    shared::INVALID_JSON,
    shared::PAYLOAD_TOO_LARGE,
    shared::UNSUPPORTED_MEDIA_TYPE,
    shared::BODY_TIMEOUT,
    shared::STORAGE_UNAVAILABLE,
    shared::STORAGE_FULL,
];

const OPEN: [ErrorCode; 4] =
    [UPGRADE_REQUIRED, shared::STREAM_LIMIT, framework::SHUTTING_DOWN, shared::STORAGE_UNAVAILABLE];

/// The name of the security scheme.
const TICKET: &str = "ticket";

pub(crate) fn describe(snapshots: &Snapshots, pieces: &Pieces<'_>) -> Description {
    let id = name_in_path("id", "The topic within its kind.", MAX_ID, "7");
    let mut kind = name_in_path("kind", "The kind of topic.", MAX_KIND, GAME);
    let mut kinds: Vec<&String> = snapshots.sources.keys().collect();
    kinds.sort_unstable();
    kind["schema"] = json!({ "type": "string", "enum": kinds });
    kind["example"] = json!(kinds.first());
    let game_is_the_apps = snapshots.games.is_none();
    let any_is_the_apps = kinds.len() > usize::from(!game_is_the_apps);

    let mut game = json!({
        "parameters": [id, accept_language()],
        "get": read("getGameSnapshot", "Reads the newest snapshot of a game", pieces, game_is_the_apps),
    });
    if !game_is_the_apps {
        game["put"] = write(snapshots.max_bytes, pieces);
    }
    let topic = read(
        "getSnapshot",
        "Reads the newest snapshot of a topic, as the caller may see it",
        pieces,
        any_is_the_apps,
    );
    let open_game = open("watchGame", "Watches a game over a WebSocket", pieces, &READ);
    let open_topic = open("watchTopic", "Watches a topic over a WebSocket", pieces, &READ);
    let paths = json!({
        "/api/games/{id}/snapshot": game,
        "/api/snapshots/{kind}/{id}": { "parameters": [kind, id, accept_language()], "get": topic },
        "/api/ws/token": {
            "parameters": [accept_language()],
            "get": ticket("getTicket", pieces),
            "post": ticket("makeTicket", pieces),
        },
        "/ws": {
            "parameters": [accept_language()],
            "get": open("watch", "Opens a WebSocket for topics that are subscribed to", pieces, &[]),
        },
        "/ws/games/{id}": { "parameters": [id, accept_language()], "get": open_game },
        "/ws/snapshots/{kind}/{id}": { "parameters": [kind, id, accept_language()], "get": open_topic },
    });
    let components = json!({
        "schemas": schemas(),
        "securitySchemes": { TICKET: {
            "type": "apiKey",
            "in": "query",
            "name": "token",
            "description": "A ticket of `/api/ws/token`, for browsers, which send no header with a WebSocket.",
        } },
    });
    let about = "An app's own state, pushed to everybody who watches it, to each as they may see it.";
    Description { tag: ("snapshots", about), paths, components }
}

/// `apps`: whether it may be of a source of the app's, which refuses with codes of its own too.
fn read(id: &str, summary: &str, pieces: &Pieces<'_>, apps: bool) -> Value {
    let if_none_match = request_header("If-None-Match", "What the caller has, as `ETag` had it.", "\"3-1f\"");
    let headers = json!({
        "ETag": header("The version, and who sees the same.", "\"3-1f\""),
        "Cache-Control": header("It is the caller's own, and may have changed since.", "private, no-cache"),
        "Vary": header("With another token it is another one.", "Authorization"),
    });
    let example = json!({ "version": 3, "data": { "turn": "ada" } });
    let mut good = json!({
        "200": json_answer("The snapshot.", schema("Snapshot"), &example, headers.clone()),
        "304": { "description": "The caller has it already.", "headers": headers },
    });
    if apps {
        let own = json!({
            "type": "object",
            "properties": { "error": text("The code."), "message": text("For people, in their language.") },
            "required": ["error", "message"],
        });
        let content = json!({ "application/json": { "schema": own } });
        good["default"] = json!({ "description": "A code of the source's own.", "content": content });
    }
    json!({
        "operationId": id,
        "summary": summary,
        "description": "As the caller may see it.",
        "tags": ["snapshots"],
        "security": by_token(),
        "parameters": [if_none_match],
        "responses": pieces.answers(good, &[&ANY, &READ[..]].concat()),
    })
}

fn write(max_bytes: usize, pieces: &Pieces<'_>) -> Value {
    let written = json!({
        "type": "object", "properties": { "version": schema("Version") }, "required": ["version"],
    });
    let good = json!({
        "200": json_answer("The version that it is at now.", written, &json!({ "version": 4 }), json!({})),
    });
    json!({
        "operationId": "putGameSnapshot",
        "summary": "Writes a game, with a token of scope `games:write`",
        "description": format!("It is pushed to everybody who watches it. A body has at most {max_bytes} bytes."),
        "tags": ["snapshots"],
        "security": by_token(),
        "requestBody": { "required": true, "content": { "application/json": { "schema": schema("GameWrite") } } },
        "responses": pieces.answers(good, &[&ANY, &WRITE[..]].concat()),
    })
}

fn ticket(id: &str, pieces: &Pieces<'_>) -> Value {
    let example = json!({ "token": "eyJhbGciOiJIUzI1NiJ9...", "expires_in": 90 });
    let headers = json!({ "Cache-Control": header("It is used up by one socket.", "no-store") });
    let good = json!({ "200": json_answer("A ticket.", schema("Ticket"), &example, headers) });
    json!({
        "operationId": id,
        "summary": "Gives a ticket, which opens one WebSocket",
        "tags": ["snapshots"],
        "security": by_token(),
        "responses": pieces.answers(good, &ANY),
    })
}

fn open(id: &str, summary: &str, pieces: &Pieces<'_>, more: &[ErrorCode]) -> Value {
    let said = "From here on JSON texts go both ways: the client's are `SnapshotCommand`, the server's \
        `SnapshotMessage`.";
    let answers = pieces.upgrade_answers(said, &[&ANY, &OPEN[..], more].concat());
    json!({
        "operationId": id,
        "summary": summary,
        "description": "A request for a WebSocket, by the token of `Authorization` or by a ticket. Whoever is refused is \
            refused before the upgrade.",
        "tags": ["snapshots"],
        "security": [by_token()[0], { TICKET: [] }],
        "responses": answers,
    })
}

fn schemas() -> Value {
    let topic = json!({
        "type": "object",
        "properties": { "kind": { "type": "string" }, "id": { "type": "string" } },
        "required": ["kind", "id"],
    });
    let game_id =
        json!({ "type": ["integer", "string"], "description": "Short for a topic of kind `game`." });
    let of_topic = ("topic", schema("Topic"));
    json!({
        "Version": {
            "type": "integer", "minimum": 0, "maximum": MAX_VERSION, "description": "The app's; it only rises.",
        },
        "Topic": topic,
        "Snapshot": {
            "type": "object",
            "properties": { "version": schema("Version"), "data": { "description": "Whatever the app says." } },
            "required": ["version", "data"],
        },
        "GameWrite": {
            "type": "object",
            "properties": {
                "data": { "type": ["object", "array", "string", "number", "boolean"] },
                "lock_version": {
                    "type": ["integer", "null"],
                    "minimum": 1,
                    "maximum": MAX_VERSION,
                    "description": "The version that this is to be. Unless it is the next one, nothing is written.",
                },
            },
            "required": ["data"],
            "example": { "data": { "turn": "ada" } },
        },
        "Ticket": {
            "type": "object",
            "properties": {
                "token": text("The ticket."),
                "expires_in": { "type": "integer", "description": "For how many seconds it can be used, once." },
            },
            "required": ["token", "expires_in"],
        },
        "SnapshotCommand": { "oneOf": [
            message("subscribe", std::slice::from_ref(&of_topic)),
            message("subscribe", &[("gameId", game_id.clone())]),
            message("unsubscribe", std::slice::from_ref(&of_topic)),
            message("unsubscribe", &[("gameId", game_id)]),
            message("ping", &[]),
        ] },
        "SnapshotMessage": { "oneOf": [
            message("snapshot", &[
                of_topic.clone(),
                ("data", json!({ "description": "Whatever the app says." })),
                ("lockVersion", schema("Version")),
                ("version", json!({ "const": 1, "description": "Of these messages." })),
            ]),
            message("ack", &[("command", json!({ "enum": ["subscribe", "unsubscribe"] })), of_topic]),
            message("pong", &[]),
            message("error", &[("code", text("The code.")), ("message", text("For people, in their language."))]),
        ] },
    })
}
