//! The HTTP edge: `POST /sync/<page>/<name>/<version>`, the trigger for callers without a socket.
//!
//! The same pipeline as on the socket; delivery is over Socket.IO either way.

use std::sync::Arc;

use axum::{
    Extension, Json, Router,
    body::{Body, to_bytes},
    extract::{Request, State},
    response::{IntoResponse as _, Response},
    routing::any,
};
use http::{HeaderMap, HeaderValue, Method, header};
use serde_json::value::RawValue;
use syncline::{
    SyncError, SyncResult, codes,
    run::{Ack, SyncRequest, json_depth},
};

use super::{Events, dispatch::Caller};
use crate::{auth::identify, error::Locale, net::RequestContext};

/// The path below which all events are.
const PREFIX: &str = "/sync/";

pub(crate) fn router(events: Arc<Events>) -> Router {
    Router::new().route("/sync/{*route}", any(sync)).with_state(events)
}

async fn sync(
    State(events): State<Arc<Events>>,
    Extension(context): Extension<RequestContext>,
    request: Request,
) -> Response {
    if request.method() != Method::POST {
        let mut response =
            events.errors.response(&counted(&events, codes::METHOD_NOT_ALLOWED.into()), context.locale);
        response.headers_mut().insert(header::ALLOW, HeaderValue::from_static("POST"));
        return response;
    }
    let mut locale = context.locale;
    match run(&events, &context, request, &mut locale).await {
        Ok(server_output) => Json(Ack::new(&server_output)).into_response(),
        Err(error) => events.errors.response(&error, locale),
    }
}

/// Runs a request. `locale` becomes the caller's own once the caller is known.
async fn run(
    events: &Events,
    context: &RequestContext,
    request: Request,
    locale: &mut Locale,
) -> SyncResult<Arc<RawValue>> {
    let (parts, body) = request.into_parts();
    let text = read_body(events, &parts.headers, body).await.map_err(|error| counted(events, error))?;
    let path = parts.uri.path().strip_prefix(PREFIX).unwrap_or_default();
    let (name, version) = path.rsplit_once('/').ok_or_else(|| counted(events, codes::NOT_FOUND.into()))?;
    let request = SyncRequest::from_http(name, version, &text).map_err(|error| {
        tracing::debug!(%error, request = &*context.id, "not a sync request");
        counted(events, codes::INVALID_REQUEST.into())
    })?;
    let session = identify(&events.tokens, &events.errors, &parts.headers, locale);
    let mut session = session.map_err(|error| counted(events, error))?;
    session.locale.get_or_insert_with(|| locale.as_str().to_owned());
    let caller = Caller {
        session: Arc::new(session),
        member: None,
        address: context.address,
        locale: *locale,
        request_id: Arc::clone(&context.id),
    };
    events.dispatch.run(&caller, &request).await
}

async fn read_body(events: &Events, headers: &HeaderMap, body: Body) -> SyncResult<String> {
    let limits = events.limits.packet;
    let too_large = || codes::TOO_LARGE.with("max", limits.max_bytes);
    let declared = headers.get(header::CONTENT_LENGTH).and_then(|length| length.to_str().ok()?.parse().ok());
    if declared.is_some_and(|length: usize| length > limits.max_bytes) {
        return Err(too_large());
    }
    // What fails here is too large, or was not sent to its end: then nobody is left to read the answer.
    let body = to_bytes(body, limits.max_bytes).await.map_err(|_| too_large())?;
    let text = String::from_utf8(body.into()).map_err(|_| codes::INVALID_REQUEST)?;
    if json_depth(&text) > limits.max_depth {
        return Err(codes::INVALID_REQUEST.into());
    }
    Ok(text)
}

/// Counts an error that came up before dispatch, which counts its own.
fn counted(events: &Events, error: SyncError) -> SyncError {
    events.metrics.error(error.code());
    error
}
