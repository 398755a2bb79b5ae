//! The HTTP edge: `GET`, `PUT` and `DELETE /api/rooms/{room_id}`, and the way to a room's stream.
//!
//! What a stream is made of is `sse.rs`'s. Every refusal is `{error, message}`, in the reader's language.

use std::{
    error::Error as _,
    sync::Arc,
    time::{Duration, Instant},
};

use axum::{
    Extension, Router,
    body::{Body, Bytes, to_bytes},
    extract::{Path, Request, State, rejection::PathRejection},
    response::{IntoResponse as _, Response},
    routing::any,
};
use http::{HeaderMap, HeaderValue, Method, StatusCode, Version, header};
use http_body_util::LengthLimitError;
use syncline::{Auth, Rule, Session, SyncError, SyncResult, codes as framework};

use super::{
    Rooms, codes,
    record::{self, RoomId},
    sse,
};
use crate::{
    auth::{rooms_claim_allows, session_of},
    config::RoomAuth,
    error::Locale,
    net::RequestContext,
    observe::{Level, RoomRoute},
    records::Record,
};

/// Below this path is everything of rooms.
pub(crate) const PREFIX: &str = "/api/rooms/";

/// How long a body may take altogether.
const BODY_TIMEOUT: Duration = Duration::from_secs(30);

const READ: Auth = Auth::LOGIN.and(&[Rule::equals("scope", "rooms:read")]);
const WRITE: Auth = Auth::LOGIN.and(&[Rule::equals("scope", "rooms:write")]);

type Context = Extension<RequestContext>;
type Named = Result<Path<String>, PathRejection>;

pub(crate) fn router(rooms: Arc<Rooms>) -> Router {
    Router::new()
        .route("/api/rooms/{room_id}", any(room))
        .route("/api/rooms/{room_id}/stream", any(stream))
        .route("/api/rooms", any(nothing))
        .route("/api/rooms/", any(nothing))
        .route("/api/rooms/{room_id}/", any(nothing))
        .route("/api/rooms/{room_id}/{*rest}", any(nothing))
        .with_state(rooms)
}

async fn room(rooms: State<Arc<Rooms>>, context: Context, id: Named, request: Request) -> Response {
    let mut call = Call::new(rooms, context);
    match *request.method() {
        Method::GET | Method::HEAD => {
            let result = call.get(id, request.headers()).await;
            call.answer(RoomRoute::Get, result)
        }
        Method::PUT => {
            let result = call.put(id, request).await;
            call.answer(RoomRoute::Put, result)
        }
        Method::DELETE => {
            let result = call.delete(id, request.headers()).await;
            call.answer(RoomRoute::Delete, result)
        }
        _ => call.not_allowed("GET, HEAD, PUT, DELETE"),
    }
}

async fn stream(rooms: State<Arc<Rooms>>, context: Context, id: Named, request: Request) -> Response {
    let mut call = Call::new(rooms, context);
    if request.method() != Method::GET {
        return call.not_allowed("GET");
    }
    let result = call.stream(id, request.version(), request.headers()).await;
    call.answer(RoomRoute::Stream, result)
}

async fn nothing(rooms: State<Arc<Rooms>>, context: Context) -> Response {
    Call::new(rooms, context).refuse(&framework::NOT_FOUND.into())
}

/// What a request does to a room.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Access {
    Read,
    Write,
}

/// A request, on its way to an answer.
struct Call {
    rooms: Arc<Rooms>,
    context: RequestContext,
    began: Instant,
    /// The reader's language: what the headers ask for, until a token says better.
    locale: Locale,
}

impl Call {
    fn new(State(rooms): State<Arc<Rooms>>, Extension(context): Context) -> Self {
        let locale = context.locale;
        Self { rooms, context, began: Instant::now(), locale }
    }

    async fn get(&mut self, id: Named, headers: &HeaderMap) -> SyncResult<Response> {
        let (room, _session) = self.admit(id, headers, Access::Read)?;
        let record = self.rooms.get(&room).await?.ok_or(codes::ROOM_NOT_FOUND)?;
        let version = record.position.version;
        let mut tags = headers.get_all(header::IF_NONE_MATCH).iter().filter_map(|tags| tags.to_str().ok());
        if tags.any(|tags| record::names_version(tags, version)) {
            let etag = [(header::ETAG, record::etag(version))];
            return Ok((StatusCode::NOT_MODIFIED, etag).into_response());
        }
        Ok(answer_with(&room, &record))
    }

    async fn put(&mut self, id: Named, request: Request) -> SyncResult<Response> {
        let (parts, body) = request.into_parts();
        let (room, _session) = self.admit(id, &parts.headers, Access::Write)?;
        if !is_json(&parts.headers) {
            return Err(codes::UNSUPPORTED_MEDIA_TYPE.into());
        }
        let body = read_body(&parts.headers, body, self.rooms.max_bytes).await?;
        let state = record::state_of(&body, self.rooms.max_depth)?;
        let record = self.rooms.put(&room, state).await?;
        let (room_id, version) = (room.as_str(), record.position.version);
        tracing::info!(
            room_id,
            bytes = body.len(),
            version,
            request = &*self.context.id,
            "a room was written"
        );
        Ok(answer_with(&room, &record))
    }

    async fn delete(&mut self, id: Named, headers: &HeaderMap) -> SyncResult<Response> {
        let (room, _session) = self.admit(id, headers, Access::Write)?;
        self.rooms.delete(&room).await?;
        tracing::info!(room_id = room.as_str(), request = &*self.context.id, "a room was deleted");
        Ok(StatusCode::NO_CONTENT.into_response())
    }

    async fn stream(&mut self, id: Named, version: Version, headers: &HeaderMap) -> SyncResult<Response> {
        let (room, session) = self.admit(id, headers, Access::Read)?;
        let last_seen = sse::last_event_id(headers);
        let subscription = self.rooms.follow(&room, self.context.address, last_seen).await?;
        let open = Level::up(&self.rooms.metrics.rooms_http.streams);
        Ok(sse::response(version, subscription, session.as_ref(), open))
    }

    /// The room that is asked for, and who asks if that had to be known.
    fn admit(
        &mut self,
        id: Named,
        headers: &HeaderMap,
        access: Access,
    ) -> SyncResult<(RoomId, Option<Session>)> {
        let limited = self.rooms.limits.check_address(self.context.address);
        limited.map_err(|retry| framework::RATE_LIMITED.with("seconds", retry.0))?;
        let room = id.ok().and_then(|Path(id)| RoomId::parse(&id)).ok_or(codes::INVALID_ROOM_ID)?;
        let required = match (self.rooms.auth, access) {
            (RoomAuth::Off, _) | (RoomAuth::Write, Access::Read) => return Ok((room, None)),
            (RoomAuth::All, Access::Read) => READ,
            (RoomAuth::Write | RoomAuth::All, Access::Write) => WRITE,
        };
        let session = session_of(&self.rooms.tokens, headers)?;
        if let Some(own) = &session.locale {
            self.locale = self.rooms.errors.negotiate(&[own, self.context.locale.as_str()]);
        }
        required.check(&session)?;
        if !rooms_claim_allows(&session, room.as_str()) {
            return Err(framework::AUTH_FORBIDDEN.with("key", "rooms"));
        }
        Ok((room, Some(session)))
    }

    fn answer(&self, route: RoomRoute, result: SyncResult<Response>) -> Response {
        let code = result.as_ref().err().map(SyncError::code);
        self.rooms.metrics.room_request(route, self.began.elapsed(), code);
        result.unwrap_or_else(|error| self.rooms.errors.plain_response(&error, self.locale))
    }

    /// Refuses what is no request to a room at all.
    fn refuse(&self, error: &SyncError) -> Response {
        self.rooms.metrics.error(error.code());
        self.rooms.errors.plain_response(error, self.locale)
    }

    fn not_allowed(&self, allow: &'static str) -> Response {
        let mut response = self.refuse(&framework::METHOD_NOT_ALLOWED.into());
        response.headers_mut().insert(header::ALLOW, HeaderValue::from_static(allow));
        response
    }
}

fn answer_with(room: &RoomId, record: &Record) -> Response {
    let headers = [
        (header::CONTENT_TYPE, "application/json".to_owned()),
        (header::ETAG, record::etag(record.position.version)),
        // Whoever keeps it asks whether it is still the newest.
        (header::CACHE_CONTROL, "no-cache".to_owned()),
    ];
    (headers, record::to_json(room, record)).into_response()
}

fn is_json(headers: &HeaderMap) -> bool {
    let said = headers.get(header::CONTENT_TYPE).and_then(|value| value.to_str().ok()).unwrap_or_default();
    let essence = said.split(';').next().unwrap_or_default().trim().to_ascii_lowercase();
    essence == "application/json" || (essence.starts_with("application/") && essence.ends_with("+json"))
}

/// Reads a body, and no more of it than may be: whatever its head says of its length, what arrives is counted.
async fn read_body(headers: &HeaderMap, body: Body, max_bytes: usize) -> SyncResult<Bytes> {
    let too_large = || codes::PAYLOAD_TOO_LARGE.with("max", max_bytes);
    let declared = headers.get(header::CONTENT_LENGTH).and_then(|length| length.to_str().ok()?.parse().ok());
    if declared.is_some_and(|length: usize| length > max_bytes) {
        return Err(too_large());
    }
    match tokio::time::timeout(BODY_TIMEOUT, to_bytes(body, max_bytes)).await {
        Ok(Ok(body)) => Ok(body),
        Ok(Err(error)) if error.source().is_some_and(|source| source.is::<LengthLimitError>()) => {
            Err(too_large())
        }
        // It paused for too long, or it was not sent to its end: then nobody is left to read the answer.
        Ok(Err(_)) | Err(_) => Err(codes::BODY_TIMEOUT.into()),
    }
}
