//! One of two nodes is killed under load, and started again.

use std::{
    sync::atomic::Ordering,
    time::{Duration, Instant},
};

use serde_json::json;
use syncline_testkit::within;

use crate::{RECOVERY, rounds, scene::Scene};

#[tokio::test]
#[ignore = "minutes of their own: `cargo xtask test --only drills`"]
async fn whoever_was_on_a_killed_node_goes_on_at_the_other_one() {
    let mut scene = Scene::begin().await;
    for round in 1..=rounds() {
        let lost = round % 2;
        scene.writes_go_on().await;
        let before: Vec<usize> =
            scene.followers.iter().map(|follower| follower.held.connections.load(Ordering::SeqCst)).collect();
        scene.nodes[lost].kill();
        let killed = Instant::now();
        // Half of all followers were there, and come to the other node.
        let moved = || {
            let now = scene.followers.iter().map(|follower| follower.held.connections.load(Ordering::SeqCst));
            now.zip(&before).filter(|(now, before)| now > before).count()
        };
        while moved() == 0 {
            assert!(killed.elapsed() < RECOVERY, "round {round}: nobody has come back");
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
        let state = scene.caught_up("after a node was killed").await;
        assert!(killed.elapsed() < RECOVERY, "round {round}: {:?}", killed.elapsed());
        let survivor = &scene.nodes[1 - lost];
        let pair = [survivor.client_in("a", "drill").await, survivor.client_in("b", "drill").await];
        pair[0].sync("examples/updateCounter", json!({ "amount": 1 }), "drill").await;
        within("an event on the node that is left", pair[1].event("sync")).await;
        scene.nodes[lost].restart().await;
        let newcomer = scene.nodes[lost].client_in("c", "drill").await;
        pair[0].sync("examples/updateCounter", json!({ "amount": 1 }), "drill").await;
        within("an event on the node that came back", newcomer.event("sync")).await;
        println!("a node, round {round}: {} followers moved, state {state:?}", moved());
        scene.caught_up("after a node came back").await;
    }
    scene.end().await;
}
