//! Limits: rates, sizes, depth, handshakes, and what happens to who goes on.

use std::time::Duration;

use futures_util::future::join_all;
use serde_json::{Value, json};
use syncline_testkit::{Client, ConnectError, Handshake, Token, call, within};
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::TcpStream,
};

use crate::support::{code, n, output, start};

#[tokio::test]
async fn a_declared_limit_holds_per_user_even_when_defaults_are_off() {
    let server = start(&[]);
    let (ada, tab, bob) = (
        server.user_in("ada", "a").await,
        server.user_in("ada", "a").await,
        server.user_in("bob", "a").await,
    );
    output(&ada.sync("probe/limited", n(1), "a").await);
    output(&tab.sync("probe/limited", n(2), "a").await);
    for client in [&ada, &tab] {
        let refused = client.sync("probe/limited", n(3), "a").await;
        assert_eq!(code(&refused), "sync.rateLimited");
        assert!((1..=60).contains(&refused["errorParams"]["seconds"].as_u64().unwrap()), "{refused}");
    }
    output(&bob.sync("probe/limited", n(4), "a").await);
    let token = Token::of("ada").sign();
    let posted = server.post("probe/limited/v1", Some(&token), json!({ "data": {}, "receiver": "a" })).await;
    assert_eq!(posted.status, 429);
    let retry: u64 = posted.header("retry-after").unwrap().parse().unwrap();
    assert!((1..=60).contains(&retry));
}

#[tokio::test]
async fn default_limits_per_route_and_per_address() {
    let server = start(&[("RATE_LIMIT_PER_ROUTE", "3/60")]);
    let client = server.user_in("ada", "a").await;
    for number in 0..3 {
        output(&client.sync("probe/echo", n(number), "a").await);
    }
    assert_eq!(code(&client.sync("probe/echo", n(4), "a").await), "sync.rateLimited");
    output(&client.sync("probe/login", n(5), "a").await);

    let server = start(&[("RATE_LIMIT_PER_ADDRESS", "5/60")]);
    let (ada, bob) = (server.user_in("ada", "a").await, server.user_in("bob", "a").await);
    for client in [&ada, &bob, &ada] {
        output(&client.sync("probe/echo", n(1), "a").await);
    }
    assert_eq!(code(&bob.sync("probe/echo", n(1), "a").await), "sync.rateLimited");
    assert_eq!(code(&bob.ask("getJoinedRooms", json!({})).await), "sync.rateLimited");
    let fresh = json!({ "token": Token::of("bob").sign() });
    assert_eq!(code(&bob.ask("refreshToken", fresh).await), "sync.rateLimited");
}

#[tokio::test]
async fn large_and_deep_events_are_answered_and_the_connection_stays() {
    let server = start(&[]);
    let client = server.user_in("ada", "a").await;
    let large = client.sync("probe/echo", json!({ "text": "x".repeat(70_000) }), "a").await;
    assert_eq!((code(&large), &large["errorParams"]["max"]), ("sync.tooLarge", &json!(65_536)));
    let just_below = client.sync("probe/echo", json!({ "text": "x".repeat(900_000) }), "a").await;
    assert_eq!(code(&just_below), "sync.tooLarge");
    for depth in [70, 200, 30_000] {
        let deep = format!(
            r#"["sync",{{"name":"probe/echo","version":"v1","receiver":"a","data":{}{}}}]"#,
            "[".repeat(depth),
            "]".repeat(depth)
        );
        assert_eq!(code(&client.ask_raw(&deep).await), "sync.invalidRequest", "{depth}");
    }
    output(&client.sync("probe/echo", n(1), "a").await);
    // Above a mebibyte the transport can answer nothing.
    client.tell("sync", json!("x".repeat(1_100_000))).await;
    client.closed().await;
    server.user_in("ada", "a").await;
}

#[tokio::test]
async fn malformed_events_are_answered_and_the_connection_stays() {
    let server = start(&[]);
    let client = server.user_in("ada", "a").await;
    for array in [
        r#"["sync"]"#,
        r#"["sync",null]"#,
        r#"["sync",[]]"#,
        r#"["sync","text"]"#,
        r#"["sync",{"name":"probe/echo","version":"v1","data":{}}, {}]"#,
        r#"["sync",{"name":"probe/echo","data":{},"receiver":"a"}]"#,
        r#"["sync",{"name":["probe/echo"],"version":"v1","data":{},"receiver":"a"}]"#,
        r#"["joinRoom",{}]"#,
        r#"["joinRoom",{"room":7}]"#,
        r#"["leaveRoom"]"#,
        r#"["refreshToken",{}]"#,
        r#"["updateLocation",{"pathName":7}]"#,
    ] {
        assert_eq!(code(&client.ask_raw(array).await), "sync.invalidRequest", "{array}");
    }
    for event in ["nonsense", "__proto__", "constructor", "toString"] {
        assert_eq!(code(&client.ask(event, json!({})).await), "sync.notFound", "{event}");
    }
    output(&client.sync("probe/echo", n(1), "a").await);
    // What is not even a Socket.IO packet ends the connection, as in every Socket.IO server.
    client.send_text(r#"427["sync",{"name":}]"#.to_owned()).await;
    client.closed().await;
}

#[tokio::test]
async fn binary_attachments_are_answered_and_the_connection_stays() {
    let server = start(&[]);
    let client = server.user_in("ada", "a").await;
    client.send_text(r#"451-77["sync",{"_placeholder":true,"num":0}]"#.to_owned()).await;
    client.send_binary(vec![1, 2, 3]).await;
    // The raw client knows no acknowledgement 77; that the connection goes on is what can be seen here.
    output(&client.sync("probe/echo", n(1), "a").await);
    assert_eq!(server.metric("syncline_errors_total{code=\"sync.invalidRequest\"}").await, 1.0);
}

#[tokio::test]
async fn errors_nobody_asked_to_hear_are_counted_only() {
    let server = start(&[]);
    let client = server.user_in("ada", "a").await;
    client
        .tell("sync", json!({ "name": "probe/nothing", "version": "v1", "data": {}, "receiver": "a" }))
        .await;
    client.tell("nonsense", json!({})).await;
    output(&client.sync("probe/echo", n(1), "a").await);
    client.event("sync").await;
    assert_eq!(server.metric("syncline_unheard_errors_total").await, 2.0);
}

#[tokio::test]
async fn who_goes_on_when_refused_is_disconnected() {
    let server = start(&[]);
    let (client, bob) = (server.user_in("ada", "a").await, server.user_in("bob", "a").await);
    for _ in 0..1100 {
        client.tell("nonsense", json!({})).await;
    }
    client.closed().await;
    assert_eq!(server.metric("syncline_abusers_total").await, 1.0);
    output(&bob.sync("probe/echo", n(1), "a").await);
}

#[tokio::test]
async fn too_many_unfinished_handshakes_are_told_to_come_back() {
    let server = start(&[("HANDSHAKES_PER_SECOND", "2")]);
    let path = "/socket.io/?EIO=4&transport=polling";
    let begun = (0..10).map(|_| call(server.address(), "GET", path, &[], ""));
    assert!(join_all(begun).await.iter().all(|answer| answer.status == 200));
    let refused = call(server.address(), "GET", path, &[], "").await;
    assert_eq!((refused.status, code(&refused.json())), (503, "server.busy"));
    assert_eq!(refused.header("retry-after"), Some("1"));
    // They are let go when they do not connect in time, and then others get in.
    within("a handshake", async {
        while Client::connect(server.address(), Handshake::default()).await.err()
            == Some(ConnectError::Http(503))
        {}
    })
    .await;
}

#[tokio::test]
async fn finished_handshakes_do_not_count() {
    let server = start(&[("HANDSHAKES_PER_SECOND", "1")]);
    let mut clients = Vec::new();
    for number in 0..20 {
        clients.push(server.user(&format!("user{number}")).await);
        let refused = Client::connect(server.address(), Handshake::token("nonsense")).await;
        assert!(matches!(refused, Err(ConnectError::Refused(_))));
    }
}

#[tokio::test]
async fn a_head_sent_by_halves_or_not_at_all_is_cut_off() {
    let server = start(&[]);
    let began = std::time::Instant::now();
    let cuts = ["", "P", "GET /healthz HTTP/1.1\r\nhost: x\r\nx-slow: "].map(async |head| {
        let mut stream = TcpStream::connect(server.address()).await.unwrap();
        stream.write_all(head.as_bytes()).await.unwrap();
        let mut answer = Vec::new();
        within(&format!("the cut after {head:?}"), stream.read_to_end(&mut answer)).await.unwrap();
    });
    futures_util::future::join_all(cuts).await;
    assert!(began.elapsed() < Duration::from_secs(10), "{:?}", began.elapsed());
}

#[tokio::test]
async fn inputs_name_the_field_that_does_not_fit() {
    let server = start(&[]);
    let client = server.user_in("ada", "a").await;
    for (data, path) in [
        (json!({ "inner": { "flag": "yes" }, "atMostTen": 1 }), "inner.flag"),
        (json!({ "inner": { "flag": true } }), "."),
        (json!({ "inner": { "flag": true }, "atMostTen": 11 }), "at_most_ten"),
        (json!({ "inner": { "flag": true }, "atMostTen": -1 }), "atMostTen"),
        (json!([]), "."),
    ] {
        let refused = client.sync("probe/checked", data.clone(), "a").await;
        assert_eq!(code(&refused), "sync.invalidInput", "{data}");
        assert_eq!(refused["errorParams"]["path"], path, "{refused}");
        let reason = refused["errorParams"]["reason"].as_str().unwrap();
        assert!(!reason.is_empty() && !reason.contains(" at line "), "{refused}");
    }
    output(
        &client
            .sync(
                "probe/checked",
                json!({ "inner": { "flag": true, "new": 1 }, "atMostTen": 10, "new": 2 }),
                "a",
            )
            .await,
    );
    let client_only: Value = client.sync("probe/byLocale", json!({ "n": "one" }), "a").await;
    assert_eq!(code(&client_only), "sync.invalidInput", "checked without a server stage too");
}
