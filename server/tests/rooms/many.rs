//! Many writers, many streams, slow readers.

use std::collections::BTreeSet;

use serde_json::json;

use crate::support::{Sse, put, start};

#[tokio::test]
async fn of_500_concurrent_writes_each_has_its_version_and_every_stream_ends_on_the_last() {
    let server = start(&[]);
    let address = server.address();
    let mut streams = Vec::new();
    for _ in 0..50 {
        let mut stream = Sse::open(address, "abc").await;
        streams.push(tokio::spawn(async move { stream.until(500).await }));
    }
    let writes = (0..500).map(|number| {
        tokio::spawn(
            async move { put(address, "abc", json!({ "n": number })).await["version"].as_u64().unwrap() },
        )
    });
    let versions: Vec<u64> =
        futures_util::future::join_all(writes).await.into_iter().map(Result::unwrap).collect();
    assert_eq!(versions.len(), 500);
    assert_eq!(versions.into_iter().collect::<BTreeSet<_>>(), (1..=500).collect());
    for stream in streams {
        let seen = stream.await.unwrap();
        assert_eq!(seen.last(), Some(&500));
    }
}

#[tokio::test]
async fn a_slow_reader_skips_to_the_newest_and_never_back() {
    const WRITES: u64 = 400;
    let server = start(&[]);
    let address = server.address();
    let mut slow = Sse::open_narrow(address, "abc").await;
    let mut quick = Sse::open(address, "abc").await;
    let filler = "x".repeat(30_000);
    for number in 1..=WRITES {
        put(address, "abc", json!({ "n": number, "filler": filler })).await;
        quick.until(number).await;
        // Whoever reads nothing for ten seconds is sent away.
        if number % 10 == 0 {
            slow.version().await;
        }
    }
    // It has read one of ten, and what fits into the buffers on the way is far less than was written.
    let seen = slow.until(WRITES).await;
    assert!((seen.len() as u64) < WRITES / 2, "it was sent everything: {}", seen.len());
    let record = put(address, "abc", json!({ "n": "after" })).await;
    assert_eq!(slow.event().await, (Some((WRITES + 1).to_string()), record));
}
