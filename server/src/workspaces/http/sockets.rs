//! The requests that become WebSockets of automerge-repo clients, and how any is refused by a close code.

use std::sync::Arc;

use axum::{extract::Request, response::Response};
use http::{HeaderName, HeaderValue};
use syncline::{Session, SyncError, SyncResult, codes as framework};

use super::{Call, parameter};
use crate::{
    auth::Access,
    workspaces::repo::{Peer, Visitor},
    ws::{Edge, End, Refused},
};

/// The id of a session, for whoever looks for it in logs and webhooks.
const SESSION_ID: HeaderName = HeaderName::from_static("x-session-id");

impl Call {
    /// A WebSocket of an automerge-repo client, which may ask for any document.
    pub(super) fn automerge(&mut self, request: Request) -> SyncResult<Response> {
        self.limited()?;
        let edge = &Arc::clone(&self.workspaces).peers.edge;
        let admitted = self.socket_session(request.headers(), request.uri());
        let session = match admitted.and_then(|session| Access::of(&session).map(|_| session)) {
            Ok(session) => Arc::new(session),
            Err(error) => return self.close(edge, request, error),
        };
        let session_id: Arc<str> = uuid::Uuid::now_v7().to_string().into();
        let visitor = Visitor {
            session: Arc::clone(&session),
            session_id: Arc::clone(&session_id),
            locale: self.locale,
            address: self.context.address,
        };
        let peer = Peer::new(Arc::clone(&self.workspaces), visitor);
        Ok(with_session_id(edge.accept(request, &self.context, &session, peer)?, &session_id))
    }

    /// A WebSocket that is closed with why there is none, if that is asked for.
    pub(super) fn close(&self, edge: &Edge, request: Request, error: SyncError) -> SyncResult<Response> {
        if parameter(request.uri(), "close") != Some("1") {
            return Err(error);
        }
        let end = match error.code().http_status() {
            // Its client may have a newer one.
            401 if error.code() == framework::AUTH_EXPIRED => End::EXPIRED,
            401 => End::UNAUTHENTICATED,
            403 => End::FORBIDDEN,
            _ => return Err(error),
        };
        self.workspaces.metrics.error(error.code());
        edge.accept(request, &self.context, &Session::default(), Refused(end))
    }
}

/// The answer that says how the connection is called.
pub(super) fn with_session_id(mut response: Response, id: &str) -> Response {
    if let Ok(value) = HeaderValue::from_str(id) {
        response.headers_mut().insert(SESSION_ID, value);
    }
    response
}
