//! What hostile peers send: each is shown out with a code, and nobody else notices.

use std::time::{Duration, Instant};

use automerge::{ActorId, AutoCommit, ROOT, transaction::Transactable as _};
use cbor4ii::core::Value as Cbor;
use flate2::{Compression, write::DeflateEncoder};
use serde_json::json;

use crate::{
    repo_peer::{Peer, encode, frame, id_of},
    support::{Ws, data, start},
};

fn leb(mut number: u64) -> Vec<u8> {
    let mut bytes = Vec::new();
    while number >= 0x80 {
        bytes.push(number as u8 | 0x80);
        number >>= 7;
    }
    bytes.push(number as u8);
    bytes
}

fn prefixed(bytes: &[u8]) -> Vec<u8> {
    [&leb(bytes.len() as u64), bytes].concat()
}

/// A chunk of that kind, whose checksum is that of a change with `body`.
fn chunk(kind: u8, body: &[u8], written: &[u8]) -> Vec<u8> {
    let hashed = [&[1][..], &prefixed(body)].concat();
    let hash = aws_lc_rs::digest::digest(&aws_lc_rs::digest::SHA256, &hashed);
    [&[0x85, 0x6f, 0x4a, 0x83][..], &hash.as_ref()[..4], &[kind], &prefixed(written)].concat()
}

/// A change's body with this first op and these columns.
fn body(first_op: u64, columns: &[(u8, &[u8])]) -> Vec<u8> {
    let mut body = [&[0][..], &prefixed(&[7; 16]), &leb(1), &leb(first_op), &[0, 0, 0]].concat();
    body.push(columns.len() as u8);
    for (specification, bytes) in columns {
        body.push(*specification);
        body.extend(leb(bytes.len() as u64));
    }
    columns.iter().for_each(|(_, bytes)| body.extend_from_slice(bytes));
    body
}

/// A sync message of no heads with these changes.
fn message(changes: &[Vec<u8>]) -> Vec<u8> {
    let mut message = vec![0x42, 0, 0, 0];
    message.extend(leb(changes.len() as u64));
    changes.iter().for_each(|change| message.extend(prefixed(change)));
    message
}

fn plain(body: &[u8]) -> Vec<u8> {
    message(&[chunk(1, body, body)])
}

fn deflated(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = DeflateEncoder::new(Vec::new(), Compression::best());
    std::io::Write::write_all(&mut encoder, bytes).unwrap();
    encoder.finish().unwrap()
}

const HUGE: [u8; 9] = [0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x3f];

/// Sync messages that would take gigabytes, hours or the process, and the code that each is closed with.
fn corpus() -> Vec<(&'static str, Vec<u8>, u16)> {
    let run = |value: &[u8]| [&HUGE[..], value].concat();
    let zeros = vec![0; 400 << 20];
    let inflates = deflated(&zeros);
    assert!(inflates.len() < 500_000, "{}", inflates.len());
    let hashes = |count: u64| [&[0x42][..], &leb(count)].concat();
    let bloom = |entries: u64, bits: u64, probes: u64, rest: &[u8]| {
        let filter = [leb(entries), leb(bits), leb(probes), rest.to_vec()].concat();
        [&[0x42, 0, 0, 1, 0][..], &prefixed(&filter), &[0]].concat()
    };
    let sound = AutoCommit::new().with_actor(ActorId::from([9; 16])).save();
    let mut wrong_checksum = chunk(1, &body(1, &[]), &body(1, &[]));
    wrong_checksum[5] ^= 1;
    vec![
        ("a change that inflates to 400 MB", message(&[chunk(2, &zeros[..10], &inflates)]), 1009),
        ("ops by the quintillion", plain(&body(1, &[(0x42, &run(&[1]))])), 1009),
        ("nothing by the quintillion", plain(&body(1, &[(0x42, &[&[0][..], &HUGE[..]].concat())])), 1009),
        ("truths by the quintillion", plain(&body(1, &[(0x34, &HUGE)])), 1009),
        ("a group of a quintillion", plain(&body(1, &[(0x70, &[&[0x7f][..], &HUGE[..]].concat())])), 1009),
        ("texts by the quintillion", plain(&body(1, &[(0x15, &run(&[1, b'a']))])), 1009),
        ("compressed columns", plain(&body(1, &[(0x4a, &[1, 1])])), 1002),
        (
            "an actor that is none",
            plain(&body(1, &[(0x01, &[1, 5]), (0x02, &[1, 1]), (0x42, &[1, 1])])),
            1002,
        ),
        ("ops of the far future", plain(&body(u64::from(u32::MAX), &[])), 1009),
        ("ops of the near future", plain(&body(1_000_000, &[])), 1008),
        ("an op number of nothing", plain(&body(0, &[])), 1002),
        ("a whole document", message(&[sound]), 1002),
        ("a bundle", message(&[chunk(3, &[], &[0; 40])]), 1002),
        ("a wrong checksum", message(&[wrong_checksum]), 1002),
        ("no chunk", message(&[vec![1, 2, 3]]), 1002),
        ("a quintillion heads", hashes(u64::MAX), 1009),
        ("heads that are not there", hashes(4000), 1002),
        ("a quintillion changes", [&[0x42, 0, 0, 0][..], &HUGE[..]].concat(), 1002),
        ("a quintillion summaries", [&[0x42, 0, 0][..], &HUGE[..]].concat(), 1009),
        ("a filter of no bits", bloom(1, 0, 7, &[]), 1002),
        ("a filter with four billion probes", bloom(1, 10, u64::from(u32::MAX), &[0; 2]), 1002),
        ("a filter without probes", bloom(1, 10, 0, &[0; 2]), 1002),
        ("a filter that is larger than it is", bloom(u64::from(u32::MAX), 10, 7, &[0; 2]), 1002),
        ("a filter past all numbers", bloom(u64::MAX, u64::MAX, 7, &[0; 2]), 1002),
        ("another type", vec![0x41, 0, 0, 0, 0], 1002),
        ("nothing", vec![], 1002),
        ("half a message", vec![0x42, 0, 0], 1002),
    ]
}

#[tokio::test]
async fn bombs_are_refused_at_once_and_nobody_else_notices() {
    let server = start(&[("RATE_LIMIT_PER_ADDRESS", "off"), ("RATE_LIMIT_PER_ROUTE", "off")]);
    let address = server.address();
    let (mut ada, _) = Ws::join(address, "w", "ada").await;
    ada.set_acked("1", "title", "first").await;
    let id = id_of(address, "w").await;
    let mut bystander = Peer::join_as(address, "bob", "read write").await;
    let mut replica = bystander.fetch(&id).await;
    let corpus = corpus();
    let before = resident_peak();
    for (what, bomb, code) in &corpus {
        let mut peer = Peer::join_as(address, "mallory", "read write").await;
        peer.fetch(&id).await;
        let began = Instant::now();
        peer.say("sync", &id, bomb).await;
        let (errors, closed) = peer.ended().await;
        assert_eq!((errors.len(), closed), (1, Some(*code)), "{what}: {errors:?}");
        // Far below what any of them would take; how far is another's measure.
        assert!(began.elapsed() < Duration::from_secs(2), "{what}: {:?}", began.elapsed());
        println!("{what}: {:?}", began.elapsed());
    }
    let grown = resident_peak() - before;
    assert!(grown < 64 << 20, "{grown} bytes");
    assert!(ada.is_quiet().await, "nobody begins anew");
    replica.doc.put(ROOT, "title", "still here").unwrap();
    bystander.push(&mut replica).await;
    assert_eq!(ada.message().await["payload"]["value"], "still here");
    assert_eq!(data(address, "w").await, json!({ "title": "still here" }));
}

/// The most memory that this process ever had, in bytes.
fn resident_peak() -> usize {
    let status = std::fs::read_to_string("/proc/self/status").expect("it is Linux");
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:")).expect("a peak");
    line.trim().trim_end_matches(" kB").parse::<usize>().expect("a number") << 10
}

#[tokio::test]
async fn frames_that_are_none() {
    let server = start(&[("RATE_LIMIT_PER_ADDRESS", "off"), ("RATE_LIMIT_PER_ROUTE", "off")]);
    let address = server.address();
    let (mut ada, _) = Ws::join(address, "w", "ada").await;
    ada.set_acked("1", "k", 1).await;
    let id = id_of(address, "w").await;
    let text = |text: &str| Cbor::Text(text.to_owned());
    let mut deep = encode(&Cbor::Map(vec![(text("type"), text("join")), (text("senderId"), text("p"))]));
    deep[0] += 1;
    deep.extend(encode(&text("x")));
    deep.extend([0x81; 100_000]);
    let garbage: [&[u8]; 9] = [
        &[],
        &[0xff],
        &[0xa1],
        &[0xbb, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff],
        &[0x5b, 0x7f, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff],
        &[0x9f; 5000],
        &[0xbf; 5000],
        &deep,
        &[frame(&[("type", "join"), ("senderId", "p")], None), vec![0]].concat(),
    ];
    for bytes in garbage {
        let mut peer = Peer::open_as(address, "mallory", "read write").await;
        peer.send_raw(bytes.to_vec()).await;
        assert_eq!(peer.ended().await.1, Some(1002), "{:x?}", &bytes[..bytes.len().min(20)]);
    }
    let mut peer = Peer::open_as(address, "mallory", "read write").await;
    peer.send_text("{}").await;
    assert_eq!(peer.ended().await.1, Some(1002));
    let mut peer = Peer::open_as(address, "mallory", "read write").await;
    peer.say("request", &id, &[0x42, 0, 0, 0, 0]).await;
    assert_eq!(peer.ended().await.1, Some(1002), "before it has joined");
    for (sender, target) in [("another", None), ("peer-mallory", Some("another"))] {
        let mut peer = Peer::join_as(address, "mallory", "read write").await;
        let target = target.unwrap_or(&peer.server).to_owned();
        let texts = [("type", "request"), ("senderId", sender), ("targetId", &target), ("documentId", &id)];
        peer.send_raw(frame(&texts, Some(&[0x42, 0, 0, 0, 0]))).await;
        assert_eq!(peer.ended().await.1, Some(1008), "{sender}");
    }
    // What may be of a newer version is refused, and ends it only when that goes on and on.
    let mut peer = Peer::join_as(address, "mallory", "read write").await;
    for _ in 0..101 {
        peer.say("dance", &id, &[]).await;
    }
    let (errors, code) = peer.ended().await;
    assert_eq!((errors.len(), code), (101, Some(1008)));
    let mut peer = Peer::join_as(address, "mallory", "read write").await;
    peer.send_raw(vec![0; 2 << 20]).await;
    assert_eq!(peer.ended().await.1, Some(1009));
    assert!(ada.is_quiet().await);
}

/// Changes whose origins never come are held up to a bound, and asked for a few times.
#[tokio::test]
async fn origins_that_never_come() {
    let server = start(&[("RATE_LIMIT_PER_ADDRESS", "off"), ("RATE_LIMIT_PER_ROUTE", "off")]);
    let address = server.address();
    let (mut ada, _) = Ws::join(address, "w", "ada").await;
    ada.set_acked("1", "k", 1).await;
    let id = id_of(address, "w").await;
    let mut author = AutoCommit::new();
    author.put(ROOT, "a", 1).unwrap();
    author.commit();
    author.put(ROOT, "b", 2).unwrap();
    author.commit();
    let orphan = author.get_changes(&[])[1].raw_bytes().to_vec();
    let mut peer = Peer::join_as(address, "mallory", "read write").await;
    peer.fetch(&id).await;
    peer.say("sync", &id, &message(&[orphan])).await;
    let wanted = automerge::sync::Message::decode(peer.frame().await.data()).unwrap().need;
    assert_eq!(wanted, [author.get_changes(&[])[0].hash()], "it is asked for what is missing");
    let mut asked = 0;
    let code = loop {
        peer.say("sync", &id, &message(&[])).await;
        match peer.next().await {
            Ok(_) => asked += 1,
            Err(code) => break code,
        }
        assert!(asked < 100, "it ends");
    };
    assert_eq!(code, Some(1008));
    assert!(ada.is_quiet().await);
    // With its origin it is taken in.
    let mut peer = Peer::join_as(address, "mallory", "read write").await;
    peer.fetch(&id).await;
    let mut changes = author.get_changes(&[]).into_iter().map(|change| change.raw_bytes().to_vec());
    let (first, second) = (changes.next().unwrap(), changes.next().unwrap());
    peer.say("sync", &id, &message(&[second])).await;
    peer.frame().await;
    peer.say("sync", &id, &message(&[first])).await;
    assert_eq!(
        [ada.message().await["payload"]["key"].clone(), ada.message().await["payload"]["key"].clone()],
        ["a", "b"]
    );
}
