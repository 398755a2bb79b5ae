//! A server for each test, and what a client of workspaces does.

use std::net::SocketAddr;

use serde_json::{Value, json};
use syncline_testkit::{Answer, TestServer, Token, call};

pub(crate) use crate::ws_client::{Header, Ws, code, metric, metric_is};

/// Starts a server with these settings; events are off, as no handler is linked here.
pub(crate) fn start(settings: &[Header<'_>]) -> TestServer {
    TestServer::configured(&[&[("EVENTS", "off")], settings].concat(), |builder| builder)
}

/// A token of that user with these scopes.
pub(crate) fn token(user: &str, scope: &str) -> String {
    Token::of(user).with("scope", scope).sign()
}

/// The path of a workspace's WebSocket.
pub(crate) fn sync(workspace: &str) -> String {
    format!("/v1/sync/{workspace}")
}

/// A request as a user with scopes `read` and `write`.
pub(crate) async fn request(
    address: SocketAddr,
    method: &str,
    path: &str,
    user: &str,
    body: impl AsRef<[u8]>,
) -> Answer {
    let bearer = format!("Bearer {}", token(user, "read write"));
    let headers = [("authorization", bearer.as_str()), ("content-type", "application/json")];
    call(address, method, path, &headers, body).await
}

/// A GET that has to succeed; its body.
pub(crate) async fn get(address: SocketAddr, path: &str) -> Value {
    let answer = request(address, "GET", path, "reader", "").await;
    assert_eq!(answer.status, 200, "{answer:?}");
    answer.json()
}

/// The state of a workspace.
pub(crate) async fn data(address: SocketAddr, workspace: &str) -> Value {
    get(address, &format!("/v1/workspaces/{workspace}")).await["data"].clone()
}

/// The history of a workspace.
pub(crate) async fn history(address: SocketAddr, workspace: &str) -> Vec<Value> {
    get(address, &format!("/v1/history/{workspace}")).await.as_array().expect("a list").clone()
}

impl Ws {
    /// Connects to a workspace as that user, with scopes.
    pub(crate) async fn connect(address: SocketAddr, workspace: &str, user: &str, scope: &str) -> Self {
        let bearer = format!("Bearer {}", token(user, scope));
        let opened = Self::open_with(address, &sync(workspace), &[("authorization", &bearer)]).await;
        opened.unwrap_or_else(|refusal| panic!("{workspace} is refused: {refusal:?}"))
    }

    /// Connects as a user who may read and write, and reads the state.
    pub(crate) async fn join(address: SocketAddr, workspace: &str, user: &str) -> (Self, Value) {
        let mut socket = Self::connect(address, workspace, user, "read write").await;
        let init = socket.message().await;
        assert_eq!(init["type"], "init", "{init}");
        (socket, init)
    }

    /// Asks for a key to be set, with an id.
    pub(crate) async fn set(&mut self, id: &str, key: &str, value: impl Into<Value>) {
        self.send(&json!({ "type": "op", "id": id, "payload": { "key": key, "value": value.into() } })).await;
    }

    /// Sets a key and waits for the acknowledgement, past whatever everybody is told before; the heads.
    pub(crate) async fn set_acked(&mut self, id: &str, key: &str, value: impl Into<Value>) -> Value {
        self.set(id, key, value).await;
        self.acked(id).await
    }

    /// Waits for an acknowledgement; the heads.
    pub(crate) async fn acked(&mut self, id: &str) -> Value {
        loop {
            let message = self.message().await;
            assert_ne!(message["type"], "error", "{message}");
            if message["type"] == "ack" && message["id"] == id {
                return message["heads"].clone();
            }
        }
    }

    /// The next message, which has to be an error; its code, status and id.
    pub(crate) async fn error(&mut self) -> (String, u64, Value) {
        let message = self.message().await;
        assert_eq!(message["type"], "error", "{message}");
        assert!(!message["message"].as_str().expect("a message").is_empty());
        let code = message["code"].as_str().expect("a code").to_owned();
        (code, message["status"].as_u64().expect("a status"), message["id"].clone())
    }

    /// Whether nothing has come, as an answer to a ping is the next that does.
    pub(crate) async fn is_quiet(&mut self) -> bool {
        self.send(&json!({ "type": "ping" })).await;
        self.message().await == json!({ "type": "pong" })
    }
}
