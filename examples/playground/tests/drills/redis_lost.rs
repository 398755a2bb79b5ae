//! The Redis of two nodes is killed under load, and started again.

use std::time::{Duration, Instant};

use serde_json::json;
use syncline_testkit::{Client, within};

use crate::{RECOVERY, outage, rounds, scene::Scene};

/// Sends an event; when its answer says that it was dispatched.
async fn send(client: &Client) {
    let answer = client.sync("examples/updateCounter", json!({ "amount": 1 }), "drill").await;
    assert_eq!(answer["status"], "success", "{answer}");
}

/// Whether an event reaches a client soon.
async fn hears(client: &Client, within: Duration) -> bool {
    tokio::time::timeout(within, client.event("sync")).await.is_ok()
}

fn forget(client: &Client) {
    while client.take("sync").is_some() {}
}

#[tokio::test]
#[ignore = "minutes of their own: `cargo xtask test --only drills`"]
async fn everybody_holds_the_last_version_once_redis_is_back_and_local_events_never_stop() {
    let mut scene = Scene::begin().await;
    let here = scene.nodes[0].client_in("here", "drill").await;
    let beside = scene.nodes[0].client_in("beside", "drill").await;
    let there = scene.nodes[1].client_in("there", "drill").await;
    send(&here).await;
    for client in [&here, &beside, &there] {
        within("an event", client.event("sync")).await;
    }
    for round in 1..=rounds() {
        scene.redis.kill();
        let (gone, mut local) = (Instant::now(), Duration::ZERO);
        while gone.elapsed() < outage() {
            let sent = Instant::now();
            send(&here).await;
            assert!(hears(&beside, RECOVERY).await, "round {round}: local delivery goes on without Redis");
            local = local.max(sent.elapsed());
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
        scene.redis.restart();
        let back = Instant::now();
        for node in &scene.nodes {
            node.ready().await;
        }
        let ready = back.elapsed();
        let writes = scene.writes_go_on().await;
        let state = scene.caught_up("after Redis was away").await;
        forget(&there);
        // Events are at most once: those of the outage are gone, those from now on come.
        let mut events = Duration::ZERO;
        loop {
            send(&here).await;
            if hears(&there, Duration::from_millis(100)).await {
                break;
            }
            events = back.elapsed();
            assert!(events < RECOVERY, "round {round}: events go to the other node again");
        }
        forget(&beside);
        send(&there).await;
        assert!(hears(&beside, RECOVERY).await, "round {round}: and from there to here");
        println!(
            "Redis, round {round}: away {:?}, slowest local event {local:?}; back: ready {ready:?}, writes {writes:?}, \
             state {state:?}, events {events:?}",
            outage()
        );
        [&here, &beside, &there].into_iter().for_each(forget);
    }
    scene.end().await;
}
