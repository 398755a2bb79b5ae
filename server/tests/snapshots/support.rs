//! A server for each test, and what a client of snapshots does.

use std::net::SocketAddr;

use serde_json::{Value, json};
use syncline_testkit::{Answer, TestServer, Token, call};

pub(crate) use crate::ws_client::{Header, Ws, code, metric, metric_is};

/// Starts a server with these settings; events are off, as no handler is linked here.
pub(crate) fn start(settings: &[Header<'_>]) -> TestServer {
    TestServer::configured(&[&[("EVENTS", "off")], settings].concat(), |builder| builder)
}

/// The `Authorization` of a user who may write games.
pub(crate) fn bearer(user: &str) -> String {
    format!("Bearer {}", Token::of(user).with("scope", "games:write").sign())
}

pub(crate) fn game(id: &str) -> String {
    format!("/api/games/{id}/snapshot")
}

/// A GET as that user.
pub(crate) async fn get(address: SocketAddr, path: &str, user: &str, headers: &[Header<'_>]) -> Answer {
    let bearer = bearer(user);
    call(address, "GET", path, &[&[("authorization", bearer.as_str())], headers].concat(), "").await
}

/// A PUT of that body to a game.
pub(crate) async fn put_body(address: SocketAddr, id: &str, body: impl AsRef<[u8]>) -> Answer {
    let bearer = bearer("writer");
    let headers = [("authorization", bearer.as_str()), ("content-type", "application/json")];
    call(address, "PUT", &game(id), &headers, body).await
}

/// A PUT of data to a game that has to succeed; the version.
pub(crate) async fn put(address: SocketAddr, id: &str, data: Value) -> u64 {
    let answer = put_body(address, id, json!({ "data": data }).to_string()).await;
    assert_eq!(answer.status, 200, "{answer:?}");
    answer.json()["version"].as_u64().expect("a version")
}

/// A ticket for that session token.
pub(crate) async fn ticket(address: SocketAddr, token: &str) -> String {
    let bearer = format!("Bearer {token}");
    let answer = call(address, "POST", "/api/ws/token", &[("authorization", &bearer)], "").await;
    assert_eq!(answer.status, 200, "{answer:?}");
    answer.json()["token"].as_str().expect("a ticket").to_owned()
}

impl Ws {
    /// Opens one as that user.
    pub(crate) async fn open(address: SocketAddr, path: &str, user: &str) -> Self {
        let opened = Self::open_with(address, path, &[("authorization", &bearer(user))]).await;
        opened.unwrap_or_else(|refusal| panic!("{path} is refused: {refusal:?}"))
    }

    /// Watches a game as that user.
    pub(crate) async fn game(address: SocketAddr, id: &str, user: &str) -> Self {
        Self::open(address, &format!("/ws/games/{id}"), user).await
    }

    /// Opens one whose receive buffer is as small as the kernel lets it be.
    pub(crate) async fn open_narrow(address: SocketAddr, path: &str, user: &str) -> Self {
        Self::open_narrow_with(address, path, &[("authorization", &bearer(user))]).await
    }

    /// The next message, which has to be a snapshot; its version and data.
    pub(crate) async fn snapshot(&mut self) -> (u64, Value) {
        let message = self.message().await;
        assert_eq!((&message["type"], &message["version"]), (&json!("snapshot"), &json!(1)), "{message}");
        (message["lockVersion"].as_u64().expect("a version"), message["data"].clone())
    }

    /// Reads snapshots, whose versions have to rise, up to that version.
    pub(crate) async fn until(&mut self, version: u64) {
        let mut last = 0;
        while last < version {
            let (next, _data) = self.snapshot().await;
            assert!(next > last, "{next} after {last}");
            last = next;
        }
        assert_eq!(last, version);
    }

    /// Subscribes to a game; the answer.
    pub(crate) async fn subscribe(&mut self, id: &str) -> Value {
        self.send(&json!({ "type": "subscribe", "gameId": id })).await;
        self.message().await
    }

    /// Whether nothing has come, as an answer to a ping is the next that does.
    pub(crate) async fn is_quiet(&mut self) -> bool {
        self.send(&json!({ "type": "ping" })).await;
        self.message().await == json!({ "type": "pong" })
    }
}
