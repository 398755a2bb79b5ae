//! Streams: what is on them and when, and who may have one.

use serde_json::{Value, json};
use syncline_testkit::{TestServer, within};
use tokio::net::TcpStream;

use crate::support::{Item, Sse, code, delete, get, metric, put, start};

fn marker(room: &str) -> (Option<String>, Value) {
    (None, json!({ "room_id": room, "version": 0, "updated_at": null, "state": null }))
}

#[tokio::test]
async fn the_head_says_what_it_is() {
    let server = start(&[]);
    let stream = Sse::open(server.address(), "abc").await;
    for (name, value) in [
        ("content-type", "text/event-stream"),
        ("cache-control", "no-cache"),
        ("connection", "keep-alive"),
        ("x-accel-buffering", "no"),
    ] {
        assert_eq!(stream.header(name), Some(value), "{}", stream.head);
    }
    let old = TcpStream::connect(server.address()).await.unwrap();
    let old = Sse::over(old, server.address(), "abc", "HTTP/1.0", &[]).await;
    assert_eq!(old.status, 200);
    assert_ne!(old.header("connection"), Some("keep-alive"));
}

#[tokio::test]
async fn the_current_record_comes_at_once_and_each_update_after_it() {
    let server = start(&[]);
    let record = put(server.address(), "abc", json!({ "a": "line\nbreak" })).await;
    let mut streams = [Sse::open(server.address(), "abc").await, Sse::open(server.address(), "abc").await];
    for stream in &mut streams {
        assert_eq!(stream.event().await, (Some("1".to_owned()), record.clone()));
    }
    let other = put(server.address(), "other", json!({})).await;
    assert_eq!(other["version"], 1);
    for version in 2..6 {
        let record = put(server.address(), "abc", json!([version])).await;
        for stream in &mut streams {
            assert_eq!(stream.event().await, (Some(version.to_string()), record.clone()));
        }
    }
}

#[tokio::test]
async fn a_room_that_is_not_there_yet() {
    let server = start(&[]);
    let mut stream = Sse::open(server.address(), "abc").await;
    assert_eq!(stream.event().await, marker("abc"));
    let record = put(server.address(), "abc", json!({})).await;
    assert_eq!(stream.event().await, (Some("1".to_owned()), record));
}

#[tokio::test]
async fn who_has_the_current_version_does_not_get_it_again() {
    let server = start(&[]);
    for _ in 0..3 {
        put(server.address(), "abc", json!({})).await;
    }
    let open = async |last_seen: &str| {
        Sse::open_with(server.address(), "abc", &[("last-event-id", last_seen)]).await
    };
    let mut has_it = open("3").await;
    for other in ["2", "1", "0", "4", "33", "nonsense", ""] {
        assert_eq!(open(other).await.version().await, 3, "{other}");
    }
    put(server.address(), "abc", json!({})).await;
    assert_eq!(has_it.version().await, 4);
    delete(server.address(), "abc").await;
    let mut gone = open("4").await;
    assert_eq!(gone.event().await, marker("abc"), "that the room is gone is always said");
}

#[tokio::test]
async fn deleting_resets_the_stream_and_leaves_it_open() {
    let server = start(&[]);
    put(server.address(), "abc", json!({})).await;
    let mut stream = Sse::open(server.address(), "abc").await;
    assert_eq!(stream.version().await, 1);
    delete(server.address(), "abc").await;
    assert_eq!(stream.event().await, marker("abc"));
    delete(server.address(), "abc").await;
    put(server.address(), "abc", json!({})).await;
    assert_eq!(stream.version().await, 2, "no second marker, and the count goes on");
}

#[tokio::test]
async fn sweeping_resets_streams_and_leaves_them_open() {
    let server = start(&[("ROOM_TTL_SECONDS", "0.3"), ("ROOM_SWEEP_SECONDS", "0.02")]);
    put(server.address(), "abc", json!({})).await;
    let mut stream = Sse::open(server.address(), "abc").await;
    assert_eq!(stream.version().await, 1);
    assert_eq!(stream.event().await, marker("abc"), "swept");
    assert_eq!(code(&get(server.address(), "abc", &[]).await), "room_not_found");
    assert_eq!(put(server.address(), "abc", json!({})).await["version"], 2, "within one more time to live");
    assert_eq!(stream.version().await, 2);
    assert_eq!(stream.event().await, marker("abc"));
    // Once the tombstone has gone too the room begins anew, and a stream that knew the old one hears of it. These were
    // deleted after it was swept: when one of them begins anew, so does it.
    for number in 0..300 {
        put(server.address(), &format!("later{number}"), json!({})).await;
        delete(server.address(), &format!("later{number}")).await;
    }
    within("a count to begin anew", async {
        let mut number = 0;
        while put(server.address(), &format!("later{number}"), json!({})).await["version"] != 1 {
            tokio::time::sleep(std::time::Duration::from_millis(10)).await;
            number += 1;
        }
    })
    .await;
    assert_eq!(put(server.address(), "abc", json!({ "new": true })).await["version"], 1);
    let (id, data) = stream.event().await;
    assert_eq!((id.as_deref(), &data["state"]), (Some("1"), &json!({ "new": true })));
    assert!(metric(server.address(), "syncline_rooms_swept_total").await >= 2.0);
}

#[tokio::test]
async fn heartbeats() {
    let server = start(&[("HEARTBEAT_SECONDS", "0.1")]);
    let mut streams = Vec::new();
    for number in 0..20 {
        streams.push(Sse::open(server.address(), &format!("r{}", number % 3)).await);
    }
    for stream in &mut streams {
        assert_eq!(stream.version().await, 0);
        for _ in 0..3 {
            assert_eq!(stream.item().await, Some(Item::Comment(" heartbeat".to_owned())));
        }
    }
}

async fn refused(server: &TestServer, room: &str, headers: &[(&str, &str)]) {
    let path = format!("/api/rooms/{room}/stream");
    let answer = syncline_testkit::call(server.address(), "GET", &path, headers, "").await;
    assert_eq!((answer.status, code(&answer).as_str()), (503, "stream_limit"));
    assert!(answer.header("retry-after").is_some_and(|seconds| seconds.parse::<u64>().is_ok()));
}

#[tokio::test]
async fn streams_of_a_room_are_capped() {
    let server = start(&[("SSE_PER_ROOM", "2")]);
    let first = Sse::open(server.address(), "abc").await;
    let _second = Sse::open(server.address(), "abc").await;
    refused(&server, "abc", &[]).await;
    let _other = Sse::open(server.address(), "other").await;
    assert_eq!(metric(server.address(), "syncline_room_streams").await, 3.0);
    drop(first);
    within("the place", async { while metric(server.address(), "syncline_room_streams").await > 2.0 {} })
        .await;
    let _again = Sse::open(server.address(), "abc").await;
    refused(&server, "abc", &[]).await;
    assert_eq!(metric(server.address(), "syncline_room_streams_refused_total").await, 2.0);
}

#[tokio::test]
async fn streams_from_an_address_are_capped() {
    let server = start(&[("SSE_PER_ADDRESS", "2"), ("TRUSTED_PROXIES", "127.0.0.1")]);
    let from = |address| [("x-forwarded-for", address)];
    let _first = Sse::open_with(server.address(), "a", &from("203.0.113.1")).await;
    let _second = Sse::open_with(server.address(), "b", &from("203.0.113.1")).await;
    refused(&server, "c", &from("203.0.113.1")).await;
    assert_eq!(Sse::open_with(server.address(), "c", &from("203.0.113.2")).await.status, 200);
}
