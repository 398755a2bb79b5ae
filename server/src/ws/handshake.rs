//! The upgrade: whether a request asks for a WebSocket, and the answer to one that does.

use axum::{body::Body, extract::Request, response::Response};
use http::{HeaderValue, header};
use syncline::{ErrorCode, SyncError, SyncResult};
use tokio_tungstenite::tungstenite::handshake::server::create_response_with_body;

/// The request asks for no WebSocket, or for one of another protocol version.
pub(crate) const UPGRADE_REQUIRED: ErrorCode = ErrorCode::new("upgrade.required", 426, &[]);

/// The answer to a request for a WebSocket.
///
/// # Errors
/// [`UPGRADE_REQUIRED`].
pub(super) fn response_to(request: &Request) -> SyncResult<Response> {
    create_response_with_body(request, Body::empty).map_err(|error| {
        tracing::debug!(%error, "a request for a WebSocket was refused");
        UPGRADE_REQUIRED.into()
    })
}

/// The answer to an error, which says what to upgrade to if that is what was missing.
pub(crate) fn with_upgrade(mut response: Response, error: &SyncError) -> Response {
    if error.code() == UPGRADE_REQUIRED {
        let headers = response.headers_mut();
        headers.insert(header::UPGRADE, HeaderValue::from_static("websocket"));
        headers.insert(header::SEC_WEBSOCKET_VERSION, HeaderValue::from_static("13"));
    }
    response
}
