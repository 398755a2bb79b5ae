//! What only development has: guest tokens. Production mounts none of it.

use std::{
    sync::Arc,
    time::{Duration, SystemTime, UNIX_EPOCH},
};

use axum::{
    Extension, Json, Router,
    body::Bytes,
    extract::State,
    response::{IntoResponse as _, Response},
    routing::post,
};
use serde::Deserialize;
use serde_json::json;
use syncline::codes;

use crate::{
    auth::{SessionClaims, Tokens},
    error::Errors,
    net::RequestContext,
    openapi::{Description, Pieces, json_answer, text},
};

/// How long a guest token lasts.
const LIFETIME: Duration = Duration::from_secs(12 * 3600);

#[derive(Debug, Default, Deserialize)]
struct Guest {
    sub: Option<String>,
    name: Option<String>,
    locale: Option<String>,
    scope: Option<String>,
    rooms: Option<Vec<String>>,
    /// Seconds, to try expiry out.
    expires_in: Option<u64>,
}

pub(crate) fn router(tokens: Arc<Tokens>, errors: Arc<Errors>) -> Router {
    Router::new().route("/api/dev/token", post(token)).with_state((tokens, errors))
}

/// What `/openapi.json` says of it.
pub(crate) fn describe(pieces: &Pieces<'_>) -> Description {
    let text_or_nothing =
        |description: &str| json!({ "type": ["string", "null"], "description": description });
    let guest = json!({
        "type": "object",
        "properties": {
            "sub": text_or_nothing("The user's id; a new one without it."),
            "name": text_or_nothing("The user's name."),
            "locale": text_or_nothing("The user's language."),
            "scope": text_or_nothing("Scopes, with spaces between them."),
            "rooms": { "type": ["array", "null"], "items": { "type": "string" }, "description": "Globs of rooms." },
            "expires_in": { "type": ["integer", "null"], "minimum": 0, "description": "Seconds; 12 hours at most." },
        },
    });
    let given = json!({
        "type": "object",
        "properties": { "token": text("The token."), "expires_in": { "type": "integer" } },
        "required": ["token", "expires_in"],
    });
    let example = json!({ "token": "eyJhbGciOiJIUzI1NiJ9...", "expires_in": LIFETIME.as_secs() });
    let good = json!({ "200": json_answer("A token.", given, &example, json!({})) });
    let guest = json!({ "schema": guest, "example": { "sub": "ada", "scope": "games:write" } });
    let refused = [codes::INVALID_REQUEST, codes::ORIGIN_DENIED, codes::INTERNAL];
    let operation = json!({
        "operationId": "makeGuestToken",
        "summary": "Gives a token to anybody",
        "tags": ["development"],
        "security": [],
        "requestBody": { "required": false, "content": { "application/json": guest } },
        "responses": pieces.answers_in_envelopes(good, &refused),
    });
    let paths = json!({ "/api/dev/token": { "post": operation } });
    Description { tag: ("development", "What production has not."), paths, components: json!({}) }
}

async fn token(
    State((tokens, errors)): State<(Arc<Tokens>, Arc<Errors>)>,
    Extension(context): Extension<RequestContext>,
    body: Bytes,
) -> Response {
    let guest = if body.is_empty() { Ok(Guest::default()) } else { serde_json::from_slice::<Guest>(&body) };
    let Ok(guest) = guest else { return errors.response(&codes::INVALID_REQUEST.into(), context.locale) };
    let expires_in = guest.expires_in.unwrap_or(LIFETIME.as_secs()).min(LIFETIME.as_secs());
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default().as_secs();
    let claims = SessionClaims {
        sub: guest
            .sub
            .filter(|sub| !sub.is_empty())
            .unwrap_or_else(|| format!("guest-{}", uuid::Uuid::new_v4().simple())),
        exp: now + expires_in,
        name: guest.name,
        locale: guest.locale,
        scope: guest.scope.unwrap_or_default(),
        rooms: guest.rooms,
        ..SessionClaims::default()
    };
    match tokens.mint(&claims) {
        Some(token) => Json(json!({ "token": token, "expires_in": expires_in })).into_response(),
        None => errors.response(&codes::INTERNAL.into(), context.locale),
    }
}
