//! Writers of a workspace, who know what was acknowledged to them and check that it is there.

use std::{
    collections::{BTreeMap, VecDeque},
    net::SocketAddr,
    sync::{
        Arc, Mutex,
        atomic::{AtomicBool, AtomicU64, Ordering},
    },
    time::{Duration, Instant},
};

use futures_util::{SinkExt as _, StreamExt as _};
use serde_json::{Value, json};
use syncline_testkit::call;
use tokio::task::JoinHandle;
use tokio_tungstenite::tungstenite::Message;

use crate::node::{open_workspace, token};

/// How many keys a writer has: it writes them in turn.
const KEYS: u64 = 100;

/// How many ops of a writer wait for their acknowledgement at a time.
const UNDER_WAY: usize = 8;

/// A user whose keys nobody else writes: the op `n` sets the key `n % KEYS` to `n`.
pub(crate) struct WorkspaceWriter {
    name: String,
    pub(crate) workspace: &'static str,
    state: Arc<State>,
    running: JoinHandle<()>,
}

#[derive(Default)]
struct State {
    /// The last op that was acknowledged of each key.
    acked: Mutex<BTreeMap<u64, u64>>,
    count: AtomicU64,
    asked: AtomicU64,
    stopping: AtomicBool,
    rest: Duration,
}

impl WorkspaceWriter {
    /// Starts one that rests for so long after each acknowledgement.
    pub(crate) fn start(name: &str, workspace: &'static str, address: SocketAddr, rest: Duration) -> Self {
        let name = name.to_owned();
        let state = Arc::new(State { rest, ..State::default() });
        let (writing, user) = (Arc::clone(&state), name.clone());
        let running = tokio::spawn(async move {
            let mut pending = VecDeque::new();
            while !(writing.stopping.load(Ordering::SeqCst) && pending.is_empty()) {
                // A connection that breaks off is part of the drill.
                let _broken = write(address, workspace, &user, &writing, &mut pending).await;
                tokio::time::sleep(Duration::from_millis(10)).await;
            }
        });
        Self { name, workspace, state, running }
    }

    /// Lets it have all acknowledged and ends it; how many ops it asked for.
    pub(crate) async fn stop(&mut self) -> u64 {
        self.state.stopping.store(true, Ordering::SeqCst);
        (&mut self.running).await.expect("the writer");
        self.state.asked.load(Ordering::SeqCst)
    }

    /// The last op that was acknowledged of each key.
    pub(crate) fn acked(&self) -> BTreeMap<u64, u64> {
        self.state.acked.lock().expect("nobody panics with it").clone()
    }

    /// That each key is at least where its last acknowledged op put it, and not where none did.
    pub(crate) fn check(&self, data: &Value, acked: &BTreeMap<u64, u64>, when: &str) {
        for (key, number) in acked {
            let found = &data[format!("{}-{key}", self.name)]["n"];
            let kept =
                found.as_u64().unwrap_or_else(|| panic!("{when}: {}'s op {number} is missing", self.name));
            let asked = self.state.asked.load(Ordering::SeqCst);
            assert!(kept >= *number, "{when}: {}'s op {number} is missing, {kept} is there", self.name);
            assert!(kept < asked && kept % KEYS == *key, "{when}: nobody asked for {kept}");
        }
    }
}

/// Writes until the connection breaks or the writer is to stop: first, in order, what was not acknowledged.
async fn write(
    address: SocketAddr,
    workspace: &str,
    user: &str,
    state: &State,
    pending: &mut VecDeque<u64>,
) -> Result<(), Box<dyn std::error::Error + Send + Sync>> {
    let mut socket = open_workspace(address, workspace, user).await?;
    let op = |number: u64| {
        let value = json!({ "n": number, "filler": "of some length, as values have it ".repeat(6) });
        let payload = json!({ "key": format!("{user}-{}", number % KEYS), "value": value });
        Message::text(json!({ "type": "op", "id": number.to_string(), "payload": payload }).to_string())
    };
    for number in &*pending {
        socket.send(op(*number)).await?;
    }
    loop {
        let stopping = state.stopping.load(Ordering::SeqCst);
        while pending.len() < UNDER_WAY && !stopping {
            let number = state.asked.fetch_add(1, Ordering::SeqCst);
            pending.push_back(number);
            socket.send(op(number)).await?;
        }
        if pending.is_empty() {
            return Ok(());
        }
        let Some(message) = socket.next().await else { return Ok(()) };
        let Message::Text(text) = message? else { continue };
        // Whoever is told everything is told more of others than of itself.
        if !text.starts_with(r#"{"type":"ack""#) {
            assert!(!text.starts_with(r#"{"type":"error""#), "{text}");
            continue;
        }
        let ack: Value = serde_json::from_str(&text)?;
        let number: u64 = ack["id"].as_str().expect("an id").parse()?;
        assert_eq!(pending.pop_front(), Some(number), "acknowledged in the order in which they were asked");
        state.acked.lock().expect("nobody panics with it").insert(number % KEYS, number);
        state.count.fetch_add(1, Ordering::SeqCst);
        if !state.rest.is_zero() {
            tokio::time::sleep(state.rest).await;
        }
    }
}

/// A GET that has to succeed; its body.
pub(crate) async fn get(address: SocketAddr, path: &str) -> Value {
    let bearer = format!("Bearer {}", token("reader"));
    let answer = call(address, "GET", path, &[("authorization", &bearer)], "").await;
    assert_eq!(answer.status, 200, "{path}: {answer:?}");
    answer.json()
}

/// How many changes a workspace has on a node.
pub(crate) async fn count_history(address: SocketAddr, workspace: &str) -> u64 {
    let path = format!("/v1/history/{workspace}?limit=200");
    let (mut count, mut page) = (0, get(address, &path).await);
    while let Some(oldest) = page.as_array().and_then(|page| page.last()) {
        count += page.as_array().map_or(0, Vec::len) as u64;
        page = get(address, &format!("{path}&before={}", oldest["hash"].as_str().expect("a hash"))).await;
    }
    count
}

/// How many ops were acknowledged to all of them.
pub(crate) fn total(writers: &[WorkspaceWriter]) -> u64 {
    writers.iter().map(|writer| writer.state.count.load(Ordering::SeqCst)).sum()
}

/// Waits until so many more ops were acknowledged to them.
pub(crate) async fn go_on(writers: &[WorkspaceWriter], by: u64) {
    let (began, goal) = (Instant::now(), total(writers) + by);
    while total(writers) < goal {
        assert!(began.elapsed() < Duration::from_secs(30), "nothing is acknowledged any more");
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
}
