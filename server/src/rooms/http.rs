//! The HTTP edge: `GET`, `PUT` and `DELETE /api/rooms/{room_id}`, and the way to a room's stream.
//!
//! What a stream is made of is `sse.rs`'s. Every refusal is `{error, message}`, in the reader's language.

use std::{sync::Arc, time::Instant};

use axum::{
    Extension, Router,
    extract::{Path, Request, State, rejection::PathRejection},
    response::{IntoResponse as _, Response},
    routing::any,
};
use http::{HeaderMap, HeaderValue, Method, StatusCode, Version, header};
use syncline::{Auth, Rule, Session, SyncError, SyncResult, codes as framework};

use super::{
    Rooms, codes,
    record::{self, RoomId},
    sse,
};
use crate::{
    auth::{identify, rooms_claim_allows},
    config::RoomAuth,
    error::Locale,
    net::{RequestContext, names_tag, read_json_body},
    observe::{Level, RoomRoute},
    records::Record,
};

/// Below this path is everything of rooms.
pub(crate) const PREFIX: &str = "/api/rooms/";

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
        let etag = record::etag(version);
        if names_tag(headers, &etag) {
            return Ok((StatusCode::NOT_MODIFIED, [(header::ETAG, etag)]).into_response());
        }
        Ok(answer_with(&room, &record))
    }

    async fn put(&mut self, id: Named, request: Request) -> SyncResult<Response> {
        let (parts, body) = request.into_parts();
        let (room, _session) = self.admit(id, &parts.headers, Access::Write)?;
        let body = read_json_body(&parts.headers, body, self.rooms.max_bytes).await?;
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
        let session = identify(&self.rooms.tokens, &self.rooms.errors, headers, &mut self.locale)?;
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
