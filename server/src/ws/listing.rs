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
use syncline::{Auth, Rule};

use super::{Connections, connections::Connection};
use crate::{
    auth::{Tokens, identify},
    clock::rfc3339,
    error::Errors,
    net::RequestContext,
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
        user_id: connection.user.clone(),
        connected_at: rfc3339(connection.connected_at),
        last_ping: (last_ping > 0).then(|| rfc3339(last_ping)),
    }
}
