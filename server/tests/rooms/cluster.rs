//! Two nodes on one Redis, and a Redis that goes away.

use std::{collections::BTreeSet, net::SocketAddr, time::Duration};

use serde_json::{Value, json};
use syncline_testkit::{Answer, TestServer, call, within};

use crate::{
    redis_server::RedisServer,
    support::{Sse, code, delete, get, metric, put, put_body, start},
};

/// A node that has reached its Redis.
async fn node(redis: &RedisServer, settings: &[(&str, &str)]) -> TestServer {
    let server = start(&[&[("REDIS_URL", redis.url().as_str())], settings].concat());
    ready(server.address(), true).await;
    server
}

/// Waits until the node says that it is ready, or that it is not.
async fn ready(address: SocketAddr, wanted: bool) {
    let (status, redis) = if wanted { (200, "up") } else { (503, "down") };
    let said = async || {
        let answer = call(address, "GET", "/readyz", &[], "").await;
        let expected = json!({ "ready": wanted, "dependencies": { "redis": redis } });
        answer.status == status && answer.json() == expected
    };
    within("what /readyz says", async {
        while !said().await {
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    })
    .await;
}

fn version(record: &Value) -> u64 {
    record["version"].as_u64().expect("a version")
}

#[tokio::test]
async fn one_line_of_versions_and_one_room_on_two_nodes() {
    let redis = RedisServer::start();
    let nodes = [node(&redis, &[]).await, node(&redis, &[]).await];
    let [one, other] = [nodes[0].address(), nodes[1].address()];
    let mut streams = [Sse::open(one, "abc").await, Sse::open(other, "abc").await];
    for stream in &mut streams {
        assert_eq!(stream.version().await, 0);
    }
    for (number, address) in [one, other, other, one].into_iter().enumerate() {
        let record = put(address, "abc", json!({ "n": number, "text": "ü" })).await;
        assert_eq!(version(&record), number as u64 + 1);
        for stream in &mut streams {
            assert_eq!(stream.event().await.1, record);
        }
        for address in [one, other] {
            assert_eq!(get(address, "abc", &[]).await.json(), record);
        }
    }
    delete(other, "abc").await;
    for stream in &mut streams {
        assert_eq!(stream.version().await, 0, "deleted on the other");
    }
    assert_eq!(code(&get(one, "abc", &[]).await), "room_not_found");
    assert_eq!(version(&put(one, "abc", json!({})).await), 5);
    for stream in &mut streams {
        assert_eq!(stream.version().await, 5);
    }
}

#[tokio::test]
async fn a_sweep_on_either_node_resets_the_streams_of_both() {
    let redis = RedisServer::start();
    let sweeping = [("ROOM_TTL_SECONDS", "0.3"), ("ROOM_SWEEP_SECONDS", "0.02")];
    let nodes = [node(&redis, &sweeping).await, node(&redis, &[]).await];
    put(nodes[1].address(), "abc", json!({})).await;
    for node in &nodes {
        let mut stream = Sse::open(node.address(), "abc").await;
        // It is swept before the stream is there, or after.
        while stream.version().await != 0 {}
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn of_500_concurrent_writes_on_two_nodes_each_has_its_version_and_every_stream_ends_on_the_last() {
    let redis = RedisServer::start();
    let nodes = [node(&redis, &[]).await, node(&redis, &[]).await];
    let addresses = [nodes[0].address(), nodes[1].address()];
    let mut streams = Vec::new();
    for number in 0..40 {
        let mut stream = Sse::open(addresses[number % 2], "abc").await;
        streams.push(tokio::spawn(async move { stream.until(500).await }));
    }
    let writes = (0..500).map(|number| {
        let address = addresses[number % 2];
        tokio::spawn(async move { version(&put(address, "abc", json!({ "n": number })).await) })
    });
    let versions: Vec<u64> =
        futures_util::future::join_all(writes).await.into_iter().map(Result::unwrap).collect();
    assert_eq!(versions.len(), 500);
    assert_eq!(versions.into_iter().collect::<BTreeSet<_>>(), (1..=500).collect());
    for stream in streams {
        stream.await.unwrap();
    }
}

/// Writes on after the other until told to stop; the versions of those that were accepted.
async fn write_on(address: SocketAddr, until: tokio::sync::watch::Receiver<bool>) -> Vec<u64> {
    let mut accepted = Vec::new();
    while !*until.borrow() {
        let answer = put_body(address, "abc", json!({ "state": { "n": accepted.len() } }).to_string()).await;
        if answer.status == 200 {
            accepted.push(version(&answer.json()));
        } else {
            assert_eq!((answer.status, code(&answer).as_str()), (503, "storage_unavailable"));
            assert!(answer.header("retry-after").is_some());
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    }
    accepted
}

#[tokio::test(flavor = "multi_thread")]
async fn a_redis_that_was_killed_under_load_costs_nothing_but_the_time_that_it_was_away() {
    let mut redis = RedisServer::start();
    let nodes = [node(&redis, &[]).await, node(&redis, &[]).await];
    let addresses = [nodes[0].address(), nodes[1].address()];
    let (stop, until) = tokio::sync::watch::channel(false);
    let writers = addresses.map(|address| tokio::spawn(write_on(address, until.clone())));
    let mut streams = Vec::new();
    for number in 0..10 {
        let mut stream = Sse::open(addresses[number % 2], "abc").await;
        while stream.version().await < 5 {}
        streams.push(stream);
    }
    for _ in 0..2 {
        redis.kill();
        for address in addresses {
            ready(address, false).await;
            assert_eq!(code(&get(address, "abc", &[]).await), "storage_unavailable");
            let refused = call(address, "GET", "/api/rooms/abc/stream", &[], "").await;
            assert_eq!((refused.status, code(&refused).as_str()), (503, "storage_unavailable"));
            assert_eq!(call(address, "GET", "/healthz", &[], "").await.status, 200, "it lives");
        }
        redis.restart();
        for address in addresses {
            ready(address, true).await;
        }
    }
    stop.send_replace(true);
    let mut accepted: Vec<u64> = Vec::new();
    for writer in writers {
        accepted.extend(writer.await.unwrap());
    }
    // Nobody else writes now: what one node writes reaches the streams of the other only by Redis.
    for address in addresses {
        let now = version(&written(address).await.json());
        for stream in &mut streams {
            while stream.version().await < now {}
        }
    }
    let count = accepted.len();
    assert_eq!(accepted.iter().collect::<BTreeSet<_>>().len(), count, "no version was given twice");
    let last = written(addresses[0]).await.json();
    assert!(accepted.iter().max() < Some(&version(&last)), "nothing that was accepted is lost");
    for stream in &mut streams {
        stream.until(version(&last)).await;
    }
    for address in addresses {
        assert_eq!(get(address, "abc", &[]).await.json(), last);
        assert!(metric(address, "syncline_records_gaps_total").await >= 2.0);
    }
}

/// A write that is accepted, however often it has to be tried.
async fn written(address: SocketAddr) -> Answer {
    within("a write", async {
        loop {
            let answer = put_body(address, "abc", r#"{"state":{}}"#).await;
            if answer.status == 200 {
                return answer;
            }
        }
    })
    .await
}

/// What is missed while Redis is away is caught up with, although nobody writes again.
#[tokio::test]
async fn a_node_that_missed_hints_reads_again() {
    let mut redis = RedisServer::start();
    let nodes = [node(&redis, &[]).await, node(&redis, &[]).await];
    let mut stream = Sse::open(nodes[0].address(), "abc").await;
    assert_eq!(stream.version().await, 0);
    put(nodes[1].address(), "abc", json!({})).await;
    assert_eq!(stream.version().await, 1);
    redis.kill();
    ready(nodes[0].address(), false).await;
    ready(nodes[1].address(), false).await;
    // Somebody writes whose hint nobody hears.
    redis.change_while_away(|redis| _ = redis.command(&["HINCRBY", "syncline:{rooms}:record:abc", "v", "6"]));
    redis.restart();
    assert_eq!(stream.version().await, 7);
}

#[tokio::test]
async fn a_redis_that_hangs_is_not_waited_for() {
    let redis = RedisServer::start();
    let nodes = [node(&redis, &[]).await, node(&redis, &[]).await];
    let mut stream = Sse::open(nodes[0].address(), "abc").await;
    assert_eq!(stream.version().await, 0);
    redis.hang(true);
    let refused = put_body(nodes[1].address(), "abc", r#"{"state":{}}"#).await;
    assert_eq!((refused.status, code(&refused).as_str()), (503, "storage_unavailable"));
    for node in &nodes {
        ready(node.address(), false).await;
    }
    redis.hang(false);
    for node in &nodes {
        ready(node.address(), true).await;
    }
    // The refused write may have been carried out: it was with Redis already.
    let last = version(&put(nodes[1].address(), "abc", json!({})).await);
    assert!((1..=2).contains(&last), "{last}");
    stream.until(last).await;
}

#[tokio::test]
async fn without_its_redis_a_node_starts_and_is_not_ready() {
    let mut redis = RedisServer::start();
    redis.kill();
    let server = start(&[("REDIS_URL", &redis.url())]);
    ready(server.address(), false).await;
    redis.restart();
    ready(server.address(), true).await;
    assert_eq!(version(&put(server.address(), "abc", json!({})).await), 1);
}
