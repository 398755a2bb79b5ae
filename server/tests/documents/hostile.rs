//! What no client of Yjs sends: its sender is shown out, and nobody else notices.

use syncline_testkit::within;
use tokio_tungstenite::tungstenite::Message;

use crate::{
    support::{Peer, Said, metric, start, text},
    yjs::{awareness_message, marker, prefixed, sync_message},
};

/// Five bytes of which a reader may think that four milliards of things follow.
const MANY: [u8; 5] = [0xff, 0xff, 0xff, 0xff, 0x0f];
const BOMB: [u8; 4] = [0xff, 0xff, 0xff, 0x7f];

/// An update of one struct of client 1 with that clock.
fn update(clock: u8, body: &[u8]) -> Vec<u8> {
    [&[1, 1, 1, clock], body, &[0]].concat()
}

/// An update with a value in which lists are in lists.
fn deep(depth: usize) -> Vec<u8> {
    let any = [[117, 1].repeat(depth), vec![126]].concat();
    update(0, &[&[8, 1, 1, b't', 1], &any[..]].concat())
}

/// A state in which lists are in lists.
fn deep_json(depth: usize) -> String {
    format!("{}1{}", "[".repeat(depth), "]".repeat(depth))
}

#[tokio::test]
async fn what_is_malformed_ends_its_sender_and_nobody_else() {
    let server = start(&[]);
    let address = server.address();
    let mut bob = Peer::join(address, "d").await;
    bob.write_kept(0, "untouched").await;
    let bytes = bob.state();
    let of_a_sync = |kind: u8, bytes: &[u8]| sync_message(kind, bytes);
    let frames: Vec<(&str, Vec<u8>)> = vec![
        ("nothing", vec![]),
        ("garbage", b"\x05garbage".to_vec()),
        ("a message there is not", vec![9, 1, 0]),
        ("a sync message there is not", of_a_sync(3, &[0, 0])),
        ("bytes after a message", [of_a_sync(2, &[0, 0]), vec![0]].concat()),
        ("bytes after an update", of_a_sync(2, &[0, 0, 0])),
        ("bytes after a state vector", of_a_sync(0, &[0, 0])),
        ("bytes after awareness", [&[1][..], &prefixed(&[0, 0])].concat()),
        ("an update that ends early", of_a_sync(2, &[1, 1])),
        ("a bomb in an update", of_a_sync(2, &BOMB)),
        ("a bomb in an answer", of_a_sync(1, &BOMB)),
        ("a bomb in a state vector", of_a_sync(0, &BOMB)),
        ("a bomb in awareness", [&[1][..], &prefixed(&BOMB)].concat()),
        ("a bomb of structs", of_a_sync(2, &[&[1][..], &MANY, &[1, 0]].concat())),
        ("a bomb of deletions", of_a_sync(2, &[&[0][..], &MANY].concat())),
        ("a length beyond the frame", [&[0, 2][..], &MANY, &[1]].concat()),
        ("a number without an end", [0xff; 32].to_vec()),
        ("values in values in values", of_a_sync(2, &deep(100_000))),
        ("a hole at first", of_a_sync(2, &[&[1, 1, 1, 0][..], &[10, 5], &[0]].concat())),
        ("awareness that is no JSON", awareness_message(&[(1, 1, "{")])),
        ("awareness in awareness", awareness_message(&[(1, 1, &deep_json(100_000))])),
        ("awareness that is too large", awareness_message(&[(1, 1, &format!("\"{}\"", "x".repeat(70_000)))])),
        (
            "a client id that is none",
            [&[1][..], &prefixed(&[&[1][..], &[0xff; 8], &[1, 1, 2], b"{}"].concat())].concat(),
        ),
    ];
    for (what, frame) in frames {
        let mut eve = Peer::come(address, "d", "eve", "read write").await;
        eve.try_send(frame).await;
        let end = eve.closed().await;
        assert_eq!(end, Some(1003), "{what}");
    }
    let mut eve = Peer::come(address, "d", "eve", "read write").await;
    eve.send_raw(Message::text("hello")).await;
    assert_eq!(eve.closed().await, Some(1003), "a text");
    let told = bob.rest().await;
    assert_eq!(told, [], "nobody is told of it");
    assert_eq!(text(address, "d").await.as_deref(), Some("untouched"));
    let late = Peer::join(address, "d").await;
    assert_eq!(late.state(), bytes);
    assert!(metric(address, "syncline_document_refused_total").await > 10.0);
}

/// The rest of what a client has said together with something malformed is refused too; what it said before is not.
#[tokio::test]
async fn what_was_said_before_it_stays() {
    let server = start(&[]);
    let address = server.address();
    let mut bob = Peer::join(address, "d").await;
    let mut eve = Peer::join(address, "d").await;
    let first = eve.write_unsent(0, "sound");
    eve.send([sync_message(2, &first), sync_message(2, &BOMB), marker(1)].concat()).await;
    assert_eq!(eve.next().await, Err(Some(1003)), "and no word of the marker");
    bob.until("sound").await;
    assert_eq!(text(address, "d").await.as_deref(), Some("sound"));
}

#[tokio::test]
async fn a_message_that_is_too_large_is_told_so() {
    let server = start(&[("DOCUMENT_FRAME_BYTES", "10000")]);
    let address = server.address();
    let mut bob = Peer::join(address, "d").await;
    let mut eve = Peer::join(address, "d").await;
    eve.write_kept(0, &"x".repeat(9_900)).await;
    bob.until(&eve.text()).await;
    let update = eve.write_unsent(0, &"y".repeat(10_000));
    eve.try_send(sync_message(2, &update)).await;
    assert_eq!(eve.closed().await, Some(1009));
    assert_eq!(bob.rest().await, []);
}

#[tokio::test]
async fn a_document_has_an_end() {
    let server = start(&[("DOCUMENT_BYTES", "5000")]);
    let address = server.address();
    let mut bob = Peer::join(address, "d").await;
    let mut eve = Peer::join(address, "d").await;
    // Often more than there is room for, if what is gone counted.
    for _ in 0..4 {
        eve.write_kept(0, &"x".repeat(3_000)).await;
        eve.erase(0, 3_000).await;
        eve.kept().await;
    }
    eve.write_kept(0, &"x".repeat(4_000)).await;
    eve.write(0, &"y".repeat(2_000)).await;
    assert_eq!(eve.closed().await, Some(1009));
    bob.until(&"x".repeat(4_000)).await;
    assert_eq!(bob.rest().await, []);
    bob.write_kept(0, "still room for this").await;
    assert_eq!(text(address, "d").await.map(|text| text.len()), Some(4_019));
}

/// Each of them would fit, and all are on their way before the first is in the document.
#[tokio::test]
async fn a_document_has_an_end_for_many_at_once_too() {
    let server = start(&[("DOCUMENT_BYTES", "5000")]);
    let address = server.address();
    let mut peers = Vec::new();
    for _ in 0..20 {
        peers.push(Peer::join(address, "d").await);
    }
    for peer in &mut peers {
        peer.write(0, &"x".repeat(3_000)).await;
    }
    let mut full = 0;
    for peer in &mut peers {
        peer.try_send(marker(1)).await;
        let end = loop {
            match peer.next().await {
                Ok(Said::Journaled(1)) => break None,
                Ok(_) => {}
                Err(code) => break code,
            }
        };
        full += usize::from(end == Some(1009));
    }
    assert_eq!(full, 19, "one had room");
    assert_eq!(text(address, "d").await.map(|text| text.len()), Some(3_000));
}

/// Stock clients take a connection for dead on which nothing but pings came for 30 s.
#[tokio::test]
async fn a_silent_client_is_told_something_every_now_and_then() {
    let server = start(&[("WS_PING_SECONDS", "0.1")]);
    let mut ada = Peer::join(server.address(), "d").await;
    for _ in 0..3 {
        assert_eq!(ada.said().await, Said::Awareness(vec![]));
    }
}

/// Many at a time that do not fit, from one who does not wait: heard one after the other, and nobody else waits for it.
#[tokio::test]
async fn a_flood_of_gaps_costs_one_question() {
    let server = start(&[]);
    let address = server.address();
    let mut eve = Peer::join(address, "d").await;
    let _lost = eve.write_unsent(0, "a");
    let mut frames = Vec::new();
    for at in 1..200 {
        frames.push(sync_message(2, &eve.write_unsent(at, "x")));
    }
    for frame in frames {
        eve.send(frame).await;
    }
    eve.send(sync_message(0, &[0])).await;
    let mut questions = 0;
    within("the answer", async {
        loop {
            match eve.said().await {
                Said::Step1(_) => questions += 1,
                Said::Step2(_) => break,
                other => panic!("{other:?}"),
            }
        }
    })
    .await;
    assert_eq!(questions, 1);
}
