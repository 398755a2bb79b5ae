//! Who is at a document, and who is there no more.

use crate::{
    support::{Peer, Said, start},
    yjs::awareness_message,
};

/// What a client asks when it wants to know who is there.
const QUERY: [u8; 1] = [3];

fn entry(client: u64, clock: u64, state: &str) -> (u64, u64, String) {
    (client, clock, state.to_owned())
}

/// What comes next of awareness.
async fn who(peer: &mut Peer) -> Vec<(u64, u64, String)> {
    match peer.said().await {
        Said::Awareness(mut entries) => {
            entries.sort();
            entries
        }
        other => panic!("no awareness: {other:?}"),
    }
}

#[tokio::test]
async fn whoever_comes_is_told_who_is_there() {
    let server = start(&[]);
    let address = server.address();
    let mut ada = Peer::join(address, "d").await;
    ada.send(awareness_message(&[(11, 1, r#"{"name":"Ada"}"#)])).await;
    assert_eq!(ada.rest().await, [], "not what it said itself");
    let mut bob = Peer::come(address, "d", "bob", "read").await;
    assert_eq!(who(&mut bob).await, [entry(11, 1, r#"{"name":"Ada"}"#)]);
    bob.send(awareness_message(&[(22, 1, r#"{"name":"Bob"}"#)])).await;
    assert_eq!(who(&mut ada).await, [entry(22, 1, r#"{"name":"Bob"}"#)], "who may read has a cursor too");
    ada.send(QUERY.to_vec()).await;
    let both = [entry(11, 1, r#"{"name":"Ada"}"#), entry(22, 1, r#"{"name":"Bob"}"#)];
    assert_eq!(who(&mut ada).await, both);
    let mut elsewhere = Peer::join(address, "e").await;
    elsewhere.send(QUERY.to_vec()).await;
    assert_eq!(elsewhere.rest().await, [], "nobody is there, and nobody of another document");
}

#[tokio::test]
async fn whoever_leaves_takes_only_its_own_along() {
    let server = start(&[]);
    let address = server.address();
    let mut bob = Peer::join(address, "d").await;
    let mut tabs = [Peer::join(address, "d").await, Peer::join(address, "d").await];
    tabs[0].send(awareness_message(&[(1, 5, "{}"), (2, 1, "{}")])).await;
    assert_eq!(who(&mut bob).await, [entry(1, 5, "{}"), entry(2, 1, "{}")]);
    tabs[1].send(awareness_message(&[(3, 1, "{}")])).await;
    assert_eq!(who(&mut bob).await, [entry(3, 1, "{}")]);
    // A second socket repeats what it has heard of the first, as y-protocols does: that makes it nobody's but the first's.
    tabs[1].send(awareness_message(&[(1, 5, "{}")])).await;
    let [first, mut second] = tabs;
    first.close().await;
    assert_eq!(who(&mut bob).await, [entry(1, 5, "null"), entry(2, 1, "null")]);
    second.send(QUERY.to_vec()).await;
    let mut left = Vec::new();
    for said in second.rest().await {
        if let Said::Awareness(entries) = said {
            left = entries;
        }
    }
    assert_eq!(left, [entry(3, 1, "{}")]);
    // As a process that is killed: without a word.
    drop(second);
    assert_eq!(who(&mut bob).await, [entry(3, 1, "null")]);
    bob.send(QUERY.to_vec()).await;
    assert_eq!(bob.rest().await, []);
}

#[tokio::test]
async fn a_client_says_itself_that_it_is_gone_and_comes_back() {
    let server = start(&[]);
    let address = server.address();
    let (mut ada, mut bob) = (Peer::join(address, "d").await, Peer::join(address, "d").await);
    for (clock, state) in [(1, "{}"), (2, "null"), (3, "{}")] {
        ada.send(awareness_message(&[(1, clock, state)])).await;
        assert_eq!(who(&mut bob).await, [entry(1, clock, state)]);
    }
    // What is older than what is known is nothing new.
    ada.send(awareness_message(&[(1, 2, r#"{"old":1}"#)])).await;
    ada.kept().await;
    assert_eq!(bob.rest().await, []);
}

/// A socket that ends at once after it has said who it is.
#[tokio::test]
async fn nobody_stays_who_is_gone() {
    let server = start(&[]);
    let address = server.address();
    let mut bob = Peer::join(address, "d").await;
    for client in 100..130 {
        let mut passing = Peer::come(address, "d", "p", "read").await;
        passing.send(awareness_message(&[(client, 1, "{}")])).await;
        drop(passing);
    }
    // Each is gone that was told of, as soon as its socket is.
    crate::support::metric_is(address, r#"ws_connections_active{system="documents"}"#, 1.0).await;
    bob.rest().await;
    bob.send(QUERY.to_vec()).await;
    assert_eq!(bob.rest().await, []);
}
