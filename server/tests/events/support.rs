//! A server of the probes for each test.

use std::{net::SocketAddr, sync::Arc};

use serde_json::{Value, json};
use syncline_server::ServerBuilder;
use syncline_testkit::{Answer, Client, Handshake, TestServer, Token, call};

use crate::probe::App;

/// A running server and its app.
pub(crate) struct Probed {
    pub(crate) server: TestServer,
    pub(crate) app: Arc<App>,
}

/// Starts a server with these settings beside those that every test needs.
pub(crate) fn start(settings: &[(&str, &str)]) -> Probed {
    start_with(settings, |builder| builder)
}

/// Starts a server, changed as told before it is built.
pub(crate) fn start_with(
    settings: &[(&str, &str)],
    change: impl FnOnce(ServerBuilder) -> ServerBuilder,
) -> Probed {
    let app = Arc::new(App::default());
    let server = TestServer::configured(settings, |builder| {
        change(
            builder
                .functions(Arc::clone(&app))
                .texts(&[("en", "probe =\n    .picky = Picky { $why }\n    .secret = Secret\n")]),
        )
    });
    Probed { server, app }
}

impl Probed {
    pub(crate) fn address(&self) -> SocketAddr {
        self.server.address()
    }

    /// Connects a user with a token.
    pub(crate) async fn user(&self, name: &str) -> Client {
        self.client(Handshake::token(Token::of(name).sign())).await
    }

    /// Connects a user and joins a room.
    pub(crate) async fn user_in(&self, name: &str, room: &str) -> Client {
        let client = self.user(name).await;
        client.join(room).await;
        client
    }

    /// Connects with any handshake that has to be accepted.
    pub(crate) async fn client(&self, handshake: Handshake) -> Client {
        Client::connect(self.address(), handshake).await.expect("the server accepts")
    }

    /// `POST /sync/<route>` with a token, if one is given.
    pub(crate) async fn post(&self, route: &str, token: Option<&str>, body: Value) -> Answer {
        let bearer = token.map(|token| format!("Bearer {token}"));
        let headers: Vec<(&str, &str)> =
            bearer.iter().map(|bearer| ("authorization", bearer.as_str())).collect();
        call(self.address(), "POST", &format!("/sync/{route}"), &headers, body.to_string()).await
    }

    /// The value of a metric, by its whole name with labels.
    pub(crate) async fn metric(&self, name: &str) -> f64 {
        let text = call(self.address(), "GET", "/metrics", &[], "").await.body;
        let line = text.lines().find(|line| line.split(' ').next() == Some(name));
        let value = line.and_then(|line| line.rsplit(' ').next()?.parse().ok());
        value.unwrap_or_else(|| panic!("no metric `{name}` in {text}"))
    }
}

/// The code of an error answer.
pub(crate) fn code(answer: &Value) -> &str {
    assert_eq!(answer["status"], "error", "{answer}");
    answer["errorCode"].as_str().expect("an error has a code")
}

/// What a successful answer gave.
pub(crate) fn output(answer: &Value) -> &Value {
    assert_eq!(answer["status"], "success", "{answer}");
    &answer["serverOutput"]
}

/// The payload of a probe.
pub(crate) fn n(number: usize) -> Value {
    json!({ "n": number })
}
