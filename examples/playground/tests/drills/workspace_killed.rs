//! The node that keeps workspaces is killed under ten writers, again and again, and started anew on what is on its disk.
//!
//! Nothing that was acknowledged may be missing, everything that was asked is done once, and every workspace can be read.

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

use crate::{
    node::{Node, open_workspace, token},
    rounds,
};

/// Writers write to one of these each.
const WORKSPACES: [&str; 2] = ["drill-0", "drill-1"];

const WRITERS: usize = 10;

/// How many keys a writer has: it writes them in turn.
const KEYS: u64 = 100;

/// How many ops of a writer wait for their acknowledgement at a time.
const UNDER_WAY: usize = 8;

/// How many ops have to be acknowledged between two kills.
const BETWEEN: u64 = 300;

/// A user whose keys nobody else writes: the op `n` sets the key `n % KEYS` to `n`.
struct Writer {
    name: String,
    workspace: &'static str,
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
}

impl Writer {
    fn start(number: usize, address: SocketAddr) -> Self {
        let (name, workspace) = (format!("writer-{number}"), WORKSPACES[number % WORKSPACES.len()]);
        let state = Arc::new(State::default());
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

    fn acked(&self) -> BTreeMap<u64, u64> {
        self.state.acked.lock().expect("nobody panics with it").clone()
    }

    /// That each key is at least where its last acknowledged op put it, and not where none did.
    fn check(&self, data: &Value, acked: &BTreeMap<u64, u64>, when: &str) {
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
    }
}

async fn get(address: SocketAddr, path: &str) -> Value {
    let bearer = format!("Bearer {}", token("reader"));
    let answer = call(address, "GET", path, &[("authorization", &bearer)], "").await;
    assert_eq!(answer.status, 200, "{path}: {answer:?}");
    answer.json()
}

async fn count_history(address: SocketAddr, workspace: &str) -> u64 {
    let path = format!("/v1/history/{workspace}?limit=200");
    let (mut count, mut page) = (0, get(address, &path).await);
    while let Some(oldest) = page.as_array().and_then(|page| page.last()) {
        count += page.as_array().map_or(0, Vec::len) as u64;
        page = get(address, &format!("{path}&before={}", oldest["hash"].as_str().expect("a hash"))).await;
    }
    count
}

#[tokio::test]
#[ignore = "minutes of their own: `cargo xtask test --only drills`"]
async fn nothing_acknowledged_is_lost_to_a_kill() {
    let folder = std::env::temp_dir().join(format!("syncline-drill-{}", std::process::id()));
    let settings = vec![("DATA_DIR", folder.display().to_string())];
    let mut node = Node::start_with(settings).await;
    let address = node.address;
    let writers: Vec<Writer> = (0..WRITERS).map(|number| Writer::start(number, address)).collect();
    let total = || writers.iter().map(|writer| writer.state.count.load(Ordering::SeqCst)).sum::<u64>();
    // Twenty rounds elsewhere are a hundred kills here: each takes a second.
    let kills = if rounds() > 2 { rounds() * 5 } else { 5 };
    for kill in 1..=kills {
        let goal = total() + BETWEEN;
        let began = Instant::now();
        while total() < goal {
            assert!(
                began.elapsed() < Duration::from_secs(30),
                "kill {kill}: nothing is acknowledged any more"
            );
            tokio::time::sleep(Duration::from_millis(2)).await;
        }
        // At another moment of a commit each time.
        tokio::time::sleep(Duration::from_micros(kill as u64 * 977 % 20_000)).await;
        node.kill();
        let acked: Vec<_> = writers.iter().map(Writer::acked).collect();
        let began = Instant::now();
        node.restart().await;
        let up = began.elapsed();
        for workspace in WORKSPACES {
            let state = get(address, &format!("/v1/workspaces/{workspace}")).await;
            let of_it = writers.iter().zip(&acked).filter(|(writer, _)| writer.workspace == workspace);
            of_it.for_each(|(writer, acked)| writer.check(&state["data"], acked, &format!("kill {kill}")));
        }
        println!("kill {kill}: {} ops acknowledged so far, up again after {up:?}", total());
    }
    writers.iter().for_each(|writer| writer.state.stopping.store(true, Ordering::SeqCst));
    let mut asked: BTreeMap<&str, u64> = BTreeMap::new();
    for writer in writers {
        writer.running.await.expect("the writer");
        *asked.entry(writer.workspace).or_default() += writer.state.asked.load(Ordering::SeqCst);
    }
    for (workspace, asked) in asked {
        assert_eq!(count_history(address, workspace).await, asked, "every op of {workspace} is done once");
    }
    drop(node);
    std::fs::remove_dir_all(folder).expect("the folder can go");
}
