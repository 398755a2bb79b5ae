//! A plain WebSocket client that shows every message, and what else tests of plain WebSockets look at.

use std::net::SocketAddr;

use futures_util::{SinkExt as _, StreamExt as _};
use serde_json::Value;
use syncline_testkit::{Answer, call, within};
use tokio::net::{TcpSocket, TcpStream};
use tokio_tungstenite::{
    WebSocketStream, client_async,
    tungstenite::{Error, Message, client::IntoClientRequest as _, http::HeaderValue},
};

/// A header of requests.
pub(crate) type Header<'a> = (&'a str, &'a str);

/// The code of an error, whose body has a message beside it.
pub(crate) fn code(answer: &Answer) -> String {
    assert_eq!(answer.header("content-type"), Some("application/json"), "{answer:?}");
    let body = answer.json();
    assert!(!body["message"].as_str().expect("a message").is_empty());
    body["error"].as_str().expect("a code").to_owned()
}

/// The value of a metric, by its whole name with labels.
pub(crate) async fn metric(address: SocketAddr, name: &str) -> f64 {
    let text = call(address, "GET", "/metrics", &[], "").await.body;
    let line = text.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(' '));
    line.and_then(|value| value.parse().ok()).unwrap_or_else(|| panic!("no metric `{name}` in {text}"))
}

/// Waits until a metric has that value.
pub(crate) async fn metric_is(address: SocketAddr, name: &str, wanted: f64) {
    within(name, async { while metric(address, name).await != wanted {} }).await;
}

/// An open WebSocket.
#[derive(Debug)]
pub(crate) struct Ws(WebSocketStream<TcpStream>);

/// Why there is none: the status and code of the answer.
pub(crate) type Refusal = (u16, String);

impl Ws {
    /// Opens one with these headers.
    pub(crate) async fn open_with(
        address: SocketAddr,
        path: &str,
        headers: &[Header<'_>],
    ) -> Result<Self, Refusal> {
        let stream = within("a connection", TcpStream::connect(address)).await.expect("it listens");
        Self::over(stream, address, path, headers).await
    }

    /// Opens one whose receive buffer is small. With one of 2 KiB a reader that pauses is taken for one that does not read.
    pub(crate) async fn open_narrow_with(address: SocketAddr, path: &str, headers: &[Header<'_>]) -> Self {
        let socket = TcpSocket::new_v4().unwrap();
        socket.set_recv_buffer_size(65_536).unwrap();
        let stream = within("a connection", socket.connect(address)).await.expect("it listens");
        Self::over(stream, address, path, headers).await.expect("it is accepted")
    }

    async fn over(
        stream: TcpStream,
        address: SocketAddr,
        path: &str,
        headers: &[Header<'_>],
    ) -> Result<Self, Refusal> {
        let mut request = format!("ws://{address}{path}").into_client_request().expect("a request");
        for (name, value) in headers {
            let name: tokio_tungstenite::tungstenite::http::HeaderName = name.parse().expect("a name");
            request.headers_mut().append(name, HeaderValue::from_str(value).expect("a value"));
        }
        match within("the upgrade", client_async(request, stream)).await {
            Ok((socket, _answer)) => Ok(Self(socket)),
            Err(Error::Http(answer)) => {
                let body = answer.body().as_deref().unwrap_or_default();
                let body: Value = serde_json::from_slice(body).expect("a JSON body");
                Err((answer.status().as_u16(), body["error"].as_str().expect("a code").to_owned()))
            }
            Err(error) => panic!("no upgrade: {error}"),
        }
    }

    pub(crate) async fn send(&mut self, message: &Value) {
        self.send_raw(Message::text(message.to_string())).await;
    }

    pub(crate) async fn send_raw(&mut self, message: Message) {
        within("a message sent", self.0.send(message)).await.expect("it is open");
    }

    /// The next text.
    pub(crate) async fn text(&mut self) -> String {
        loop {
            match within("a message", self.0.next()).await {
                Some(Ok(Message::Text(text))) => return text.to_string(),
                Some(Ok(Message::Ping(_) | Message::Pong(_))) => {}
                other => panic!("no text but {other:?}"),
            }
        }
    }

    /// The next message, or the close code that ends it.
    pub(crate) async fn next(&mut self) -> Result<Value, Option<u16>> {
        loop {
            match within("a message or the end", self.0.next()).await {
                Some(Ok(Message::Text(text))) => return Ok(serde_json::from_str(&text).expect("JSON")),
                Some(Ok(Message::Close(frame))) => return Err(frame.map(|frame| frame.code.into())),
                Some(Ok(_)) => {}
                Some(Err(_)) | None => return Err(None),
            }
        }
    }

    /// The next message.
    pub(crate) async fn message(&mut self) -> Value {
        let text = self.text().await;
        serde_json::from_str(&text).unwrap_or_else(|error| panic!("{error} in {text}"))
    }

    /// The close code that ends it, or nothing if the connection just broke.
    pub(crate) async fn closed(&mut self) -> Option<u16> {
        loop {
            if let Err(code) = self.next().await {
                return code;
            }
        }
    }
}
