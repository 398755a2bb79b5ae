//! A workspace of very many keys: it is written, and told whole to whoever comes, while the node's memory stays bounded and
//! another workspace is answered.

use std::{
    collections::VecDeque,
    net::SocketAddr,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::{Duration, Instant},
};

use futures_util::{SinkExt as _, StreamExt as _};
use serde_json::{Value, json};
use syncline_testkit::within;
use tokio_tungstenite::tungstenite::Message;

use crate::{
    keys,
    node::{Node, WorkspaceSocket, open_workspace},
};

/// How many ops wait for their acknowledgement at a time.
const UNDER_WAY: usize = 64;

/// What a node of a debug build has without any of this, and what a key of a hundred bytes and its history may add at the
/// most, at the worst moment: while the document is saved anew, or told.
const NODE_BYTES: usize = 192 << 20;
const BYTES_A_KEY: usize = 4 << 10;

fn value_of(number: usize) -> Value {
    json!({ "n": number, "filler": "as long as notes are ".repeat(4) })
}

async fn set(socket: &mut WorkspaceSocket, number: usize) {
    let payload = json!({ "key": format!("key {number}"), "value": value_of(number) });
    let op = json!({ "type": "op", "id": number.to_string(), "payload": payload });
    within("an op sent", socket.send(Message::text(op.to_string()))).await.expect("it is open");
}

async fn text(socket: &mut WorkspaceSocket) -> String {
    loop {
        match within("a message", socket.next()).await {
            Some(Ok(Message::Text(text))) => return text.to_string(),
            Some(Ok(Message::Ping(_) | Message::Pong(_))) => {}
            other => panic!("no text but {other:?}"),
        }
    }
}

/// Waits until this op is acknowledged, past what everybody is told.
async fn acked(socket: &mut WorkspaceSocket, number: usize) {
    let ack = format!(r#"{{"type":"ack","id":"{number}""#);
    loop {
        let text = text(socket).await;
        assert!(!text.starts_with(r#"{"type":"error""#), "{text}");
        if text.starts_with(&ack) {
            return;
        }
    }
}

/// Writes in another workspace, one op after the other, until it is to stop; how many, and the longest wait for an answer.
async fn write_elsewhere(address: SocketAddr, stopping: Arc<AtomicBool>) -> (usize, Duration) {
    let mut socket = open_workspace(address, "small", "bob").await.expect("it is accepted");
    let (mut answered, mut longest) = (0, Duration::ZERO);
    while !stopping.load(Ordering::SeqCst) {
        let began = Instant::now();
        set(&mut socket, answered % 10).await;
        acked(&mut socket, answered % 10).await;
        longest = longest.max(began.elapsed());
        answered += 1;
    }
    (answered, longest)
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "minutes of its own: `cargo xtask test --only drills`"]
async fn a_large_workspace_is_told_whole_and_holds_up_nobody() {
    let folder = std::env::temp_dir().join(format!("syncline-drill-large-{}", std::process::id()));
    let settings =
        vec![("DATA_DIR", folder.display().to_string()), ("WORKSPACE_BYTES", (1 << 30).to_string())];
    let node = Node::start_with(settings).await;
    let (address, count) = (node.address, keys());
    let stopping = Arc::new(AtomicBool::new(false));
    let elsewhere = tokio::spawn(write_elsewhere(address, Arc::clone(&stopping)));

    let began = Instant::now();
    let mut ada = open_workspace(address, "large", "ada").await.expect("it is accepted");
    let mut under_way = VecDeque::new();
    for number in 0..count {
        if under_way.len() == UNDER_WAY {
            acked(&mut ada, under_way.pop_front().expect("some are")).await;
        }
        set(&mut ada, number).await;
        under_way.push_back(number);
        if (number + 1) % 10_000 == 0 {
            println!("{} keys after {:.1?}", number + 1, began.elapsed());
        }
    }
    for number in under_way {
        acked(&mut ada, number).await;
    }
    let written = began.elapsed();
    let began = Instant::now();
    let mut cy = open_workspace(address, "large", "cy").await.expect("it is accepted");
    let init = text(&mut cy).await;
    let told = began.elapsed();
    stopping.store(true, Ordering::SeqCst);
    let (answered, longest) = elsewhere.await.expect("the other workspace goes on");
    let peak = node.peak_memory();
    println!(
        "{count} keys in {written:.1?}, told in {told:.1?} as {} bytes; {} MiB at the peak; \
         {answered} ops elsewhere, each answered within {longest:.1?}",
        init.len(),
        peak >> 20,
    );

    let init: Value = serde_json::from_str(&init).expect("JSON");
    assert_eq!(init["type"], "init");
    let data = init["data"].as_object().expect("a map");
    assert_eq!(data.len(), count);
    assert!((0..count).all(|number| data[&format!("key {number}")] == value_of(number)));
    assert!(answered > 10, "{answered} ops elsewhere");
    let bound = NODE_BYTES + count * BYTES_A_KEY;
    assert!(peak < bound, "{peak} bytes where {bound} are the bound");
    drop(node);
    std::fs::remove_dir_all(folder).expect("the folder can go");
}
