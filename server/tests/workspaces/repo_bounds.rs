//! What bounds an Automerge client that means no harm: the documents of a connection, and the rate at which it waits.

use std::time::{Duration, Instant};

use automerge::{ROOT, transaction::Transactable as _};
use serde_json::json;

use crate::{
    repo_peer::{Peer, id_of},
    support::{Ws, data, start},
};

/// How many documents one connection may have.
const MAX_DOCUMENTS: usize = 256;

/// What a client that has nothing of a document asks for.
const WANTS_ALL: [u8; 5] = [0x42, 0, 0, 0, 0];

/// Asks for a document; the type of the answer.
async fn ask(peer: &mut Peer, id: &str) -> String {
    peer.say("request", id, &WANTS_ALL).await;
    loop {
        // One that it has may have something more to say.
        let frame = peer.frame().await;
        if frame.text("documentId") == id {
            return frame.text("type").to_owned();
        }
    }
}

#[tokio::test]
async fn a_connection_has_so_many_documents_and_goes_on_with_them() {
    let unbounded =
        [("RATE_LIMIT_PER_ADDRESS", "off"), ("RATE_LIMIT_PER_ROUTE", "off"), ("WS_PER_ADDRESS", "1000")];
    let server = start(&unbounded);
    let address = server.address();
    let mut ids = Vec::new();
    for number in 0..=MAX_DOCUMENTS {
        let workspace = format!("w{number}");
        let (mut ada, _) = Ws::join(address, &workspace, "ada").await;
        ada.set_acked("1", "n", number).await;
        ids.push(id_of(address, &workspace).await);
    }
    let mut peer = Peer::join_as(address, "bob", "read write").await;
    let mut first = peer.fetch(&ids[0]).await;
    for id in &ids[1..MAX_DOCUMENTS] {
        assert_eq!(ask(&mut peer, id).await, "sync");
    }
    let one_more = &ids[MAX_DOCUMENTS];
    assert_eq!(ask(&mut peer, one_more).await, "doc-unavailable");
    let mut another = Peer::join_as(address, "bob", "read write").await;
    assert_eq!(ask(&mut another, one_more).await, "sync");
    first.doc.put(ROOT, "by", "bob").unwrap();
    peer.push(&mut first).await;
    assert_eq!(data(address, "w0").await, json!({ "n": 0, "by": "bob" }));
}

/// Nothing of a sync may be left out, so who is too fast is neither refused nor passed over.
#[tokio::test]
async fn who_is_too_fast_waits_and_loses_nothing() {
    let server = start(&[("RATE_LIMIT_PER_ADDRESS", "off"), ("RATE_LIMIT_PER_ROUTE", "3/1")]);
    let address = server.address();
    let (mut ada, _) = Ws::join(address, "w", "ada").await;
    ada.set_acked("1", "n", 0).await;
    let id = id_of(address, "w").await;
    let mut peer = Peer::join_as(address, "bob", "read write").await;
    let began = Instant::now();
    let mut replica = peer.fetch(&id).await;
    for number in 1..=8 {
        replica.doc.put(ROOT, format!("k{number}"), number).unwrap();
        peer.push(&mut replica).await;
    }
    // Of nine messages or more three are free, and three a second come after them.
    assert!(began.elapsed() >= Duration::from_secs(1), "{:?}", began.elapsed());
    let state = data(address, "w").await;
    assert!((1..=8).all(|number| state[format!("k{number}")] == number), "{state}");
}
