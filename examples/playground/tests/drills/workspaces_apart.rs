//! Two nodes are cut apart while people write on both, and joined again: nothing that was acknowledged may be missing on
//! either, all is done once, and a node that comes later has all of it.

use std::{
    net::SocketAddr,
    time::{Duration, Instant},
};

use futures_util::{SinkExt as _, StreamExt as _};
use serde_json::json;
use syncline_testkit::within;
use tokio_tungstenite::{client_async, tungstenite::Message};

use crate::{
    cut::Line,
    nats_server::{self, NatsServer},
    node::{Node, token},
    outage, rounds,
    workspace_nodes::{Folders, equal, nats_is, state},
    workspace_writers::{WorkspaceWriter, count_history, go_on, total},
};

const WORKSPACE: &str = "drill-apart";

/// How long a writer rests after each op: what is written here has to be merged there by a debug build.
const REST: Duration = Duration::from_millis(50);

/// How many write on each node.
const WRITERS: usize = 5;

/// What is one op, and larger than any message of NATS.
const LARGE: usize = 5_000_000;

/// Writes the large document, as one op.
async fn write_large(node: SocketAddr, workspace: &str) {
    let stream = tokio::net::TcpStream::connect(node).await.expect("it listens");
    let url = format!("ws://{node}/v1/sync/{workspace}?token={}", token("large"));
    let (mut socket, _) = client_async(url, stream).await.expect("it is accepted");
    let payload = json!({ "key": "large", "value": "0123456789".repeat(LARGE / 10) });
    let op = json!({ "type": "op", "id": "large", "payload": payload });
    socket.send(Message::text(op.to_string())).await.expect("it is sent");
    within("the acknowledgement of a large op", async {
        loop {
            let message = socket.next().await.expect("a message").expect("a message");
            let text = message.to_text().expect("a text");
            assert!(!text.starts_with(r#"{"type":"error""#), "{text}");
            if text.starts_with(r#"{"type":"ack""#) {
                return;
            }
        }
    })
    .await;
}

#[tokio::test]
#[ignore = "minutes of their own: `cargo xtask test --only drills`"]
async fn nodes_that_were_cut_apart_under_load_end_equal_and_a_fresh_one_has_it_all() {
    let folders = Folders::new("apart");
    let nats = NatsServer::start();
    let lines = [Line::to(nats.address()).await, Line::to(nats.address()).await];
    let nodes = [
        Node::start_with(folders.node("one", &nats_server::url(lines[0].address.port()))).await,
        Node::start_with(folders.node("other", &nats_server::url(lines[1].address.port()))).await,
    ];
    let addresses = [nodes[0].address, nodes[1].address];
    let mut asked = 0;
    // Twenty rounds elsewhere are two here, each three times as long as an outage of Redis.
    for round in 1..=rounds().div_ceil(10) {
        for node in addresses {
            nats_is(node, "up").await;
        }
        let start = |number: usize| {
            let name = format!("writer-{round}-{number}");
            WorkspaceWriter::start(&name, WORKSPACE, addresses[number % 2], REST)
        };
        let mut writers: Vec<_> = (0..2 * WRITERS).map(start).collect();
        go_on(&writers, 200).await;
        // First both lines to NATS go dead, then one of them.
        let is_cut = if round % 2 == 1 { &lines[..] } else { &lines[1..] };
        let before = total(&writers);
        let cut = Instant::now();
        is_cut.iter().for_each(|line| line.cut(true));
        tokio::time::sleep(3 * outage()).await;
        nats_is(addresses[1], "down").await;
        let large = format!("drill-large-{round}");
        write_large(addresses[1], &large).await;
        for writer in &mut writers {
            asked += writer.stop().await;
        }
        let (apart, away) = (total(&writers) - before, cut.elapsed());
        let (here, there) = tokio::join!(state(addresses[0], WORKSPACE), state(addresses[1], WORKSPACE));
        assert_ne!(here.0, there.0, "round {round}: they are apart");
        lines.iter().for_each(|line| line.cut(false));
        let joined = Instant::now();
        for node in addresses {
            nats_is(node, "up").await;
        }
        let connected = joined.elapsed();
        let (_, data) = equal(addresses, WORKSPACE).await;
        let took = joined.elapsed();
        writers.iter().for_each(|writer| writer.check(&data, &writer.acked(), &format!("round {round}")));
        for node in addresses {
            let count = count_history(node, WORKSPACE).await;
            assert_eq!(count, asked, "round {round}: every op is done once");
        }
        let (_, value) = equal(addresses, &large).await;
        assert_eq!(value["large"].as_str().map(str::len), Some(LARGE), "round {round}: the large op");
        println!(
            "apart, round {round}: {apart} ops in {away:?}; joined: NATS is there after {connected:?}, equal \
             after {took:?}"
        );
    }
    let fresh = Node::start_with(folders.node("fresh", &nats.url())).await;
    nats_is(fresh.address, "up").await;
    let opened = Instant::now();
    let (_, data) = equal([addresses[0], fresh.address], WORKSPACE).await;
    let took = opened.elapsed();
    let keys = data.as_object().map_or(0, serde_json::Map::len);
    assert_eq!(count_history(fresh.address, WORKSPACE).await, asked, "a fresh node has every op once");
    let (_, _) = equal([addresses[1], fresh.address], "drill-large-1").await;
    println!("apart: a fresh node has {asked} ops and {keys} keys after {took:?}");
}
