//! The load: a game and a room that are written all the time, on each node in turn, whatever happens to it.

use std::{
    net::SocketAddr,
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering},
    },
    time::Duration,
};

use serde_json::json;
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::TcpStream,
    task::JoinHandle,
};

use crate::{followers::What, node::token};

/// Between two writes of one.
const PAUSE: Duration = Duration::from_millis(20);

/// How long a write may take; then it counts as failed, though it may have been carried out.
const WITHIN: Duration = Duration::from_secs(3);

/// Writes until it is told to stop.
pub(crate) struct Writer {
    pub(crate) what: What,
    state: Arc<State>,
    running: JoinHandle<()>,
}

#[derive(Default)]
struct State {
    committed: AtomicU64,
    failed: AtomicUsize,
    stopping: AtomicBool,
}

impl Writer {
    pub(crate) fn start(what: What, addresses: Vec<SocketAddr>) -> Self {
        let state = Arc::new(State::default());
        let writing = Arc::clone(&state);
        let running = tokio::spawn(async move {
            for address in addresses.into_iter().cycle() {
                if writing.stopping.load(Ordering::SeqCst) {
                    return;
                }
                match tokio::time::timeout(WITHIN, write(what, address)).await {
                    Ok(Some(version)) => {
                        writing.committed.fetch_max(version, Ordering::SeqCst);
                    }
                    _ => {
                        writing.failed.fetch_add(1, Ordering::SeqCst);
                    }
                }
                tokio::time::sleep(PAUSE).await;
            }
        });
        Self { what, state, running }
    }

    /// The last version that a node said it had committed.
    pub(crate) fn committed(&self) -> u64 {
        self.state.committed.load(Ordering::SeqCst)
    }

    /// How many writes were not answered well.
    pub(crate) fn failed(&self) -> usize {
        self.state.failed.load(Ordering::SeqCst)
    }

    /// Stops; the last version that was committed, also by a write whose answer was lost.
    pub(crate) async fn stop(self, node: SocketAddr) -> u64 {
        self.state.stopping.store(true, Ordering::SeqCst);
        self.running.await.expect("the writer");
        loop {
            if let Some(version) = write(self.what, node).await {
                return version;
            }
            tokio::time::sleep(PAUSE).await;
        }
    }
}

/// Writes once; the version that it came to.
async fn write(what: What, address: SocketAddr) -> Option<u64> {
    let (path, body) = match what {
        What::Game => ("/api/games/drill/snapshot", json!({ "data": { "of": "the drill" } })),
        What::Room => ("/api/rooms/drill", json!({ "state": { "of": "the drill" } })),
    };
    let (body, bearer) = (body.to_string(), token("writer"));
    let request = format!(
        "PUT {path} HTTP/1.1\r\nhost: {address}\r\nconnection: close\r\ncontent-type: application/json\r\n\
         authorization: Bearer {bearer}\r\ncontent-length: {}\r\n\r\n{body}",
        body.len()
    );
    let mut stream = TcpStream::connect(address).await.ok()?;
    stream.write_all(request.as_bytes()).await.ok()?;
    let mut answer = String::new();
    stream.read_to_string(&mut answer).await.ok()?;
    let (_, rest) = answer.strip_prefix("HTTP/1.1 200")?.split_once(r#""version":"#)?;
    rest.split(|character: char| !character.is_ascii_digit()).next()?.parse().ok()
}
