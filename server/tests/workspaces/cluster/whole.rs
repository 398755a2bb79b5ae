//! A node has all of a workspace, also what was there before it, and whatever became of the stream.

use serde_json::json;
use syncline_testkit::within;

use super::{CHANGES, NatsServer, QUEUED, count, messages_in, node, node_with, raw, same, state};
use crate::{
    folder::Folder,
    support::{Ws, metric, metric_is, start},
};

const DOCUMENTS: &str = "syncline_replication_documents_total";

#[tokio::test]
async fn a_fresh_node_has_what_was_there_before_it() {
    let nats = NatsServer::start();
    let keep = [("NATS_KEEP_SECONDS", "0.2"), ("WORKSPACE_IDLE_SECONDS", "0")];
    let old = node_with(&nats.url(), &keep).await;
    let (mut ada, _) = Ws::join(old.address(), "w", "ada").await;
    for number in 0..10 {
        ada.set_acked(&number.to_string(), &format!("key {number}"), number).await;
    }
    metric_is(old.address(), QUEUED, 0.0).await;
    let fresh = node(&nats).await;
    assert_eq!(state(fresh.address(), "w").await, state(old.address(), "w").await);
    // By now there is so much that a document takes its place.
    let text = |number: usize| format!("{number} {}", "0123456789".repeat(6000));
    for number in 0..40 {
        ada.set_acked(&format!("large {number}"), &format!("key {number}"), text(number)).await;
    }
    within("a document in the place of changes", async {
        while metric(old.address(), DOCUMENTS).await == 0.0 || messages_in(&nats, CHANGES).await > 30 {}
    })
    .await;
    let second = node(&nats).await;
    assert_eq!(state(second.address(), "w").await, state(old.address(), "w").await);
    assert_eq!(count(second.address(), "w").await, 50);
    assert_eq!(metric(second.address(), DOCUMENTS).await, 0.0, "one document is enough for all");
    // What comes after it goes on, on all of them.
    ada.set_acked("last", "last", true).await;
    let addresses = [old.address(), fresh.address(), second.address()];
    same(&addresses, "w", 41).await;
}

#[tokio::test]
async fn what_documents_replaced_is_removed_and_nobody_misses_it() {
    let nats = NatsServer::start();
    // Neither reads while the other writes.
    let keep =
        [("NATS_KEEP_SECONDS", "0.1"), ("WORKSPACE_OP_BYTES", "16777216"), ("WS_PING_SECONDS", "3600")];
    let nodes = [node_with(&nats.url(), &keep).await, node_with(&nats.url(), &keep).await];
    let addresses = [nodes[0].address(), nodes[1].address()];
    let (mut ada, _) = Ws::join(addresses[0], "w", "ada").await;
    let (mut bob, _) = Ws::join(addresses[1], "w", "bob").await;
    for number in 0..6 {
        // Each is an object, and more than enough for a new document.
        let by = if number % 2 == 0 { &mut ada } else { &mut bob };
        by.set_acked(&number.to_string(), &format!("key {number}"), "x".repeat(1_500_000)).await;
        same(&addresses, "w", number + 1).await;
    }
    let bucket = raw(&nats).await.get_object_store(CHANGES).await.expect("a bucket");
    within("an empty stream and one document", async {
        loop {
            let objects: Vec<_> =
                futures_util::StreamExt::collect(bucket.list().await.expect("a list")).await;
            if messages_in(&nats, CHANGES).await == 0 && objects.len() == 1 {
                break;
            }
        }
    })
    .await;
    let fresh = node(&nats).await;
    same(&[addresses[0], addresses[1], fresh.address()], "w", 6).await;
}

#[tokio::test]
async fn a_document_of_five_megabytes_replicates() {
    let nats = NatsServer::start();
    let large = [("WORKSPACE_OP_BYTES", "16777216")];
    let nodes = [node_with(&nats.url(), &large).await, node_with(&nats.url(), &large).await];
    let addresses = [nodes[0].address(), nodes[1].address()];
    let (mut bob, _) = Ws::join(addresses[1], "one", "bob").await;
    let (mut ada, _) = Ws::join(addresses[0], "one", "ada").await;
    // As one op, to a socket that waits for it,
    let text = "0123456789".repeat(500_000);
    ada.set_acked("1", "key", text.as_str()).await;
    assert_eq!(bob.message().await["payload"]["value"], text.as_str());
    bob.set_acked("2", "other", 1).await;
    same(&addresses, "one", 2).await;
    // and as many small ones.
    let (mut ada, _) = Ws::join(addresses[0], "many", "ada").await;
    let (mut bob, _) = Ws::join(addresses[1], "many", "bob").await;
    let write = async {
        for number in 0..100 {
            ada.set_acked(&number.to_string(), &format!("key {number}"), "0123456789".repeat(5200)).await;
        }
    };
    // Whoever reads nothing for ten seconds is sent away.
    let read = async {
        loop {
            let message = bob.message().await;
            // Many at once come as a whole state.
            if message["payload"]["key"] == "key 99" || message["data"]["key 99"].is_string() {
                return;
            }
        }
    };
    tokio::join!(write, read);
    let whole = same(&addresses, "many", 100).await;
    assert!(whole.to_string().len() > 5_000_000);
    bob.set_acked("last", "last", 1).await;
    let fresh = node(&nats).await;
    same(&[addresses[0], addresses[1], fresh.address()], "many", 101).await;
    same(&[addresses[0], addresses[1], fresh.address()], "one", 2).await;
}

#[tokio::test]
async fn what_was_there_before_nats_is_on_all_nodes() {
    let (nats, folder) = (NatsServer::start(), Folder::new());
    let alone = start(&[("DATA_DIR", folder.path())]);
    let (mut ada, _) = Ws::join(alone.address(), "w", "ada").await;
    for number in 0..30 {
        ada.set_acked(&number.to_string(), &format!("key {number}"), "x".repeat(60_000)).await;
    }
    alone.stop().await;
    let other = node(&nats).await;
    let (mut bob, _) = Ws::join(other.address(), "w", "bob").await;
    bob.set_acked("1", "bob's", 1).await;
    let one = node_with(&nats.url(), &[("DATA_DIR", folder.path())]).await;
    let addresses = [one.address(), other.address()];
    same(&addresses, "w", 31).await;
    let fresh = node(&nats).await;
    assert_eq!(state(fresh.address(), "w").await, state(addresses[0], "w").await);
}

#[tokio::test]
async fn a_stream_that_was_lost_is_made_anew_with_all_that_there_is() {
    let nats = NatsServer::start();
    let nodes = [node(&nats).await, node(&nats).await];
    let addresses = [nodes[0].address(), nodes[1].address()];
    let (mut ada, _) = Ws::join(addresses[0], "w", "ada").await;
    let (mut bob, _) = Ws::join(addresses[1], "w", "bob").await;
    ada.set_acked("1", "ada", 1).await;
    bob.set_acked("1", "bob", 1).await;
    same(&addresses, "w", 2).await;
    raw(&nats).await.delete_stream(CHANGES).await.unwrap();
    within("a new one", async { while raw(&nats).await.get_stream(CHANGES).await.is_err() {} }).await;
    within("what was in it", async { while messages_in(&nats, CHANGES).await == 0 {} }).await;
    ada.set_acked("2", "ada", 2).await;
    let fresh = node(&nats).await;
    let whole = same(&[addresses[0], addresses[1], fresh.address()], "w", 2).await;
    assert_eq!(whole, json!({ "ada": 2, "bob": 1 }));
}
