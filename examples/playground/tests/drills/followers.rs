//! Clients that follow a game or a room, come back when they are cut off, and remember what they hold.

use std::{
    net::SocketAddr,
    sync::{
        Arc, Mutex,
        atomic::{AtomicU64, AtomicUsize, Ordering},
    },
    time::Duration,
};

use futures_util::{SinkExt as _, StreamExt as _};
use serde_json::{Value, json};
use tokio::{
    io::{AsyncBufReadExt as _, AsyncWriteExt as _, BufReader},
    net::TcpStream,
    task::JoinHandle,
};
use tokio_tungstenite::{
    client_async,
    tungstenite::{Message, client::IntoClientRequest as _},
};

use crate::node::token;

/// How long a follower waits before it comes back.
const COME_BACK: Duration = Duration::from_millis(100);

/// How long a line may be silent that answers pings.
const SILENCE: Duration = Duration::from_secs(2);

/// What a follower holds, and whether it ever went back.
#[derive(Default)]
pub(crate) struct Held {
    version: AtomicU64,
    pub(crate) connections: AtomicUsize,
    faults: Mutex<Vec<String>>,
}

/// What is followed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum What {
    /// The game of the drills, over WebSocket.
    Game,
    /// Its room, over SSE.
    Room,
}

/// A follower; it ends when this is dropped.
pub(crate) struct Follower {
    pub(crate) what: What,
    pub(crate) held: Arc<Held>,
    running: JoinHandle<()>,
}

impl Held {
    pub(crate) fn version(&self) -> u64 {
        self.version.load(Ordering::SeqCst)
    }

    fn take(&self, version: u64, first: bool) {
        let before = self.version.swap(version, Ordering::SeqCst);
        // Whoever has just come back may be told again what it has.
        if version < before || (version == before && !first) {
            self.faults.lock().unwrap().push(format!("{version} after {before}"));
        }
    }

    /// What should never have been.
    pub(crate) fn faults(&self) -> Vec<String> {
        self.faults.lock().unwrap().clone()
    }
}

impl Follower {
    /// Follows, on the first of these addresses that answers.
    pub(crate) fn start(what: What, addresses: Vec<SocketAddr>) -> Self {
        let held = Arc::new(Held::default());
        let follower = Arc::clone(&held);
        let running = tokio::spawn(async move {
            loop {
                for address in &addresses {
                    let _ended = match what {
                        What::Game => game(*address, &follower).await,
                        What::Room => room(*address, &follower).await,
                    };
                    tokio::time::sleep(COME_BACK).await;
                }
            }
        });
        Self { what, held, running }
    }
}

impl Drop for Follower {
    fn drop(&mut self) {
        self.running.abort();
    }
}

/// Why a connection ended is of no interest.
struct Ended;

async fn game(address: SocketAddr, held: &Held) -> Result<(), Ended> {
    let stream = TcpStream::connect(address).await.map_err(|_| Ended)?;
    let mut request = format!("ws://{address}/ws/games/drill").into_client_request().map_err(|_| Ended)?;
    let bearer = format!("Bearer {}", token("follower")).parse().map_err(|_| Ended)?;
    request.headers_mut().insert("authorization", bearer);
    let opening = tokio::time::timeout(SILENCE, client_async(request, stream));
    let (mut socket, _answer) = opening.await.map_err(|_| Ended)?.map_err(|_| Ended)?;
    held.connections.fetch_add(1, Ordering::SeqCst);
    let (mut first, mut asked) = (true, false);
    loop {
        match tokio::time::timeout(SILENCE / 2, socket.next()).await {
            Ok(Some(Ok(Message::Text(text)))) => {
                asked = false;
                let message: Value = serde_json::from_str(&text).map_err(|_| Ended)?;
                if let Some(version) = message["lockVersion"].as_u64() {
                    held.take(version, std::mem::take(&mut first));
                }
            }
            Ok(Some(Ok(_))) => asked = false,
            Ok(Some(Err(_)) | None) => return Err(Ended),
            // Silent for long: is anybody there?
            Err(_) if asked => return Err(Ended),
            Err(_) => {
                asked = true;
                let ping = Message::text(json!({ "type": "ping" }).to_string());
                socket.send(ping).await.map_err(|_| Ended)?;
            }
        }
    }
}

async fn room(address: SocketAddr, held: &Held) -> Result<(), Ended> {
    let mut stream = TcpStream::connect(address).await.map_err(|_| Ended)?;
    let head = format!("GET /api/rooms/drill/stream HTTP/1.1\r\nhost: {address}\r\n\r\n");
    stream.write_all(head.as_bytes()).await.map_err(|_| Ended)?;
    let mut lines = BufReader::new(stream).lines();
    let mut first = true;
    loop {
        let line = lines.next_line().await.map_err(|_| Ended)?.ok_or(Ended)?;
        if line.starts_with("HTTP/1.1 ") {
            if !line.contains(" 200 ") {
                return Err(Ended);
            }
            held.connections.fetch_add(1, Ordering::SeqCst);
        }
        let Some(record) = line.strip_prefix("data: ") else { continue };
        let record: Value = serde_json::from_str(record).map_err(|_| Ended)?;
        held.take(record["version"].as_u64().ok_or(Ended)?, std::mem::take(&mut first));
    }
}
