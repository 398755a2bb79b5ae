//! The SSE edge: `GET /api/rooms/{room_id}/stream`, a stream of the room's records for as long as the client stays.
//!
//! What is on the stream and when is `streams.rs`'s; here are the headers, the end, and the bytes' way to the body.

use std::{
    convert::Infallible,
    future::Future as _,
    pin::Pin,
    task::{Context, Poll},
};

use axum::{body::Body, response::Response};
use bytes::Bytes;
use futures_util::Stream;
use http::{HeaderMap, HeaderName, HeaderValue, Version, header};
use syncline::Session;
use tokio::time::Sleep;

use super::streams::Subscription;
use crate::{auth::instant_of, observe::Level};

/// What a client says that it has seen, when it comes back.
const LAST_EVENT_ID: HeaderName = HeaderName::from_static("last-event-id");

/// The version that a client says that it has.
pub(super) fn last_event_id(headers: &HeaderMap) -> Option<u64> {
    headers.get(LAST_EVENT_ID)?.to_str().ok()?.parse().ok()
}

/// The answer that goes on until the client leaves, its token expires or the server stops.
pub(super) fn response(
    version: Version,
    subscription: Subscription,
    session: Option<&Session>,
    open: Level,
) -> Response {
    let expires_at = session.and_then(|session| session.expires_at);
    let expiry = expires_at.map(|at| Box::pin(tokio::time::sleep_until(instant_of(at))));
    let mut response = Response::new(Body::from_stream(Events { subscription, expiry, _open: open }));
    let headers = response.headers_mut();
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("text/event-stream"));
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-cache"));
    // For nginx, which would keep events back until its buffer is full.
    headers.insert(HeaderName::from_static("x-accel-buffering"), HeaderValue::from_static("no"));
    // HTTP/1.0 cannot keep it alive, and HTTP/2 forbids the header.
    if version == Version::HTTP_11 {
        headers.insert(header::CONNECTION, HeaderValue::from_static("keep-alive"));
    }
    response
}

/// The body of a stream.
struct Events {
    subscription: Subscription,
    /// Runs out with the token; only a client that had to show one has it.
    expiry: Option<Pin<Box<Sleep>>>,
    _open: Level,
}

impl Stream for Events {
    type Item = Result<Bytes, Infallible>;

    fn poll_next(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        if let Some(expiry) = &mut self.expiry
            && expiry.as_mut().poll(cx).is_ready()
        {
            return Poll::Ready(None);
        }
        self.subscription.poll(cx.waker()).map(|bytes| bytes.map(Ok))
    }
}
