//! The HTTP edge: the request that becomes a WebSocket, the state of a document, and its deletion.
//!
//! Every refusal is `{error, message}`, in the reader's language; what is said on a WebSocket is `ws`'s.

use std::{sync::Arc, time::Instant};

use axum::{
    Extension, Router,
    extract::{Request, State},
    response::{IntoResponse as _, Response},
    routing::any,
};
use http::{HeaderMap, HeaderValue, Method, StatusCode, Uri, header};
use syncline::{Session, SyncError, SyncResult, codes as framework};

use super::{
    Documents, codes,
    hocuspocus::Hocuspocus,
    id::DocumentId,
    sitting::Sitting,
    view,
    ws::{Talk, manner},
};
use crate::{
    auth::{Access, forbidden},
    error::Locale,
    net::RequestContext,
    observe::DocumentRoute,
    ws::{Edge, End, Refused},
};

/// Before the id of a document, where y-websocket's clients connect.
const SYNC: &str = "/sync/v1/";

/// Before the id of a document, where its state is.
const DOCUMENTS: &str = "/api/documents/";

/// Where Hocuspocus' clients connect, for whatever documents.
const HOCUSPOCUS: &str = "/hocuspocus";

/// Below these paths is everything of documents.
pub(crate) const PREFIXES: [&str; 3] = [SYNC, DOCUMENTS, HOCUSPOCUS];

type Context = Extension<RequestContext>;
type Shared = State<Arc<Documents>>;

pub(crate) fn router(documents: Arc<Documents>) -> Router {
    Router::new()
        .route("/sync/v1/{*document}", any(socket))
        .route(SYNC, any(nothing))
        .route("/api/documents/{*document}", any(document))
        .route(DOCUMENTS, any(nothing))
        .route(HOCUSPOCUS, any(hocuspocus))
        .with_state(documents)
}

async fn socket(documents: Shared, context: Context, request: Request) -> Response {
    let mut call = Call::new(documents, context);
    if request.method() != Method::GET {
        return call.not_allowed("GET");
    }
    let result = call.socket(request);
    call.answer(DocumentRoute::Socket, result)
}

async fn hocuspocus(documents: Shared, context: Context, request: Request) -> Response {
    let call = Call::new(documents, context);
    if request.method() != Method::GET {
        return call.not_allowed("GET");
    }
    let result = call.hocuspocus(request);
    call.answer(DocumentRoute::Hocuspocus, result)
}

async fn document(documents: Shared, context: Context, request: Request) -> Response {
    let mut call = Call::new(documents, context);
    let (route, result) = match *request.method() {
        Method::GET | Method::HEAD => (DocumentRoute::Get, call.state(request).await),
        Method::DELETE => (DocumentRoute::Delete, call.delete(request).await),
        _ => return call.not_allowed("GET, HEAD, DELETE"),
    };
    call.answer(route, result)
}

/// A document without a name.
async fn nothing(documents: Shared, context: Context) -> Response {
    let call = Call::new(documents, context);
    call.documents.metrics.error(framework::NOT_FOUND);
    call.error(&framework::NOT_FOUND.into())
}

/// A parameter of the query, as it stands there.
fn parameter<'a>(uri: &'a Uri, name: &str) -> Option<&'a str> {
    let mut pairs = uri.query().unwrap_or_default().split('&').filter_map(|pair| pair.split_once('='));
    pairs.find_map(|(key, value)| (key == name).then_some(value))
}

fn named(uri: &Uri, prefix: &str) -> SyncResult<DocumentId> {
    let id = uri.path().strip_prefix(prefix).and_then(DocumentId::from_path);
    id.ok_or_else(|| codes::INVALID_DOCUMENT_ID.into())
}

/// A request, on its way to an answer.
struct Call {
    documents: Arc<Documents>,
    context: RequestContext,
    began: Instant,
    /// The reader's language: what the headers ask for, until a token says better.
    locale: Locale,
}

impl Call {
    fn new(State(documents): Shared, Extension(context): Context) -> Self {
        let locale = context.locale;
        Self { documents, context, began: Instant::now(), locale }
    }

    fn socket(&mut self, request: Request) -> SyncResult<Response> {
        self.limited()?;
        let edge = &Arc::clone(&self.documents).edge;
        let (id, session, access) = match self.admit(&request, SYNC) {
            Ok(admitted) => admitted,
            Err(error) => return self.close(edge, request, error),
        };
        let echo = parameter(request.uri(), "echo") == Some("1");
        let sitting = Sitting::new(
            self.documents.live.open(&id),
            manner(access.write, echo),
            Arc::clone(&self.documents.on_the_way),
        );
        let talk = Talk::new(Arc::clone(&self.documents), sitting, session.user_id.as_str().into());
        edge.accept(request, &self.context, &session, talk)
    }

    /// Whoever asks: who that is and for which documents is said later, on the socket.
    fn hocuspocus(&self, request: Request) -> SyncResult<Response> {
        self.limited()?;
        let talk = Hocuspocus::new(Arc::clone(&self.documents), self.context.address, self.locale);
        self.documents.hocuspocus.accept(request, &self.context, &Session::default(), talk)
    }

    /// Who asks, for which document, and what they may do with it: at least read it.
    fn admit(&mut self, request: &Request, prefix: &str) -> SyncResult<(DocumentId, Session, Access)> {
        let session = self.session(request.headers(), request.uri())?;
        // Who may nothing learns nothing of names either.
        Access::of(&session)?;
        let id = named(request.uri(), prefix)?;
        let access = Access::to(&session, "documents", id.as_str())?;
        Ok((id, session, access))
    }

    /// By the token of the header or, as a browser's WebSocket can send none, by one in the query.
    fn session(&mut self, headers: &HeaderMap, uri: &Uri) -> SyncResult<Session> {
        let mut values = headers.get_all(header::AUTHORIZATION).iter();
        let token = match (values.next(), values.next()) {
            (None, _) => parameter(uri, "token").map(decoded),
            (Some(value), None) => {
                let token = value.to_str().ok().and_then(|value| value.split_once(' '));
                let token = token.filter(|(scheme, _)| scheme.eq_ignore_ascii_case("bearer"));
                Some(token.map_or(String::new(), |(_, token)| token.trim().to_owned()))
            }
            (Some(_), Some(_)) => return Err(framework::AUTH_INVALID.into()),
        };
        let Some(token) = token else { return Err(framework::AUTH_REQUIRED.into()) };
        let session = self.documents.session(&token)?;
        if let Some(own) = &session.locale {
            self.locale = self.documents.errors.negotiate(&[own, self.locale.as_str()]);
        }
        Ok(session)
    }

    async fn state(&mut self, request: Request) -> SyncResult<Response> {
        self.limited()?;
        let (id, _session, _access) = self.admit(&request, DOCUMENTS)?;
        let as_json = view::is_wanted(request.headers());
        let open = self.documents.live.open(&id);
        let seen = open.look(move |document| {
            if document.is_empty() {
                return Ok(None);
            }
            match as_json {
                true => document.json().map(|json| Some(json.into_response())),
                false => document.state().map(|state| {
                    let kind = (header::CONTENT_TYPE, HeaderValue::from_static("application/octet-stream"));
                    Some(([kind], state).into_response())
                }),
            }
        });
        let seen = seen.await?.map_err(|broken| framework::INTERNAL.caused_by(broken))?;
        let mut response = seen.ok_or(framework::NOT_FOUND)?;
        response.headers_mut().insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
        response.headers_mut().insert(header::VARY, HeaderValue::from_static("accept"));
        Ok(response)
    }

    async fn delete(&mut self, request: Request) -> SyncResult<Response> {
        self.limited()?;
        let (id, session, access) = self.admit(&request, DOCUMENTS)?;
        if !access.write {
            return Err(forbidden("scope"));
        }
        self.documents.live.open(&id).delete().await?;
        tracing::info!(document = id.as_str(), user_id = session.user_id, "a document was deleted");
        Ok(StatusCode::NO_CONTENT.into_response())
    }

    fn limited(&self) -> SyncResult<()> {
        let limited = self.documents.rates.check_address(self.context.address);
        limited.map_err(|retry| framework::RATE_LIMITED.with("seconds", retry.0))
    }

    /// A WebSocket that is closed with why there is none, if that is asked for.
    fn close(&self, edge: &Edge, request: Request, error: SyncError) -> SyncResult<Response> {
        if parameter(request.uri(), "close") != Some("1") {
            return Err(error);
        }
        let end = match error.code().http_status() {
            401 => End::UNAUTHENTICATED_FOR_GOOD,
            403 => End::FORBIDDEN_FOR_GOOD,
            _ => return Err(error),
        };
        self.documents.metrics.error(error.code());
        edge.accept(request, &self.context, &Session::default(), Refused(end))
    }

    fn answer(&self, route: DocumentRoute, result: SyncResult<Response>) -> Response {
        let code = result.as_ref().err().map(SyncError::code);
        self.documents.metrics.document_request(route, self.began.elapsed(), code);
        result.unwrap_or_else(|error| self.error(&error))
    }

    fn not_allowed(&self, allow: &'static str) -> Response {
        let error = framework::METHOD_NOT_ALLOWED.into();
        self.documents.metrics.error(framework::METHOD_NOT_ALLOWED);
        let mut response = self.error(&error);
        response.headers_mut().insert(header::ALLOW, HeaderValue::from_static(allow));
        response
    }

    fn error(&self, error: &SyncError) -> Response {
        let response = self.documents.errors.plain_response(error, self.locale);
        crate::ws::with_upgrade(response, error)
    }
}

/// A token as it stands in a query: the colon of ours may be encoded there.
fn decoded(token: &str) -> String {
    percent_encoding::percent_decode_str(token).decode_utf8_lossy().into_owned()
}
