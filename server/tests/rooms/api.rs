//! GET, PUT, DELETE.

use std::time::{Duration, Instant};

use serde_json::json;
use syncline_testkit::{call, within};
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::{TcpSocket, TcpStream},
};

use crate::support::{Sse, code, delete, get, metric, path, put, put_body, start};

const LOCALES: [&str; 6] = ["en", "nl", "de", "fr", "es", "ja"];

#[tokio::test]
async fn a_room_that_is_not_there() {
    let server = start(&[]);
    let answer = get(server.address(), "abc", &[]).await;
    assert_eq!((answer.status, code(&answer).as_str()), (404, "room_not_found"));
    assert_eq!(answer.header("etag"), None);
}

#[tokio::test]
async fn a_put_creates_at_version_1_and_overwrites_at_the_next() {
    let server = start(&[]);
    let first = put(server.address(), "abc", json!({ "a": 1 })).await;
    let fields: Vec<&String> = first.as_object().unwrap().keys().collect();
    assert_eq!(fields.len(), 4, "{first}");
    assert_eq!(
        (&first["room_id"], &first["version"], &first["state"]),
        (&json!("abc"), &json!(1), &json!({ "a": 1 }))
    );
    let time = first["updated_at"].as_str().unwrap();
    let digits = time.replace(|character: char| character.is_ascii_digit(), "0");
    assert_eq!(digits, "0000-00-00T00:00:00.000Z");

    for version in 2..5 {
        let next = put(server.address(), "abc", json!([version])).await;
        assert_eq!((&next["version"], &next["state"]), (&json!(version), &json!([version])));
        assert!(next["updated_at"].as_str().unwrap() >= time);
        let read = get(server.address(), "abc", &[]).await;
        assert_eq!((read.status, read.json()), (200, next));
    }
    assert_eq!(put(server.address(), "other", json!({})).await["version"], 1, "each room counts for itself");
}

#[tokio::test]
async fn entity_tags() {
    let server = start(&[]);
    for _ in 0..2 {
        put(server.address(), "abc", json!({})).await;
    }
    let read = get(server.address(), "abc", &[]).await;
    assert_eq!(read.header("etag"), Some("\"2\""));
    assert_eq!(read.header("content-type"), Some("application/json"));
    for (tags, status) in
        [("\"2\"", 304), ("W/\"2\"", 304), ("\"1\", \"2\"", 304), ("*", 304), ("\"1\"", 200), ("\"22\"", 200)]
    {
        let read = get(server.address(), "abc", &[("if-none-match", tags)]).await;
        assert_eq!((read.status, read.header("etag")), (status, Some("\"2\"")), "{tags}");
        assert_eq!(read.body.is_empty(), status == 304);
    }
    let written = put_body(server.address(), "abc", r#"{"state":{}}"#).await;
    assert_eq!(written.header("etag"), Some("\"3\""));
    let head = call(server.address(), "HEAD", &path("abc"), &[], "").await;
    assert_eq!((head.status, head.header("etag"), head.body.as_str()), (200, Some("\"3\""), ""));
    assert_eq!(get(server.address(), "never", &[("if-none-match", "*")]).await.status, 404);
}

#[tokio::test]
async fn a_state_is_left_as_it_was_sent() {
    let server = start(&[]);
    let body = "{\"client_id\": [1], \"client_ts\": {}, \"state\": {\"z\" : 1.00, \"a\":123456789012345678901234567890,\n\"\\u00e9\":\" \\\" x \"}}";
    let written = put_body(server.address(), "abc", body).await;
    assert_eq!(written.status, 200);
    let state = r#""state":{"z":1.00,"a":123456789012345678901234567890,"\u00e9":" \" x "}}"#;
    assert!(written.body.ends_with(state), "{}", written.body);
    assert_eq!(get(server.address(), "abc", &[]).await.body, written.body);
}

#[tokio::test]
async fn bodies_that_are_refused() {
    let server = start(&[]);
    for (body, status, expected) in [
        ("", 400, "invalid_json"),
        ("{", 400, "invalid_json"),
        (r#"{"state":{}} x"#, 400, "invalid_json"),
        ("{\"state\":{\"a\":\"\u{1}\"}}", 400, "invalid_json"),
        ("{}", 422, "invalid_state"),
        ("[]", 422, "invalid_state"),
        (r#"[{"a":1}]"#, 422, "invalid_state"),
        (r#"{"state":null}"#, 422, "invalid_state"),
        (r#"{"state":"text"}"#, 422, "invalid_state"),
        (r#"{"state":7}"#, 422, "invalid_state"),
        (r#"{"state":false}"#, 422, "invalid_state"),
    ] {
        let answer = put_body(server.address(), "abc", body).await;
        assert_eq!((answer.status, code(&answer).as_str()), (status, expected), "{body}");
    }
    let deep = format!("{{\"state\":{}{}}}", "[".repeat(5000), "]".repeat(5000));
    let deep = put_body(server.address(), "abc", deep).await;
    assert_eq!((deep.status, code(&deep).as_str()), (400, "invalid_json"));
    let not_utf8 = put_body(server.address(), "abc", b"{\"state\":{\"a\":\"\xff\"}}").await;
    assert_eq!((not_utf8.status, code(&not_utf8).as_str()), (400, "invalid_json"));
    for accepted in ["application/json", "Application/JSON; charset=utf-8", "application/merge-patch+json"] {
        let answer =
            call(server.address(), "PUT", &path("abc"), &[("content-type", accepted)], r#"{"state":{}}"#)
                .await;
        assert_eq!(answer.status, 200, "{accepted}");
    }
    for refused in ["text/plain", "application/x-www-form-urlencoded", "application/jsonp", "json", ""] {
        let answer =
            call(server.address(), "PUT", &path("abc"), &[("content-type", refused)], r#"{"state":{}}"#)
                .await;
        assert_eq!((answer.status, code(&answer).as_str()), (415, "unsupported_media_type"), "{refused}");
    }
    let without = call(server.address(), "PUT", &path("abc"), &[], r#"{"state":{}}"#).await;
    assert_eq!(without.status, 415);
    assert_eq!(
        put(server.address(), "abc", json!({})).await["version"],
        4,
        "what is refused takes no version"
    );
}

/// Sends a PUT in chunks, and more of them for as long as the server reads; what it answers.
async fn put_chunked(address: std::net::SocketAddr, chunk: &str, chunks: usize) -> String {
    let mut stream = TcpStream::connect(address).await.unwrap();
    let head = "PUT /api/rooms/abc HTTP/1.1\r\nhost: x\r\nconnection: close\r\ncontent-type: application/json\r\ntransfer-encoding: chunked\r\n\r\n";
    stream.write_all(head.as_bytes()).await.unwrap();
    let (mut read, mut write) = stream.into_split();
    let chunk = format!("{:x}\r\n{chunk}\r\n", chunk.len());
    let sending = tokio::spawn(async move {
        for _ in 0..chunks {
            if write.write_all(chunk.as_bytes()).await.is_err() {
                return;
            }
        }
        let _sent = write.write_all(b"0\r\n\r\n").await;
    });
    let mut answer = Vec::new();
    let _read_to_the_end = within("an answer", read.read_to_end(&mut answer)).await;
    sending.abort();
    String::from_utf8(answer).unwrap()
}

#[tokio::test]
async fn the_size_is_counted_as_it_is_read() {
    let server = start(&[("MAX_STATE_BYTES", "1000")]);
    let of_size = |size: usize| {
        let frame = r#"{"state":{"a":""}}"#.len();
        format!(r#"{{"state":{{"a":"{}"}}}}"#, "x".repeat(size - frame))
    };
    assert_eq!(put_body(server.address(), "abc", of_size(1000)).await.status, 200);
    let too_large = put_body(server.address(), "abc", of_size(1001)).await;
    assert_eq!((too_large.status, code(&too_large).as_str()), (413, "payload_too_large"));
    assert!(too_large.json()["message"].as_str().unwrap().contains("1000"));
    let just = put_chunked(server.address(), &of_size(1000), 1).await;
    assert!(just.starts_with("HTTP/1.1 200 "), "{just}");
    let chunked = put_chunked(server.address(), &of_size(1001), 1).await;
    assert!(chunked.starts_with("HTTP/1.1 413 ") && chunked.contains("payload_too_large"), "{chunked}");
    // The server does not wait for the end of what is too large already.
    let endless = put_chunked(server.address(), "xxxxxxxxxxxxxxxx", usize::MAX).await;
    assert!(endless.starts_with("HTTP/1.1 413 "), "{endless}");
    assert_eq!(get(server.address(), "abc", &[]).await.json()["version"], 2);
}

/// Many clients send all of a request before they read.
#[tokio::test]
async fn whoever_sends_all_of_what_is_refused_gets_the_answer() {
    let server = start(&[]);
    let socket = TcpSocket::new_v4().unwrap();
    // Else the kernels would take it all, whether the server reads it or not.
    socket.set_send_buffer_size(128 << 10).unwrap();
    let mut stream = socket.connect(server.address()).await.unwrap();
    let body = vec![b'x'; 3 << 20];
    let head = format!(
        "PUT /api/rooms/abc HTTP/1.1\r\nhost: x\r\ncontent-type: application/json\r\ncontent-length: {}\r\n\r\n",
        body.len()
    );
    within("all to be sent", stream.write_all(&[head.as_bytes(), &body].concat())).await.unwrap();
    let mut answer = String::new();
    within("an answer", stream.read_to_string(&mut answer)).await.unwrap();
    assert!(answer.starts_with("HTTP/1.1 413 ") && answer.contains("payload_too_large"), "{answer}");
}

/// A client that sends a head and then now and then a byte of its body; when it is answered, and what.
async fn drip(address: std::net::SocketAddr, every: Duration) -> (Duration, String) {
    let mut stream = TcpStream::connect(address).await.unwrap();
    let head = "PUT /api/rooms/abc HTTP/1.1\r\nhost: x\r\nconnection: close\r\ncontent-type: application/json\r\ncontent-length: 30000\r\n\r\n";
    stream.write_all(head.as_bytes()).await.unwrap();
    let (mut read, mut write) = stream.into_split();
    let began = Instant::now();
    let dripping = tokio::spawn(async move {
        while write.write_all(b" ").await.is_ok() {
            tokio::time::sleep(every).await;
        }
    });
    let mut answer = Vec::new();
    let reading = tokio::time::timeout(Duration::from_secs(60), read.read_to_end(&mut answer));
    let _read_to_the_end = reading.await.expect("an answer");
    dripping.abort();
    (began.elapsed(), String::from_utf8(answer).unwrap())
}

#[tokio::test]
async fn a_body_that_does_not_arrive_is_not_waited_for() {
    let server = start(&[]);
    let (paused, dripped) = tokio::join!(
        drip(server.address(), Duration::from_secs(3600)),
        drip(server.address(), Duration::from_millis(500))
    );
    for ((took, answer), seconds) in [(paused, 10), (dripped, 30)] {
        assert!(answer.starts_with("HTTP/1.1 408 ") && answer.contains("\"body_timeout\""), "{answer}");
        assert!((seconds..seconds + 10).contains(&took.as_secs()), "{took:?}");
    }
}

#[tokio::test]
async fn the_default_size_is_32_kib() {
    let server = start(&[]);
    let of_size = |size: usize| {
        let frame = r#"{"state":[""]}"#.len();
        format!(r#"{{"state":["{}"]}}"#, "x".repeat(size - frame))
    };
    assert_eq!(put_body(server.address(), "abc", of_size(32_768)).await.status, 200);
    assert_eq!(put_body(server.address(), "abc", of_size(32_769)).await.status, 413);
}

#[tokio::test]
async fn names_of_rooms() {
    let server = start(&[]);
    let longest = "x".repeat(64);
    for good in ["a", "A-Z_09", &longest] {
        assert_eq!(put(server.address(), good, json!({})).await["room_id"], good);
    }
    let too_long = "x".repeat(65);
    for bad in [too_long.as_str(), "a.b", "a%20b", "a%2Fb", "%C3%A4", "%ff", "..", "a:b", "a%00"] {
        for (method, path) in [
            ("GET", path(bad)),
            ("PUT", path(bad)),
            ("DELETE", path(bad)),
            ("GET", format!("{}/stream", path(bad))),
        ] {
            let answer = call(server.address(), method, &path, &[], "").await;
            assert_eq!((answer.status, code(&answer).as_str()), (422, "invalid_room_id"), "{method} {path}");
        }
    }
}

#[tokio::test]
async fn a_deleted_room_continues_its_count() {
    let server = start(&[]);
    for _ in 0..3 {
        put(server.address(), "abc", json!({})).await;
    }
    for _ in 0..2 {
        let deleted = delete(server.address(), "abc").await;
        assert_eq!((deleted.status, deleted.body.as_str()), (204, ""));
        assert_eq!(code(&get(server.address(), "abc", &[]).await), "room_not_found");
    }
    assert_eq!(put(server.address(), "abc", json!({})).await["version"], 4);
    assert_eq!(delete(server.address(), "never").await.status, 204);
    assert_eq!(put(server.address(), "never", json!({})).await["version"], 1);
}

#[tokio::test]
async fn other_methods_and_paths() {
    let server = start(&[]);
    for method in ["POST", "PATCH"] {
        let answer = call(server.address(), method, &path("abc"), &[], "").await;
        assert_eq!((answer.status, code(&answer).as_str()), (405, "method_not_allowed"));
        assert_eq!(answer.header("allow"), Some("GET, HEAD, PUT, DELETE"));
        let answer = call(server.address(), method, &format!("{}/stream", path("abc")), &[], "").await;
        assert_eq!((answer.status, answer.header("allow")), (405, Some("GET")));
    }
    for path in
        ["/api/rooms", "/api/rooms/", "/api/rooms/abc/", "/api/rooms/abc/more", "/api/rooms/abc/stream/x"]
    {
        let answer = call(server.address(), "GET", path, &[], "").await;
        assert_eq!((answer.status, code(&answer).as_str()), (404, "not_found"), "{path}");
    }
    let off = start(&[("ROOMS", "off")]);
    assert_eq!(get(off.address(), "abc", &[]).await.status, 404);
}

#[tokio::test]
async fn what_the_store_may_take_is_bounded_and_said() {
    let server = start(&[("RECORDS_BYTES", "10000")]);
    let state = json!({ "a": "x".repeat(1000) });
    let mut rooms = 0;
    let refused = loop {
        let answer =
            put_body(server.address(), &format!("r{rooms}"), json!({ "state": state }).to_string()).await;
        if answer.status != 200 {
            break answer;
        }
        rooms += 1;
    };
    assert!((5..10).contains(&rooms), "{rooms}");
    assert_eq!((refused.status, code(&refused).as_str()), (503, "storage_full"));
    assert!(refused.header("retry-after").is_some());
    assert_eq!(put(server.address(), "r0", state.clone()).await["version"], 2, "who is in can still write");
    delete(server.address(), "r0").await;
    put(server.address(), "another", json!({})).await;
    assert_eq!(metric(server.address(), "syncline_records_failures_total").await, 1.0);
}

#[tokio::test]
async fn an_address_may_ask_so_often() {
    let server = start(&[("RATE_LIMIT_PER_ADDRESS", "3/60")]);
    for _ in 0..3 {
        assert_eq!(get(server.address(), "abc", &[]).await.status, 404);
    }
    let refused = get(server.address(), "abc", &[]).await;
    assert_eq!((refused.status, code(&refused).as_str()), (429, "rate_limited"));
    assert!(refused.header("retry-after").is_some());
}

#[tokio::test]
async fn every_refusal_is_in_the_readers_language() {
    let server = start(&[("SSE_PER_ROOM", "1"), ("ROOM_AUTH", "write"), ("RECORDS_BYTES", "1")]);
    let scope = syncline_testkit::Token::of("ada").with("scope", "rooms:write").sign();
    let bearer = format!("Bearer {scope}");
    let _only = Sse::open(server.address(), "abc").await;
    let mut seen: Vec<(String, String)> = Vec::new();
    for locale in LOCALES {
        let json_type = [("content-type", "application/json"), ("authorization", bearer.as_str())];
        let authorized = &json_type[1..];
        let large = "x".repeat(40_000);
        for (method, path, headers, body) in [
            ("GET", "/api/rooms/abc", &[][..], ""),
            ("GET", "/api/rooms/a.b", &[], ""),
            ("GET", "/api/rooms/a/b/c", &[], ""),
            ("POST", "/api/rooms/abc", &[], ""),
            ("GET", "/api/rooms/abc/stream", &[], ""),
            ("PUT", "/api/rooms/abc", &[], ""),
            ("PUT", "/api/rooms/abc", authorized, ""),
            ("PUT", "/api/rooms/abc", &json_type, &large),
            ("PUT", "/api/rooms/abc", &json_type, "{"),
            ("PUT", "/api/rooms/abc", &json_type, "{}"),
            ("PUT", "/api/rooms/abc", &json_type, r#"{"state":{}}"#),
        ] {
            let headers = [headers, &[("accept-language", locale)]].concat();
            let answer = call(server.address(), method, path, &headers, body).await;
            assert_eq!(answer.header("content-language"), Some(locale), "{answer:?}");
            let code = code(&answer);
            let message = answer.json()["message"].as_str().unwrap().to_owned();
            assert!(!seen.contains(&(code.clone(), message.clone())), "{locale} {code}: {message}");
            seen.push((code, message));
        }
    }
    let mut codes: Vec<&str> = seen.iter().map(|(code, _)| code.as_str()).collect();
    codes.sort_unstable();
    codes.dedup();
    let expected = [
        "auth_required",
        "invalid_json",
        "invalid_room_id",
        "invalid_state",
        "method_not_allowed",
        "not_found",
        "payload_too_large",
        "room_not_found",
        "storage_full",
        "stream_limit",
        "unsupported_media_type",
    ];
    assert_eq!(codes, expected);
}
