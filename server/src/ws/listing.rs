//! `GET /api/ws/connections`: which plain WebSockets are open on this node, for tokens with scope `admin`.
//!
//! A user's id is all that it tells of a person; what is watched or said is not in it.

use std::sync::{Arc, atomic::Ordering};

use axum::{
    Extension, Json, Router,
    extract::State,
    response::{IntoResponse as _, Response},
    routing::get,
};
use http::HeaderMap;
use serde::Serialize;
use serde_json::json;
use syncline::{Auth, Rule, codes};

use super::{Connections, connections::Connection};
use crate::{
    auth::{Tokens, identify},
    clock::rfc3339,
    error::Errors,
    net::RequestContext,
    openapi::{Description, Pieces, accept_language, by_token, json_answer, text},
};

const ADMIN: Auth = Auth::LOGIN.and(&[Rule::equals("scope", "admin")]);

/// How many are listed; the number of all is said besides.
const LISTED: usize = 1000;

#[derive(Clone)]
struct Listing {
    connections: Arc<Connections>,
    tokens: Arc<Tokens>,
    errors: Arc<Errors>,
}

#[derive(Serialize)]
struct List {
    count: usize,
    connections: Vec<Listed>,
}

#[derive(Serialize)]
struct Listed {
    system: &'static str,
    user_id: Box<str>,
    connected_at: String,
    last_ping: Option<String>,
}

pub(crate) fn router(connections: Arc<Connections>, tokens: Arc<Tokens>, errors: Arc<Errors>) -> Router {
    Router::new().route("/api/ws/connections", get(list)).with_state(Listing { connections, tokens, errors })
}

/// What `/openapi.json` says of it.
pub(crate) fn describe(pieces: &Pieces<'_>) -> Description {
    let time = json!({ "type": "string", "format": "date-time" });
    let connection = json!({
        "type": "object",
        "properties": {
            "system": text("What it is for."),
            "user_id": text("Whose it is."),
            "connected_at": time,
            "last_ping": { "type": ["string", "null"], "format": "date-time", "description": "Answered last." },
        },
        "required": ["system", "user_id", "connected_at", "last_ping"],
    });
    let list = json!({
        "type": "object",
        "properties": {
            "count": { "type": "integer", "description": "How many there are." },
            "connections": { "type": "array", "maxItems": LISTED, "items": connection },
        },
        "required": ["count", "connections"],
    });
    let example = json!({ "count": 1, "connections": [{
        "system": "snapshots",
        "user_id": "ada",
        "connected_at": "2026-01-21T20:00:00.007Z",
        "last_ping": null,
    }] });
    let refused = [codes::AUTH_REQUIRED, codes::AUTH_INVALID, codes::AUTH_EXPIRED, codes::AUTH_FORBIDDEN];
    let good = json!({ "200": json_answer("The open connections.", list, &example, json!({})) });
    let operation = json!({
        "operationId": "listConnections",
        "summary": "Lists the plain WebSockets of this node, with a token of scope `admin`",
        "tags": ["operation"],
        "security": by_token(),
        "parameters": [accept_language()],
        "responses": pieces.answers(good, &[&refused[..], &[codes::ORIGIN_DENIED]].concat()),
    });
    let paths = json!({ "/api/ws/connections": { "get": operation } });
    Description { tag: ("operation", "For those who run the server."), paths, components: json!({}) }
}

async fn list(
    State(listing): State<Listing>,
    Extension(context): Extension<RequestContext>,
    headers: HeaderMap,
) -> Response {
    let mut locale = context.locale;
    let session = identify(&listing.tokens, &listing.errors, &headers, &mut locale);
    if let Err(error) = session.and_then(|session| ADMIN.check(&session)) {
        return listing.errors.plain_response(&error, locale);
    }
    let all = listing.connections.all();
    let connections = all.iter().take(LISTED).map(|connection| listed(connection)).collect();
    Json(List { count: all.len(), connections }).into_response()
}

fn listed(connection: &Connection) -> Listed {
    let last_ping = connection.last_ping.load(Ordering::Relaxed);
    Listed {
        system: connection.system.name(),
        user_id: connection.user.get().cloned().unwrap_or_default(),
        connected_at: rfc3339(connection.connected_at),
        last_ping: (last_ping > 0).then(|| rfc3339(last_ping)),
    }
}
