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
