//! The HTTP edge: the state of a workspace, its history, who is there, and the request that becomes a WebSocket.
//!
//! Every refusal is `{error, message}`, in the reader's language; what is said on a WebSocket is `ws`'s.

mod sockets;

use std::{sync::Arc, time::Instant};

use automerge::ChangeHash;
use axum::{
    Extension, Json, Router,
    extract::{Path, Request, State, rejection::PathRejection},
    response::{IntoResponse as _, Response},
    routing::any,
};
use http::{HeaderMap, HeaderValue, Method, Uri, header};
use serde_json::{Value, json};
use syncline::{Session, SyncError, SyncResult, codes as framework};

use super::{
    Workspaces, codes,
    id::WorkspaceId,
    messages::{self, Heads},
    owner::What,
    stamp::Stamp,
    ws::{Client, Talk},
};
use crate::{
    auth::{Access, forbidden, identify, verify},
    clock::micros_now,
    codes as shared,
    error::Locale,
    net::{RequestContext, read_json_body},
    observe::WorkspaceRoute,
};

/// Below this path is everything of workspaces.
pub(crate) const PREFIX: &str = "/v1/";

/// How many changes are told of at a time.
pub(super) const PAGE: usize = 50;
pub(super) const MAX_PAGE: usize = 200;

/// The largest body: a hash.
const MAX_BODY_BYTES: usize = 1024;

type Context = Extension<RequestContext>;
type Shared = State<Arc<Workspaces>>;
type Named<T> = Result<Path<T>, PathRejection>;

pub(crate) fn router(workspaces: Arc<Workspaces>) -> Router {
    Router::new()
        .route("/v1/sync/{workspace}", any(socket))
        .route("/v1/automerge", any(automerge))
        .route("/v1/workspaces/{workspace}", any(state))
        .route("/v1/history/{workspace}", any(history))
        .route("/v1/history/{workspace}/restore", any(restore))
        .route("/v1/history/{workspace}/{hash}", any(state_at))
        .route("/v1/presence/{workspace}", any(presence))
        .route("/v1/stats", any(stats))
        .route("/v1/", any(nothing))
        .route("/v1/{*rest}", any(nothing))
        .with_state(workspaces)
}

async fn socket(workspaces: Shared, context: Context, id: Named<String>, request: Request) -> Response {
    let mut call = Call::new(workspaces, context);
    if request.method() != Method::GET {
        return call.not_allowed("GET");
    }
    let result = call.socket(id, request).await;
    call.answer(WorkspaceRoute::Socket, result)
}

async fn automerge(workspaces: Shared, context: Context, request: Request) -> Response {
    let mut call = Call::new(workspaces, context);
    if request.method() != Method::GET {
        return call.not_allowed("GET");
    }
    let result = call.automerge(request);
    call.answer(WorkspaceRoute::Automerge, result)
}

async fn state(workspaces: Shared, context: Context, id: Named<String>, request: Request) -> Response {
    let mut call = Call::new(workspaces, context);
    if !is_get(&request) {
        return call.not_allowed("GET, HEAD");
    }
    let result = call.state(id, request.headers()).await;
    call.answer(WorkspaceRoute::Get, result)
}

async fn history(workspaces: Shared, context: Context, id: Named<String>, request: Request) -> Response {
    let mut call = Call::new(workspaces, context);
    if !is_get(&request) {
        return call.not_allowed("GET, HEAD");
    }
    let result = call.history(id, request.headers(), request.uri()).await;
    call.answer(WorkspaceRoute::History, result)
}

async fn state_at(
    workspaces: Shared,
    context: Context,
    path: Named<(String, String)>,
    request: Request,
) -> Response {
    let mut call = Call::new(workspaces, context);
    if !is_get(&request) {
        return call.not_allowed("GET, HEAD");
    }
    let result = call.state_at(path, request.headers()).await;
    call.answer(WorkspaceRoute::At, result)
}

async fn restore(workspaces: Shared, context: Context, id: Named<String>, request: Request) -> Response {
    let mut call = Call::new(workspaces, context);
    if request.method() != Method::POST {
        return call.not_allowed("POST");
    }
    let result = call.restore(id, request).await;
    call.answer(WorkspaceRoute::Restore, result)
}

async fn presence(workspaces: Shared, context: Context, id: Named<String>, request: Request) -> Response {
    let mut call = Call::new(workspaces, context);
    if !is_get(&request) {
        return call.not_allowed("GET, HEAD");
    }
    let result = call.presence(id, request.headers());
    call.answer(WorkspaceRoute::Presence, result)
}

async fn stats(workspaces: Shared, context: Context, request: Request) -> Response {
    let mut call = Call::new(workspaces, context);
    if !is_get(&request) {
        return call.not_allowed("GET, HEAD");
    }
    let result = call.stats(request.headers());
    call.answer(WorkspaceRoute::Stats, result)
}

async fn nothing(workspaces: Shared, context: Context) -> Response {
    Call::new(workspaces, context).refuse(&framework::NOT_FOUND.into())
}

fn is_get(request: &Request) -> bool {
    matches!(*request.method(), Method::GET | Method::HEAD)
}

/// A parameter of the query, as it stands there.
fn parameter<'a>(uri: &'a Uri, name: &str) -> Option<&'a str> {
    let mut pairs = uri.query().unwrap_or_default().split('&').filter_map(|pair| pair.split_once('='));
    pairs.find_map(|(key, value)| (key == name).then_some(value))
}

/// What a request needs of a workspace.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Need {
    Read,
    Write,
}

/// A request, on its way to an answer.
struct Call {
    workspaces: Arc<Workspaces>,
    context: RequestContext,
    began: Instant,
    /// The reader's language: what the headers ask for, until a token says better.
    locale: Locale,
}

impl Call {
    fn new(State(workspaces): Shared, Extension(context): Context) -> Self {
        let locale = context.locale;
        Self { workspaces, context, began: Instant::now(), locale }
    }

    async fn socket(&mut self, id: Named<String>, request: Request) -> SyncResult<Response> {
        self.limited()?;
        let admitted = self.admit_socket(id, request.headers(), request.uri());
        // A browser cannot see why an upgrade is refused, but why a connection is closed.
        let (id, session, access) = match admitted {
            Ok(admitted) => admitted,
            Err(error) => return self.close(&self.workspaces.edge, request, error),
        };
        let session_id: Arc<str> = uuid::Uuid::now_v7().to_string().into();
        let session = Arc::new(session);
        let client = Client {
            session: Arc::clone(&session),
            session_id: Arc::clone(&session_id),
            access,
            locale: self.locale,
            address: self.context.address,
            heads: parameter(request.uri(), "heads").and_then(messages::read_heads),
            presence: parameter(request.uri(), "presence") == Some("1"),
        };
        let workspace = self.workspaces.live.open(&id);
        let talk = Talk::new(Arc::clone(&self.workspaces), workspace, client);
        let response = self.workspaces.edge.accept(request, &self.context, &session, talk)?;
        Ok(sockets::with_session_id(response, &session_id))
    }

    fn admit_socket(
        &mut self,
        id: Named<String>,
        headers: &HeaderMap,
        uri: &Uri,
    ) -> SyncResult<(WorkspaceId, Session, Access)> {
        let session = self.socket_session(headers, uri)?;
        // Who may nothing learns nothing of names either.
        Access::of(&session)?;
        let id = named(id)?;
        let access = Access::to(&session, "workspaces", id.as_str())?;
        Ok((id, session, access))
    }

    /// Who opens a WebSocket: by the token of the header or, as a browser can send none, by one in the query.
    fn socket_session(&mut self, headers: &HeaderMap, uri: &Uri) -> SyncResult<Session> {
        match parameter(uri, "token") {
            Some(token) if !headers.contains_key(header::AUTHORIZATION) => {
                let session = verify(&self.workspaces.tokens, token)?;
                if let Some(own) = &session.locale {
                    self.locale = self.workspaces.errors.negotiate(&[own, self.locale.as_str()]);
                }
                Ok(session)
            }
            _ => self.session(headers),
        }
    }

    async fn state(&mut self, id: Named<String>, headers: &HeaderMap) -> SyncResult<Response> {
        let (id, _session) = self.admit(id, headers, Need::Read)?;
        let (data, heads) = self.read(&id, |document| (document.state(), document.heads())).await?;
        let heads = serde_json::to_value(Heads(&heads)).unwrap_or_default();
        let automerge_url = format!("automerge:{}", id.automerge_id());
        let body =
            json!({ "workspace": id.as_str(), "data": data, "heads": heads, "automerge_url": automerge_url });
        Ok(answer_with(&body))
    }

    async fn history(&mut self, id: Named<String>, headers: &HeaderMap, uri: &Uri) -> SyncResult<Response> {
        let (id, _session) = self.admit(id, headers, Need::Read)?;
        let limit = match parameter(uri, "limit") {
            Some(text) => text.parse::<usize>().ok().filter(|limit| (1..=MAX_PAGE).contains(limit)),
            None => Some(PAGE),
        };
        let limit = limit.ok_or_else(|| invalid(format!("`limit` is not a number from 1 to {MAX_PAGE}")))?;
        let before = parameter(uri, "before").map(hash_of).transpose()?;
        let page = self.read(&id, move |document| document.history(before, limit)).await?;
        let page = page.ok_or(codes::UNKNOWN_CHANGE)?;
        Ok(answer_with(&page))
    }

    async fn state_at(&mut self, path: Named<(String, String)>, headers: &HeaderMap) -> SyncResult<Response> {
        let (id, hash) = match path {
            Ok(Path((id, hash))) => (Ok(Path(id)), hash),
            Err(rejection) => (Err(rejection), String::new()),
        };
        let (id, _session) = self.admit(id, headers, Need::Read)?;
        let at = hash_of(&hash)?;
        let data = self.read(&id, move |document| document.state_at(at)).await?;
        let data = data.ok_or(codes::UNKNOWN_CHANGE)?;
        Ok(answer_with(&json!({ "workspace": id.as_str(), "hash": hash, "data": data })))
    }

    async fn restore(&mut self, id: Named<String>, request: Request) -> SyncResult<Response> {
        let (parts, body) = request.into_parts();
        let (id, session) = self.admit(id, &parts.headers, Need::Write)?;
        let body = read_json_body(&parts.headers, body, MAX_BODY_BYTES).await?;
        let body: Value = serde_json::from_slice(&body).map_err(|_| shared::INVALID_JSON)?;
        let hash = body["hash"].as_str().ok_or_else(|| invalid("`hash` is missing, or not a string"))?;
        let to = hash_of(hash)?;
        let (user, region) = (session.user_id.as_str().into(), Arc::clone(&self.workspaces.region));
        let mut stamp = Stamp::new(user, None, micros_now(), region);
        stamp.restored = Some(hash.to_owned());
        let done = self.workspaces.live.open(&id).change(What::Restore(to), stamp).await?;
        let heads = serde_json::to_value(Heads(&done.heads)).unwrap_or_default();
        Ok(answer_with(&json!({ "heads": heads, "keys": done.keys })))
    }

    fn presence(&mut self, id: Named<String>, headers: &HeaderMap) -> SyncResult<Response> {
        let (id, _session) = self.admit(id, headers, Need::Read)?;
        Ok(answer_with(&self.workspaces.live.users(&id)))
    }

    fn stats(&mut self, headers: &HeaderMap) -> SyncResult<Response> {
        self.limited()?;
        let session = self.session(headers)?;
        if !Access::of(&session)?.admin {
            return Err(forbidden("scope"));
        }
        let live = self.workspaces.live.all();
        let sockets: usize = live.iter().map(|workspace| workspace.feed.watchers()).sum();
        let (server_id, region) = (&*self.workspaces.server_id, &*self.workspaces.region);
        let mut stats = json!({
            "server_id": server_id,
            "region": region,
            "workspaces": live.len(),
            "sockets": sockets,
        });
        if let Some(replication) = &self.workspaces.replication {
            stats["replication"] = json!(replication.stats());
        }
        Ok(answer_with(&stats))
    }

    async fn read<T: Send + 'static>(
        &self,
        id: &WorkspaceId,
        look: impl FnOnce(&mut super::document::Document) -> T + Send + 'static,
    ) -> SyncResult<T> {
        self.workspaces.live.open(id).read(|reading| look(reading.document)).await
    }

    /// The workspace that is asked for, and who asks, if that one may.
    fn admit(
        &mut self,
        id: Named<String>,
        headers: &HeaderMap,
        need: Need,
    ) -> SyncResult<(WorkspaceId, Session)> {
        self.limited()?;
        let session = self.session(headers)?;
        Access::of(&session)?;
        let id = named(id)?;
        let access = Access::to(&session, "workspaces", id.as_str())?;
        match need {
            Need::Read if !access.read => Err(forbidden("scope")),
            Need::Write if !access.write => Err(codes::PERMISSION_DENIED.into()),
            Need::Read | Need::Write => Ok((id, session)),
        }
    }

    fn session(&mut self, headers: &HeaderMap) -> SyncResult<Session> {
        let Workspaces { tokens, errors, .. } = &*self.workspaces;
        identify(tokens, errors, headers, &mut self.locale)
    }

    fn limited(&self) -> SyncResult<()> {
        let limited = self.workspaces.rates.check_address(self.context.address);
        limited.map_err(|retry| framework::RATE_LIMITED.with("seconds", retry.0))
    }

    fn answer(&self, route: WorkspaceRoute, result: SyncResult<Response>) -> Response {
        let code = result.as_ref().err().map(SyncError::code);
        self.workspaces.metrics.workspace_request(route, self.began.elapsed(), code);
        result.unwrap_or_else(|error| self.error(&error))
    }

    /// Refuses what is no request to a workspace at all.
    fn refuse(&self, error: &SyncError) -> Response {
        self.workspaces.metrics.error(error.code());
        self.error(error)
    }

    fn error(&self, error: &SyncError) -> Response {
        let response = self.workspaces.errors.plain_response(error, self.locale);
        crate::ws::with_upgrade(response, error)
    }

    fn not_allowed(&self, allow: &'static str) -> Response {
        let mut response = self.refuse(&framework::METHOD_NOT_ALLOWED.into());
        response.headers_mut().insert(header::ALLOW, HeaderValue::from_static(allow));
        response
    }
}

fn named(id: Named<String>) -> SyncResult<WorkspaceId> {
    let id = id.ok().and_then(|Path(id)| WorkspaceId::parse(&id));
    id.ok_or_else(|| codes::INVALID_WORKSPACE_ID.into())
}

fn hash_of(text: &str) -> SyncResult<ChangeHash> {
    text.parse().map_err(|_| codes::UNKNOWN_CHANGE.into())
}

fn invalid(reason: impl Into<String>) -> SyncError {
    codes::INVALID_OP.with("reason", reason.into())
}

/// Somebody's own, and only for now.
fn answer_with(body: &impl serde::Serialize) -> Response {
    let headers = [(header::CACHE_CONTROL, "private, no-cache"), (header::VARY, "Authorization")];
    (headers, Json(serde_json::to_value(body).unwrap_or(Value::Null))).into_response()
}
