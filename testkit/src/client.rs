//! A raw Socket.IO client over WebSocket: Engine.IO 4, Socket.IO 5, the namespace `/`.
//!
//! Deliberately bare, so that a test can send what no stock client would. It does not know what events mean.

use std::{
    collections::{HashMap, VecDeque},
    fmt,
    net::SocketAddr,
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicBool, AtomicI64, AtomicUsize, Ordering},
    },
};

use futures_util::{
    SinkExt as _, StreamExt as _,
    stream::{SplitSink, SplitStream},
};
use http::Request;
use serde_json::{Value, json};
use tokio::{
    net::{TcpSocket, TcpStream},
    sync::{Notify, oneshot, watch},
};
use tokio_tungstenite::{WebSocketStream, client_async, tungstenite::Message};

use crate::{call, within};

type Sink = SplitSink<WebSocketStream<TcpStream>, Message>;
type Stream = SplitStream<WebSocketStream<TcpStream>>;

/// What a client gives when it connects.
#[derive(Clone, Debug, Default)]
pub struct Handshake {
    /// The `auth` payload.
    pub auth: Option<Value>,
    /// Further request headers.
    pub headers: Vec<(String, String)>,
    /// The socket's receive buffer, in bytes, to stop reading early.
    pub receive_buffer: Option<u32>,
    /// Begin with long-polling and move to WebSocket, as stock clients do.
    pub upgrade: bool,
}

impl Handshake {
    /// With that session token.
    #[must_use]
    pub fn token(token: impl Into<String>) -> Self {
        Self { auth: Some(json!({ "token": token.into() })), ..Self::default() }
    }

    /// With a further header.
    #[must_use]
    pub fn header(mut self, name: &str, value: &str) -> Self {
        self.headers.push((name.to_owned(), value.to_owned()));
        self
    }
}

/// Why a client did not connect.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ConnectError {
    /// The upgrade was answered with another HTTP status.
    Http(u16),
    /// The namespace refused, with this message.
    Refused(String),
    /// The connection ended before an answer.
    Closed,
}

impl fmt::Display for ConnectError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{self:?}")
    }
}

impl std::error::Error for ConnectError {}

/// A connected client.
pub struct Client {
    sink: Arc<tokio::sync::Mutex<Sink>>,
    shared: Arc<Shared>,
    next_ack: AtomicI64,
    reading: watch::Sender<bool>,
}

#[derive(Default)]
struct Shared {
    acks: Mutex<HashMap<i64, oneshot::Sender<Value>>>,
    events: Mutex<VecDeque<(String, Value)>>,
    /// The most events that one packet has brought.
    most_together: AtomicUsize,
    arrived: Notify,
    closed: AtomicBool,
}

impl Shared {
    fn events(&self) -> MutexGuard<'_, VecDeque<(String, Value)>> {
        self.events.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn acks(&self) -> MutexGuard<'_, HashMap<i64, oneshot::Sender<Value>>> {
        self.acks.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Client {
    /// Connects and waits for the namespace's answer.
    ///
    /// # Errors
    /// [`ConnectError`] when the server refuses.
    ///
    /// # Panics
    /// When the server does not listen or does not answer.
    pub async fn connect(address: SocketAddr, handshake: Handshake) -> Result<Self, ConnectError> {
        let (mut sink, mut stream) = within("a WebSocket", open(address, &handshake)).await?;
        if handshake.upgrade {
            sink.send(Message::text("2probe")).await.map_err(|_| ConnectError::Closed)?;
            let probed =
                within("the probe's answer", next_text(&mut stream)).await.ok_or(ConnectError::Closed)?;
            assert_eq!(probed, "3probe");
            sink.send(Message::text("5")).await.map_err(|_| ConnectError::Closed)?;
        } else {
            let hello = next_text(&mut stream).await.ok_or(ConnectError::Closed)?;
            assert!(hello.starts_with('0'), "an Engine.IO open packet: {hello}");
        }
        let auth = handshake.auth.map(|auth| auth.to_string()).unwrap_or_default();
        sink.send(Message::text(format!("40{auth}"))).await.map_err(|_| ConnectError::Closed)?;
        loop {
            let packet =
                within("the namespace's answer", next_text(&mut stream)).await.ok_or(ConnectError::Closed)?;
            match packet.get(..2) {
                Some("40") => break,
                Some("44") => {
                    let refusal: Value = serde_json::from_str(&packet[2..]).expect("a connect_error is JSON");
                    return Err(ConnectError::Refused(
                        refusal["message"].as_str().unwrap_or_default().to_owned(),
                    ));
                }
                // The first ping may come before the answer; a socket that leaves it is closed 20 s later.
                _ if packet == "2" => {
                    sink.send(Message::text("3")).await.map_err(|_| ConnectError::Closed)?;
                }
                _ => {}
            }
        }
        let shared = Arc::new(Shared::default());
        let sink = Arc::new(tokio::sync::Mutex::new(sink));
        let (reading, may_read) = watch::channel(true);
        tokio::spawn(read(stream, Arc::clone(&shared), Arc::clone(&sink), may_read));
        Ok(Self { sink, shared, next_ack: AtomicI64::new(0), reading })
    }

    /// Sends an event and waits for its acknowledgement.
    ///
    /// # Panics
    /// When none comes.
    pub async fn ask(&self, event: &str, payload: Value) -> Value {
        self.ask_raw(&json!([event, payload]).to_string()).await
    }

    /// Sends any text as an event's array and waits for its acknowledgement.
    ///
    /// # Panics
    /// When none comes.
    pub async fn ask_raw(&self, array: &str) -> Value {
        let answer = self.begin_raw(array).await;
        within(&format!("an acknowledgement of {:.200}", array), answer).await.expect("the connection stays")
    }

    /// Sends an event and returns what its acknowledgement will arrive on.
    pub async fn begin(&self, event: &str, payload: Value) -> oneshot::Receiver<Value> {
        self.begin_raw(&json!([event, payload]).to_string()).await
    }

    /// Sends any text as an event's array and returns what its acknowledgement will arrive on.
    pub async fn begin_raw(&self, array: &str) -> oneshot::Receiver<Value> {
        let id = self.next_ack.fetch_add(1, Ordering::Relaxed);
        let (sender, receiver) = oneshot::channel();
        self.shared.acks().insert(id, sender);
        self.send_text(format!("42{id}{array}")).await;
        receiver
    }

    /// Sends an event that asks for no acknowledgement.
    pub async fn tell(&self, event: &str, payload: Value) {
        self.send_text(format!("42{}", json!([event, payload]))).await;
    }

    /// Sends any text frame. What cannot be sent any more is lost, as on any network.
    pub async fn send_text(&self, text: String) {
        let _lost_when_closed = self.sink.lock().await.send(Message::text(text)).await;
    }

    /// Sends any binary frame.
    pub async fn send_binary(&self, bytes: Vec<u8>) {
        let _lost_when_closed = self.sink.lock().await.send(Message::binary(bytes)).await;
    }

    /// A sync request; the acknowledgement.
    pub async fn sync(&self, name: &str, data: Value, room: &str) -> Value {
        self.ask("sync", json!({ "name": name, "version": "v1", "data": data, "receiver": room })).await
    }

    /// Joins a room.
    ///
    /// # Panics
    /// When the server does not let it.
    pub async fn join(&self, room: &str) {
        let answer = self.ask("joinRoom", json!({ "room": room })).await;
        assert_eq!(answer["status"], "success", "{answer}");
    }

    /// The next event of that name; others stay where they are.
    ///
    /// # Panics
    /// When none comes.
    pub async fn event(&self, name: &str) -> Value {
        self.first(&format!("an event `{name}`"), |found, _| found == name).await
    }

    /// The most events that one packet has brought so far: more than one only with `batch` in the handshake.
    pub fn most_together(&self) -> usize {
        self.shared.most_together.load(Ordering::Acquire)
    }

    /// An event of that name that has arrived already.
    pub fn take(&self, name: &str) -> Option<Value> {
        self.take_first(|found, _| found == name)
    }

    /// The next event that is wanted, by its name and payload; others stay where they are.
    pub(crate) async fn first(&self, what: &str, wanted: impl Fn(&str, &Value) -> bool) -> Value {
        within(what, async {
            loop {
                let arrived = self.shared.arrived.notified();
                let is_last = self.is_closed();
                if let Some(payload) = self.take_first(&wanted) {
                    return payload;
                }
                assert!(!is_last, "the connection ended before {what}");
                arrived.await;
            }
        })
        .await
    }

    /// Such an event that has arrived already.
    pub(crate) fn take_first(&self, wanted: impl Fn(&str, &Value) -> bool) -> Option<Value> {
        let mut events = self.shared.events();
        let at = events.iter().position(|(name, payload)| wanted(name, payload))?;
        events.remove(at).map(|(_, payload)| payload)
    }

    /// Stops reading, so that the server's packets pile up.
    pub fn stop_reading(&self) {
        self.reading.send_replace(false);
    }

    /// Reads again.
    pub fn go_on_reading(&self) {
        self.reading.send_replace(true);
    }

    /// Whether the connection has ended.
    #[must_use]
    pub fn is_closed(&self) -> bool {
        self.shared.closed.load(Ordering::Acquire)
    }

    /// Waits for the connection's end.
    ///
    /// # Panics
    /// When it does not come.
    pub async fn closed(&self) {
        within("the connection's end", async {
            loop {
                let arrived = self.shared.arrived.notified();
                if self.is_closed() {
                    return;
                }
                arrived.await;
            }
        })
        .await;
    }

    /// Closes the connection.
    pub async fn close(&self) {
        let _closed_already = self.sink.lock().await.close().await;
    }
}

async fn open(address: SocketAddr, handshake: &Handshake) -> Result<(Sink, Stream), ConnectError> {
    let session =
        if handshake.upgrade { format!("&sid={}", begin_polling(address).await) } else { String::new() };
    let socket = TcpSocket::new_v4().expect("a socket");
    if let Some(size) = handshake.receive_buffer {
        socket.set_recv_buffer_size(size).expect("a receive buffer");
    }
    let stream = socket.connect(address).await.expect("the server listens");
    let mut request = Request::builder()
        .uri(format!("ws://{address}/socket.io/?EIO=4&transport=websocket{session}"))
        .header("host", address.to_string())
        .header("connection", "Upgrade")
        .header("upgrade", "websocket")
        .header("sec-websocket-version", "13")
        .header("sec-websocket-key", "dGhlIHNhbXBsZSBub25jZQ==");
    for (name, value) in &handshake.headers {
        request = request.header(name, value);
    }
    match client_async(request.body(()).expect("sound headers"), stream).await {
        Ok((stream, _)) => Ok(stream.split()),
        Err(tokio_tungstenite::tungstenite::Error::Http(answer)) => {
            Err(ConnectError::Http(answer.status().as_u16()))
        }
        Err(_) => Err(ConnectError::Closed),
    }
}

/// Begins a session by long-polling and returns its id.
async fn begin_polling(address: SocketAddr) -> String {
    let answer = call(address, "GET", "/socket.io/?EIO=4&transport=polling", &[], "").await;
    let hello: Value =
        serde_json::from_str(answer.body.trim_start_matches('0')).expect("an Engine.IO open packet");
    hello["sid"].as_str().expect("a session id").to_owned()
}

async fn next_text(stream: &mut Stream) -> Option<String> {
    loop {
        match stream.next().await?.ok()? {
            Message::Text(text) => return Some(text.as_str().to_owned()),
            Message::Close(_) => return None,
            _ => {}
        }
    }
}

async fn read(
    mut stream: Stream,
    shared: Arc<Shared>,
    sink: Arc<tokio::sync::Mutex<Sink>>,
    mut may_read: watch::Receiver<bool>,
) {
    // The watch ends with the client, and then there is nobody to read for.
    while may_read.wait_for(|reading| *reading).await.is_ok() {
        let text = tokio::select! {
            text = next_text(&mut stream) => text,
            _ = may_read.changed() => continue,
        };
        let Some(text) = text else { break };
        match text.as_bytes() {
            b"2" => {
                let _lost_when_closed = sink.lock().await.send(Message::text("3")).await;
            }
            [b'4', b'1', ..] => break,
            [b'4', b'2', ..] => {
                if let Ok(Value::Array(mut parts)) = serde_json::from_str(&text[2..]) {
                    let mut payloads = parts.split_off(1);
                    if payloads.is_empty() {
                        payloads.push(Value::Null);
                    }
                    shared.most_together.fetch_max(payloads.len(), Ordering::AcqRel);
                    let name = parts[0].as_str().unwrap_or_default();
                    shared.events().extend(payloads.into_iter().map(|payload| (name.to_owned(), payload)));
                }
            }
            [b'4', b'3', ..] => {
                let digits = text[2..].bytes().take_while(u8::is_ascii_digit).count();
                let id = text[2..2 + digits].parse::<i64>().ok();
                let waiting = id.and_then(|id| shared.acks().remove(&id));
                if let (Some(waiting), Ok(Value::Array(mut answer))) =
                    (waiting, serde_json::from_str(&text[2 + digits..]))
                {
                    let _nobody_waits = waiting.send(answer.pop().unwrap_or(Value::Null));
                }
            }
            _ => {}
        }
        shared.arrived.notify_waiters();
    }
    shared.closed.store(true, Ordering::Release);
    shared.acks().clear();
    shared.arrived.notify_waiters();
}
