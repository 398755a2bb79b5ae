//! A server for each test, tokens, and requests.

use std::{net::SocketAddr, time::Duration};

use aws_lc_rs::hmac::{HMAC_SHA256, Key, sign};
use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use syncline_testkit::{Answer, TestServer, Token, call};

pub(crate) use crate::{
    ws_client::{Header, code, metric, metric_is},
    yjs::{Peer, Refusal, Said},
};

/// What is shared with the other server that signs tokens.
pub(crate) const SHARED: &str = "what the tests share with each other";

/// How long a Redis and a bucket are away at the least; `cargo xtask drills` has them away for long.
pub(crate) fn outage() -> Duration {
    let seconds = std::env::var("DRILL_DOCUMENT_OUTAGE_SECONDS");
    Duration::from_secs(seconds.map_or(0, |seconds| seconds.parse().expect("a number of seconds")))
}

/// Starts a server with these settings; events are off, as no handler is linked here.
pub(crate) fn start(settings: &[Header<'_>]) -> TestServer {
    let basis = [("EVENTS", "off"), ("SYNC_SHARED_SECRET", SHARED)];
    TestServer::configured(&[&basis, settings].concat(), |builder| builder)
}

/// A token of that user with these scopes.
pub(crate) fn token(user: &str, scope: &str) -> String {
    Token::of(user).with("scope", scope).sign()
}

/// A token as another server makes it, with the secret that is shared.
pub(crate) fn shared_token(user: &str, secret: &str) -> String {
    let signature = sign(&Key::new(HMAC_SHA256, secret.as_bytes()), user.as_bytes());
    format!("{user}:{}", URL_SAFE_NO_PAD.encode(signature))
}

/// The path of a document's WebSocket.
pub(crate) fn sync(document: &str) -> String {
    format!("/sync/v1/{document}")
}

/// The path of a document's state.
pub(crate) fn state(document: &str) -> String {
    format!("/api/documents/{document}")
}

/// A request as a user with these scopes.
pub(crate) async fn request(address: SocketAddr, method: &str, path: &str, scope: &str) -> Answer {
    request_with(address, method, path, scope, &[]).await
}

/// A request as a user with these scopes, and these headers.
pub(crate) async fn request_with(
    address: SocketAddr,
    method: &str,
    path: &str,
    scope: &str,
    headers: &[Header<'_>],
) -> Answer {
    let bearer = format!("Bearer {}", token("reader", scope));
    let headers = [&[("authorization", bearer.as_str())], headers].concat();
    call(address, method, path, &headers, "").await
}

/// The text of a document as the server shows it; nothing of one that never was.
pub(crate) async fn text(address: SocketAddr, document: &str) -> Option<String> {
    let json = [("accept", "application/json")];
    let answer = request_with(address, "GET", &state(document), "read", &json).await;
    if answer.status == 404 {
        return None;
    }
    assert_eq!(answer.status, 200, "{answer:?}");
    Some(answer.json()["t"].as_str().expect("a text").to_owned())
}
