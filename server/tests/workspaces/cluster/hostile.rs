//! What comes from NATS may be anything, in any order.

use serde_json::json;
use syncline_testkit::within;

use super::{CHANGES, NatsServer, QUEUED, count, node, raw, same, state};
use crate::support::{Ws, metric, metric_is};

const MALFORMED: &str = "syncline_replication_malformed_total";

#[tokio::test]
async fn what_others_write_to_nats_changes_nothing_and_is_counted() {
    let nats = NatsServer::start();
    let node = node(&nats).await;
    let address = node.address();
    let (mut ada, _) = Ws::join(address, "w", "ada").await;
    ada.set_acked("1", "key", 1).await;
    metric_is(address, QUEUED, 0.0).await;
    let before = state(address, "w").await;
    let jetstream = raw(&nats).await;
    let stream = jetstream.get_stream(CHANGES).await.unwrap();
    let sound = stream.get_raw_message(1).await.unwrap();
    let headers = |format: &str, object: Option<&str>| {
        let mut headers = async_nats::HeaderMap::new();
        headers.insert("Syncline-Format", format);
        object.into_iter().for_each(|object| headers.insert("Syncline-Object", object));
        headers
    };
    let mut broken = sound.payload.to_vec();
    broken[6] ^= 1;
    // Another change in the place of one of the same actor, as no Automerge would make it.
    let mut forged = automerge::Automerge::new();
    forged.apply_changes([automerge::Change::try_from(&sound.payload[..]).unwrap()]).unwrap();
    let actor = forged.get_changes(&[])[0].actor_id().clone();
    let mut forger = automerge::AutoCommit::new().with_actor(actor);
    automerge::transaction::Transactable::put(&mut forger, automerge::ROOT, "key", "forged").unwrap();
    forger.commit();
    let forged = forger.get_changes(&[])[0].raw_bytes().to_vec();
    let none = async_nats::HeaderMap::new();
    let unreadable: Vec<(async_nats::HeaderMap, &str, Vec<u8>)> = vec![
        (none, "workspaces.w.changes", sound.payload.to_vec()),
        (headers("2", None), "workspaces.w.changes", sound.payload.to_vec()),
        (headers("1", None), "workspaces.w.changes", b"nonsense".to_vec()),
        (headers("1", None), "workspaces.w.changes", Vec::new()),
        (headers("1", None), "workspaces.w.changes", broken),
        (headers("1", None), "workspaces.=77.changes", sound.payload.to_vec()),
        (headers("1", Some("../../etc/passwd")), "workspaces.w.changes", Vec::new()),
    ];
    let unreadables = unreadable.len() as f64;
    for (number, (headers, subject, body)) in unreadable.into_iter().enumerate() {
        jetstream.publish_with_headers(subject, headers, body.into()).await.unwrap().await.unwrap();
        metric_is(address, MALFORMED, (number + 1) as f64).await;
    }
    // After this one the document is read anew, from the stream too: what could not be read is then counted once more.
    let forged = jetstream.publish_with_headers("workspaces.w.changes", headers("1", None), forged.into());
    forged.await.unwrap().await.unwrap();
    within("it is counted", async { while metric(address, MALFORMED).await <= unreadables {} }).await;
    assert_eq!(state(address, "w").await, before);
    // The same once more changes nothing either, nor does an object that is not there.
    let gone = headers("1", Some(&"0".repeat(64)));
    for (headers, body) in [(headers("1", None), sound.payload.clone()), (gone, "".into())] {
        jetstream.publish_with_headers("workspaces.w.changes", headers, body).await.unwrap().await.unwrap();
    }
    ada.set_acked("2", "key", 2).await;
    let fresh = super::node(&nats).await;
    assert_eq!(same(&[address, fresh.address()], "w", 1).await, json!({ "key": 2 }));
    assert_eq!((count(address, "w").await, count(fresh.address(), "w").await), (2, 2));
}

#[tokio::test]
async fn changes_may_come_in_any_order_and_twice() {
    let nats = NatsServer::start();
    let one = node(&nats).await;
    let (mut ada, _) = Ws::join(one.address(), "w", "ada").await;
    for number in 0..12 {
        ada.set_acked(&number.to_string(), &format!("key {number}"), number).await;
    }
    metric_is(one.address(), QUEUED, 0.0).await;
    let wanted = state(one.address(), "w").await;
    one.stop().await;
    let jetstream = raw(&nats).await;
    let stream = jetstream.get_stream(CHANGES).await.unwrap();
    let mut messages = Vec::new();
    for sequence in 1..=12 {
        messages.push(stream.get_raw_message(sequence).await.unwrap());
    }
    stream.purge().await.unwrap();
    let other = node(&nats).await;
    let (mut bob, _) = Ws::join(other.address(), "w", "bob").await;
    let send = async |sequence: usize| {
        let message = &messages[sequence];
        let mut headers = message.headers.clone();
        headers.insert("Nats-Msg-Id", format!("{sequence} {}", uuid()));
        let sent = jetstream.publish_with_headers(message.subject.clone(), headers, message.payload.clone());
        sent.await.unwrap().await.unwrap();
    };
    for sequence in (0..12).rev().chain([3, 3, 7]) {
        send(sequence).await;
    }
    within("all of it", async { while state(other.address(), "w").await != wanted {} }).await;
    let mut told = std::collections::BTreeSet::new();
    while told.len() < 12 {
        let message = bob.message().await;
        // Many at once come as a whole state.
        match message["data"].as_object() {
            Some(all) => told.extend(all.keys().cloned()),
            None => _ = told.insert(message["payload"]["key"].as_str().unwrap().to_owned()),
        }
    }
    assert_eq!(count(other.address(), "w").await, 12);
}

fn uuid() -> String {
    std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap().as_nanos().to_string()
}
