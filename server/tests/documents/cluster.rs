//! Two nodes on one Redis, each with a disk of its own, and a Redis that goes away.

use std::{
    net::SocketAddr,
    time::{Duration, Instant},
};

use futures_util::{StreamExt as _, stream};
use serde_json::json;
use syncline_testkit::{TestServer, call, within};
use tokio::{io::AsyncWriteExt as _, net::TcpStream};

use crate::{
    redis_server::RedisServer,
    support::{Peer, Said, metric, outage, request, start, state, text},
    yjs::awareness_message,
};

const MALFORMED: &str = "syncline_document_remote_malformed_total";
const GAPS: &str = "syncline_document_gaps_total";

/// A node that has reached its Redis, and saves nothing in a test's time.
async fn node(redis: &RedisServer) -> TestServer {
    let hour = "3600";
    let server = start(&[
        ("REDIS_URL", redis.url().as_str()),
        ("DOCUMENT_DEBOUNCE_SECONDS", hour),
        ("DOCUMENT_MAX_DEBOUNCE_SECONDS", hour),
    ]);
    reached(server.address(), "up").await;
    server
}

/// Waits until the node knows that of its Redis.
async fn reached(address: SocketAddr, wanted: &str) {
    within("what /readyz says", async {
        loop {
            let ready = call(address, "GET", "/readyz", &[], "").await.json();
            if ready["dependencies"]["redis"] == json!(wanted) {
                return;
            }
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    })
    .await;
}

/// Waits until this awareness comes, past everything else.
async fn awareness(peer: &mut Peer, client: u64, clock: u64, said: &str) {
    loop {
        let next = peer.said().await;
        peer.take(&next).await;
        if let Said::Awareness(entries) = next
            && entries.contains(&(client, clock, said.to_owned()))
        {
            return;
        }
    }
}

/// Publishes bytes as they are.
async fn publish(redis: &RedisServer, channel: &str, message: &[u8]) {
    let mut command = Vec::new();
    command.extend(
        format!("*3\r\n$7\r\nPUBLISH\r\n${}\r\n{channel}\r\n${}\r\n", channel.len(), message.len()).bytes(),
    );
    command.extend(message);
    command.extend(b"\r\n");
    let mut stream = within("a connection", TcpStream::connect(redis.address())).await.unwrap();
    within("a command sent", stream.write_all(&command)).await.unwrap();
    let mut answer = [0; 1];
    within("an answer", tokio::io::AsyncReadExt::read_exact(&mut stream, &mut answer)).await.unwrap();
    assert_eq!(answer, *b":");
}

#[tokio::test]
async fn updates_and_awareness_are_on_both_nodes() {
    let redis = RedisServer::start();
    let nodes = [node(&redis).await, node(&redis).await];
    let [one, other] = [nodes[0].address(), nodes[1].address()];
    let (mut ada, mut bob) = (Peer::join(one, "a/b").await, Peer::join(other, "a/b").await);
    ada.write(0, "from ada").await;
    bob.until("from ada").await;
    bob.write(0, "bob, ").await;
    bob.erase(5, 5).await;
    ada.until("bob, ada").await;
    ada.send(awareness_message(&[(7, 1, r#"{"name":"Ada"}"#)])).await;
    awareness(&mut bob, 7, 1, r#"{"name":"Ada"}"#).await;
    // Whoever comes later is told of those on the other node too.
    let mut late = Peer::come(other, "a/b", "late", "read").await;
    awareness(&mut late, 7, 1, r#"{"name":"Ada"}"#).await;
    ada.close().await;
    awareness(&mut bob, 7, 1, "null").await;
    for address in [one, other] {
        assert_eq!(text(address, "a/b").await.as_deref(), Some("bob, ada"));
        assert_eq!(metric(address, MALFORMED).await, 0.0);
    }
}

#[tokio::test]
async fn a_second_node_gets_what_the_first_has_not_saved() {
    let redis = RedisServer::start();
    let nodes = [node(&redis).await, node(&redis).await];
    let [one, other] = [nodes[0].address(), nodes[1].address()];
    let mut ada = Peer::join(one, "d").await;
    ada.write_kept(0, "not saved").await;
    ada.send(awareness_message(&[(7, 1, "{}")])).await;
    ada.kept().await;
    let mut bob = Peer::join(other, "d").await;
    bob.until("not saved").await;
    let mut late = Peer::come(other, "d", "late", "read").await;
    awareness(&mut late, 7, 1, "{}").await;
    assert_eq!(bob.state(), ada.state());
    assert_eq!(metric(one, "syncline_document_saves_total").await, 0.0);
}

#[tokio::test]
async fn what_is_too_large_for_a_channel_crosses_too() {
    let redis = RedisServer::start();
    let nodes = [node(&redis).await, node(&redis).await];
    let [one, other] = [nodes[0].address(), nodes[1].address()];
    let (mut ada, mut bob) = (Peer::join(one, "d").await, Peer::join(other, "d").await);
    ada.write(0, ".").await;
    bob.until(".").await;
    let before = metric(other, GAPS).await;
    let large = "large ".repeat(100_000);
    ada.write(0, &large).await;
    bob.until(&format!("{large}.")).await;
    let keys = redis.command(&["KEYS", "*"]);
    assert_eq!(keys.matches("syncline:document-part:").count(), 1, "{keys}");
    ada.write(0, "and small ").await;
    bob.until(&format!("and small {large}.")).await;
    assert_eq!(metric(other, GAPS).await, before, "nothing had to be healed");
}

/// Everything is edited everywhere while Redis is away; soon after it is back, all is the same.
#[tokio::test]
async fn a_redis_that_was_away_leaves_no_difference() {
    let mut redis = RedisServer::start();
    let nodes = [node(&redis).await, node(&redis).await];
    let [one, other] = [nodes[0].address(), nodes[1].address()];
    let (mut ada, mut bob) = (Peer::join(one, "d").await, Peer::join(other, "d").await);
    ada.write(0, "start").await;
    bob.until("start").await;
    redis.kill();
    let killed = Instant::now();
    for address in [one, other] {
        reached(address, "down").await;
    }
    ada.write_kept(5, " ada").await;
    bob.write_kept(0, "bob ").await;
    bob.erase(4, 1).await;
    bob.kept().await;
    // Somebody who was nowhere before, on a document that no node has open.
    let mut new = [Peer::join(one, "new").await, Peer::join(other, "new").await];
    new[0].write_kept(0, "[one]").await;
    new[1].write_kept(0, "[two]").await;
    assert_eq!((ada.text().as_str(), bob.text().as_str()), ("start ada", "bob tart"));
    let mut more = 0;
    while killed.elapsed() < outage() {
        for (peer, letter) in [(&mut ada, "x"), (&mut bob, "y")] {
            let end = u32::try_from(peer.text().len()).unwrap();
            peer.write_kept(end, letter).await;
        }
        more += 1;
    }
    redis.restart();
    let back = Instant::now();
    while ada.state() != bob.state() {
        let (peer, said) = tokio::select! {
            said = ada.said() => (&mut ada, said),
            said = bob.said() => (&mut bob, said),
        };
        peer.take(&said).await;
    }
    let text = ada.text();
    assert!(text.starts_with("bob tart") && text.contains(" ada"), "{text}");
    assert_eq!((text.matches('x').count(), text.matches('y').count()), (more, more));
    for peer in &mut new {
        while peer.text().len() < 10 {
            let said = peer.said().await;
            peer.take(&said).await;
        }
    }
    assert!(back.elapsed() < Duration::from_secs(5), "{:?}", back.elapsed());
    assert_eq!(new[0].text(), new[1].text());
}

#[tokio::test]
async fn whoever_was_at_a_node_that_stops_is_there_no_more() {
    let redis = RedisServer::start();
    let (staying, stopping) = (node(&redis).await, node(&redis).await);
    let (mut ada, mut bob) =
        (Peer::join(staying.address(), "d").await, Peer::join(stopping.address(), "d").await);
    bob.send(awareness_message(&[(7, 1, "{}")])).await;
    awareness(&mut ada, 7, 1, "{}").await;
    let (_, code) = tokio::join!(stopping.stop(), bob.closed());
    assert_eq!(code, Some(1001));
    awareness(&mut ada, 7, 1, "null").await;
}

#[tokio::test]
async fn a_deleted_document_is_gone_on_both_nodes() {
    let redis = RedisServer::start();
    let nodes = [node(&redis).await, node(&redis).await];
    let [one, other] = [nodes[0].address(), nodes[1].address()];
    let (mut ada, mut bob) = (Peer::join(one, "d").await, Peer::join(other, "d").await);
    ada.write(0, "gone").await;
    bob.until("gone").await;
    assert_eq!(request(other, "DELETE", &state("d"), "write").await.status, 204);
    assert_eq!(ada.closed().await, Some(4410));
    assert_eq!(bob.closed().await, Some(4410));
    for address in [one, other] {
        assert_eq!(text(address, "d").await, None);
    }
}

/// Whoever reaches Redis can write anything there.
#[tokio::test]
async fn garbage_on_a_channel_is_counted_and_changes_nothing() {
    let redis = RedisServer::start();
    let node = node(&redis).await;
    let address = node.address();
    let mut ada = Peer::join(address, "d").await;
    ada.write_kept(0, "sound").await;
    let from = [9; 16];
    let bomb = [0xff, 0xff, 0xff, 0x7f];
    let envelope = |kind: u8, body: &[u8]| [&[1], &from[..], &[kind], body].concat();
    let standing = |state_vector: &[u8]| [&[1], &[0; 32][..], state_vector].concat();
    for message in [
        vec![],
        b"garbage".to_vec(),
        vec![0; 18],
        [&[2], &from[..], &[1, 0, 0]].concat(),
        envelope(9, b""),
        envelope(4, b"x"),
        envelope(3, &[1, 2]),
        envelope(6, b""),
        envelope(1, &bomb),
        envelope(2, &bomb),
        envelope(2, &awareness_message(&[(1, 1, "{")])),
        envelope(3, &standing(&bomb)),
    ] {
        let before = metric(address, MALFORMED).await;
        publish(&redis, "syncline:document:d", &message).await;
        within("it is counted", async { while metric(address, MALFORMED).await == before {} }).await;
    }
    publish(&redis, "syncline:document:", b"garbage").await;
    assert_eq!(ada.rest().await, []);
    assert_eq!(text(address, "d").await.as_deref(), Some("sound"));
    // What is sound is still taken.
    publish(&redis, "syncline:document:d", &envelope(2, &awareness_message(&[(5, 1, "{}")]))).await;
    awareness(&mut ada, 5, 1, "{}").await;
}

/// Many documents at a time, from both sides.
#[tokio::test]
async fn many_documents_are_the_same_on_both_nodes() {
    let redis = RedisServer::start();
    let nodes = [node(&redis).await, node(&redis).await];
    let [one, other] = [nodes[0].address(), nodes[1].address()];
    let all = stream::iter(0..20).map(|number| async move {
        let name = format!("d{number}");
        let (mut ada, mut bob) = (Peer::join(one, &name).await, Peer::join(other, &name).await);
        for _ in 0..10 {
            ada.write(0, "a").await;
            bob.write(0, "b").await;
        }
        for peer in [&mut ada, &mut bob] {
            while peer.text().len() < 20 {
                let said = peer.said().await;
                peer.take(&said).await;
            }
        }
        assert_eq!(ada.text(), bob.text(), "{name}");
    });
    all.buffer_unordered(20).collect::<Vec<()>>().await;
}
