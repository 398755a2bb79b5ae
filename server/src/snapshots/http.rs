//! The HTTP edge: reading a snapshot, writing a built-in game, tickets, and the requests that become WebSockets.
//!
//! Every refusal is `{error, message}`, in the reader's language; what is said on a WebSocket is `ws`'s.

use std::{sync::Arc, time::Instant};

use axum::{
    Extension, Json, Router,
    extract::{Path, Request, State, rejection::PathRejection},
    response::{IntoResponse as _, Response},
    routing::any,
};
use http::{HeaderMap, HeaderValue, Method, StatusCode, Uri, header};
use serde_json::{json, value::RawValue};
use syncline::{Auth, Rule, Session, SyncError, SyncResult, codes as framework};

use super::{
    GAME, Snapshots, codes,
    games::{Write, Written},
    topic::Topic,
    ws::Talk,
};
use crate::{
    auth::identify,
    error::Locale,
    net::{RequestContext, names_tag, read_json_body},
    observe::SnapshotRoute,
};

/// Below these paths is everything of snapshots.
pub(crate) const PREFIXES: [&str; 4] = ["/api/games/", "/api/snapshots/", "/api/ws/", "/ws"];

const WRITE_GAMES: Auth = Auth::LOGIN.and(&[Rule::equals("scope", "games:write")]);

type Context = Extension<RequestContext>;
type Shared = State<Arc<Snapshots>>;
type Named<T> = Result<Path<T>, PathRejection>;

pub(crate) fn router(snapshots: Arc<Snapshots>) -> Router {
    Router::new()
        .route("/api/games/{id}/snapshot", any(game))
        .route("/api/snapshots/{kind}/{id}", any(snapshot))
        .route("/api/ws/token", any(ticket))
        .route("/ws", any(socket))
        .route("/ws/games/{id}", any(game_socket))
        .route("/ws/snapshots/{kind}/{id}", any(topic_socket))
        .route("/api/games/{id}", any(nothing))
        .route("/api/games/{id}/{*rest}", any(nothing))
        .route("/api/snapshots/{kind}", any(nothing))
        .route("/api/snapshots/{kind}/{id}/{*rest}", any(nothing))
        .route("/ws/{*rest}", any(nothing))
        .with_state(snapshots)
}

async fn game(snapshots: Shared, context: Context, id: Named<String>, request: Request) -> Response {
    let topic = id.ok().and_then(|Path(id)| Topic::new(GAME, &id));
    let mut call = Call::new(snapshots, context);
    match *request.method() {
        Method::GET | Method::HEAD => {
            let result = call.get(topic, request.headers()).await;
            call.answer(SnapshotRoute::Get, result)
        }
        Method::PUT if call.snapshots.games.is_some() => {
            let result = call.put(topic, request).await;
            call.answer(SnapshotRoute::Put, result)
        }
        _ if call.snapshots.games.is_some() => call.not_allowed("GET, HEAD, PUT"),
        _ => call.not_allowed("GET, HEAD"),
    }
}

async fn snapshot(
    snapshots: Shared,
    context: Context,
    path: Named<(String, String)>,
    request: Request,
) -> Response {
    let mut call = Call::new(snapshots, context);
    if !matches!(*request.method(), Method::GET | Method::HEAD) {
        return call.not_allowed("GET, HEAD");
    }
    let topic = path.ok().and_then(|Path((kind, id))| Topic::new(&kind, &id));
    let result = call.get(topic, request.headers()).await;
    call.answer(SnapshotRoute::Get, result)
}

async fn ticket(snapshots: Shared, context: Context, request: Request) -> Response {
    let mut call = Call::new(snapshots, context);
    if !matches!(*request.method(), Method::GET | Method::POST) {
        return call.not_allowed("GET, POST");
    }
    let result = call.ticket(request.headers());
    call.answer(SnapshotRoute::Ticket, result)
}

async fn socket(snapshots: Shared, context: Context, request: Request) -> Response {
    Call::new(snapshots, context).socket(Asked::Nothing, request).await
}

async fn game_socket(snapshots: Shared, context: Context, id: Named<String>, request: Request) -> Response {
    let topic = id.ok().and_then(|Path(id)| Topic::new(GAME, &id));
    Call::new(snapshots, context).socket(Asked::Topic(topic), request).await
}

async fn topic_socket(
    snapshots: Shared,
    context: Context,
    path: Named<(String, String)>,
    request: Request,
) -> Response {
    let topic = path.ok().and_then(|Path((kind, id))| Topic::new(&kind, &id));
    Call::new(snapshots, context).socket(Asked::Topic(topic), request).await
}

async fn nothing(snapshots: Shared, context: Context) -> Response {
    Call::new(snapshots, context).refuse(&framework::NOT_FOUND.into())
}

/// What the URL of a WebSocket asks for.
enum Asked {
    /// Nothing: topics come by `subscribe`.
    Nothing,
    /// A topic, if that can be one.
    Topic(Option<Topic>),
}

/// A request, on its way to an answer.
struct Call {
    snapshots: Arc<Snapshots>,
    context: RequestContext,
    began: Instant,
    /// The reader's language: what the headers ask for, until a token says better.
    locale: Locale,
}

impl Call {
    fn new(State(snapshots): Shared, Extension(context): Context) -> Self {
        let locale = context.locale;
        Self { snapshots, context, began: Instant::now(), locale }
    }

    async fn get(&mut self, topic: Option<Topic>, headers: &HeaderMap) -> SyncResult<Response> {
        let session = self.admit(headers)?;
        let (topic, source) = self.known(topic)?;
        if !source.may_watch(topic.id(), &session).await {
            return Err(codes::FORBIDDEN.into());
        }
        let audience = source.audience(topic.id(), &session)?;
        let snapshot = source.snapshot(topic.id(), &audience).await?;
        let etag = format!("\"{}-{:x}\"", snapshot.version(), audience.digest());
        let headers_out = [
            (header::ETAG, etag.clone()),
            // Whoever keeps it asks whether it is still the newest; and it is one viewer's own.
            (header::CACHE_CONTROL, "private, no-cache".to_owned()),
            (header::VARY, "Authorization".to_owned()),
        ];
        if names_tag(headers, &etag) {
            return Ok((StatusCode::NOT_MODIFIED, headers_out).into_response());
        }
        #[derive(serde::Serialize)]
        struct Body<'a> {
            version: u64,
            data: &'a RawValue,
        }
        let body = Body { version: snapshot.version(), data: snapshot.data() };
        Ok((headers_out, Json(body)).into_response())
    }

    async fn put(&mut self, topic: Option<Topic>, request: Request) -> SyncResult<Response> {
        let (parts, body) = request.into_parts();
        let session = self.admit(&parts.headers)?;
        WRITE_GAMES.check(&session)?;
        let game = topic.ok_or(codes::NOT_FOUND)?;
        let games = self.snapshots.games.as_ref().ok_or(codes::NOT_FOUND)?;
        let body = read_json_body(&parts.headers, body, self.snapshots.max_bytes).await?;
        let write = Write::read(&body, self.snapshots.max_depth)?;
        match games.put(&game, write).await.map_err(crate::records::RecordsError::into_answer)? {
            Written::At(version) => {
                let (game_id, user_id) = (game.id(), &*session.user_id);
                tracing::info!(
                    game_id,
                    user_id,
                    reason = "written",
                    version,
                    bytes = body.len(),
                    "a game changed"
                );
                Ok(Json(json!({ "version": version })).into_response())
            }
            Written::Conflict(current) => Err(codes::VERSION_CONFLICT.with("current", current)),
        }
    }

    fn ticket(&mut self, headers: &HeaderMap) -> SyncResult<Response> {
        let session = self.admit(headers)?;
        let (token, expires_in) = self.snapshots.tickets.mint(&session)?;
        self.snapshots.counts().tickets.increment(1);
        let no_store = [(header::CACHE_CONTROL, "no-store")];
        Ok((no_store, Json(json!({ "token": token, "expires_in": expires_in }))).into_response())
    }

    async fn socket(mut self, asked: Asked, request: Request) -> Response {
        if request.method() != Method::GET {
            return self.not_allowed("GET");
        }
        let result = self.open(asked, request).await;
        self.answer(SnapshotRoute::Socket, result)
    }

    async fn open(&mut self, asked: Asked, request: Request) -> SyncResult<Response> {
        let viewer = Arc::new(self.viewer(request.headers(), request.uri()).await?);
        let fixed = match asked {
            Asked::Nothing => None,
            Asked::Topic(topic) => {
                let (topic, _source) = self.known(topic)?;
                Some(self.snapshots.watch(&topic, &viewer).await?)
            }
        };
        let snapshots = Arc::clone(&self.snapshots);
        let talk = Talk::new(snapshots, Arc::clone(&viewer), self.locale, self.context.address, fixed);
        self.snapshots.edge.accept(request, &self.context, &viewer, talk)
    }

    /// Who opens a WebSocket: by the token of the header or, as a browser can send none, by a ticket in the query.
    async fn viewer(&mut self, headers: &HeaderMap, uri: &Uri) -> SyncResult<Session> {
        if headers.contains_key(header::AUTHORIZATION) {
            return self.admit(headers);
        }
        self.limited()?;
        let mut pairs = uri.query().unwrap_or_default().split('&');
        let ticket = pairs.find_map(|pair| pair.strip_prefix("token=")).ok_or(framework::AUTH_REQUIRED)?;
        let session = self.snapshots.tickets.redeem(ticket).await;
        let session = session.inspect_err(|_| self.snapshots.counts().tickets_refused.increment(1))?;
        if let Some(own) = &session.locale {
            self.locale = self.snapshots.errors.negotiate(&[own, self.locale.as_str()]);
        }
        Ok(session)
    }

    /// Who asks; nobody may who is not logged in.
    fn admit(&mut self, headers: &HeaderMap) -> SyncResult<Session> {
        self.limited()?;
        let Snapshots { tokens, errors, .. } = &*self.snapshots;
        let session = identify(tokens, errors, headers, &mut self.locale)?;
        Auth::LOGIN.check(&session)?;
        Ok(session)
    }

    fn limited(&self) -> SyncResult<()> {
        let limited = self.snapshots.limits.check_address(self.context.address);
        limited.map_err(|retry| framework::RATE_LIMITED.with("seconds", retry.0))
    }

    fn known(&self, topic: Option<Topic>) -> SyncResult<(Topic, &super::Source)> {
        let topic = topic.ok_or(codes::NOT_FOUND)?;
        let source = self.snapshots.sources.get(topic.kind()).ok_or(codes::NOT_FOUND)?;
        Ok((topic, source))
    }

    fn answer(&self, route: SnapshotRoute, result: SyncResult<Response>) -> Response {
        let code = result.as_ref().err().map(SyncError::code);
        self.snapshots.metrics.snapshot_request(route, self.began.elapsed(), code);
        result.unwrap_or_else(|error| self.error(&error))
    }

    /// Refuses what is no request to a snapshot at all.
    fn refuse(&self, error: &SyncError) -> Response {
        self.snapshots.metrics.error(error.code());
        self.error(error)
    }

    fn error(&self, error: &SyncError) -> Response {
        let response = self.snapshots.errors.plain_response(error, self.locale);
        crate::ws::with_upgrade(response, error)
    }

    fn not_allowed(&self, allow: &'static str) -> Response {
        let mut response = self.refuse(&framework::METHOD_NOT_ALLOWED.into());
        response.headers_mut().insert(header::ALLOW, HeaderValue::from_static(allow));
        response
    }
}
