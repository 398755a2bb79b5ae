//! A whole server in the test's process: real sockets on a free port, an app's handlers, virtual clients.

use std::net::SocketAddr;

use serde::Serialize;
use serde_json::{Value, json};
use syncline_server::{Config, Running, Server, ServerBuilder};

use crate::{Handshake, IntoSession, Refused, SECRET, Token, VirtualClient, call, fence};

/// A running server, with the settings of development and nothing of the test's environment. It serves every handler
/// that the test links, and stops when it is dropped.
pub struct TestServer {
    running: Running,
    door: Door,
}

impl TestServer {
    /// Starts a server: `TestServer::start(|builder| builder.functions(app))`.
    ///
    /// # Panics
    /// When it cannot be put together; the message says why.
    #[must_use]
    pub fn start(build: impl FnOnce(ServerBuilder) -> ServerBuilder) -> Self {
        Self::configured(&[], build)
    }

    /// Starts a server with settings, named as in the environment, beside those that every test needs: a free port,
    /// the tests' secrets, nothing on disk, and no rate limits but those that handlers declare.
    ///
    /// # Panics
    /// When it cannot be put together; the message says why.
    #[must_use]
    pub fn configured(settings: &[(&str, &str)], build: impl FnOnce(ServerBuilder) -> ServerBuilder) -> Self {
        let basis = [
            ("PORT", "0"),
            ("JWT_SECRET", SECRET),
            ("SYNC_SHARED_SECRET", SECRET),
            ("DATA_DIR", "off"),
            ("RATE_LIMIT_PER_ADDRESS", "off"),
            ("RATE_LIMIT_PER_ROUTE", "off"),
        ];
        let config =
            Config::from_pairs(&[&basis, settings].concat()).unwrap_or_else(|error| panic!("{error}"));
        let (events, allow_all) = (config.events, config.allow_all);
        let mut builder = Server::builder(config);
        if events {
            builder =
                builder.registry(fence::registry_with_fence().unwrap_or_else(|error| panic!("{error}")));
        }
        let server = build(builder).build().unwrap_or_else(|error| panic!("{error}"));
        let running = server.start().unwrap_or_else(|error| panic!("the server does not start: {error}"));
        let door = Door { address: running.address(), allow_all };
        Self { running, door }
    }

    /// Where it listens.
    #[must_use]
    pub fn address(&self) -> SocketAddr {
        self.door.address
    }

    /// Connects a client, signed in as this user with all that the session says; an anonymous session connects
    /// without a token. A refused handshake is tested with [`Client::connect`](crate::Client::connect).
    ///
    /// # Panics
    /// When the server refuses.
    pub async fn client(&self, who: impl IntoSession) -> VirtualClient {
        VirtualClient::connect(self.door, &who.into_session()).await
    }

    /// Connects a client that has joined a room.
    ///
    /// # Panics
    /// When the server refuses either.
    pub async fn client_in(&self, who: impl IntoSession, room: &str) -> VirtualClient {
        let client = self.client(who).await;
        if let Err(refused) = client.join(room).await {
            panic!("`{}` does not get into the room `{room}`: {refused}", client.user_id());
        }
        client
    }

    /// Triggers an event over HTTP; the server stage's output.
    ///
    /// # Errors
    /// What the caller gets instead.
    pub async fn trigger(
        &self,
        who: impl IntoSession,
        name: &str,
        version: &str,
        room: &str,
        data: impl Serialize,
    ) -> Result<Value, Refused> {
        self.door.trigger(who, name, version, room, data).await
    }

    /// Stops it as a deploy does: requests under way are answered, then every connection ends.
    pub async fn stop(self) {
        self.running.shutdown().await;
    }
}

/// How to reach a server.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Door {
    pub(crate) address: SocketAddr,
    /// Whether events may be sent to the pseudo-room `all`.
    pub(crate) allow_all: bool,
}

impl Door {
    pub(crate) async fn trigger(
        self,
        who: impl IntoSession,
        name: &str,
        version: &str,
        room: &str,
        data: impl Serialize,
    ) -> Result<Value, Refused> {
        let session = who.into_session();
        let language = session.locale.as_deref().unwrap_or("en");
        let bearer =
            (!session.is_anonymous()).then(|| format!("Bearer {}", Token::of_session(&session).sign()));
        let mut headers = vec![("accept-language", language)];
        headers.extend(bearer.iter().map(|bearer| ("authorization", bearer.as_str())));
        let body = json!({ "data": data, "receiver": room }).to_string();
        let path = format!("/sync/{name}/{version}");
        let answer = call(self.address, "POST", &path, &headers, body).await;
        Refused::or_success(answer.json()).map(|mut answer| answer["serverOutput"].take())
    }
}

/// What a client with that session gives when it connects.
pub(crate) fn handshake(session: &syncline::Session) -> Handshake {
    if session.is_anonymous() {
        Handshake { auth: Some(json!({ "locale": session.locale })), ..Handshake::default() }
    } else {
        Handshake::token(Token::of_session(session).sign())
    }
}
