//! `/ws` and `/ws/games/{id}`: what is pushed, and what is asked for.

use serde_json::json;
use syncline_testkit::{Token, call};
use tokio_tungstenite::tungstenite::Message;

use crate::support::{Ws, bearer, get, metric, metric_is, put, start};

#[tokio::test]
async fn whoever_watches_gets_each_version() {
    let server = start(&[]);
    let address = server.address();
    put(address, "7", json!({ "n": 1 })).await;
    let mut watchers =
        [Ws::game(address, "7", "ada").await, Ws::open(address, "/ws/snapshots/game/7", "bob").await];
    for watcher in &mut watchers {
        let message = watcher.message().await;
        let topic = json!({ "kind": "game", "id": "7" });
        let expected =
            json!({ "type": "snapshot", "topic": topic, "data": { "n": 1 }, "lockVersion": 1, "version": 1 });
        assert_eq!(message, expected);
    }
    for n in 2..10 {
        assert_eq!(put(address, "7", json!({ "n": n })).await, n);
        for watcher in &mut watchers {
            assert_eq!(watcher.snapshot().await, (n, json!({ "n": n })));
        }
    }
    put(address, "8", json!({})).await;
    for watcher in &mut watchers {
        assert!(watcher.is_quiet().await, "of another game nothing comes");
    }
    let times = "syncline_snapshot_delivery_seconds";
    assert_eq!(metric(address, &format!("{times}_count")).await, 16.0, "each delivery of a change is timed");
    assert_eq!(metric(address, &format!("{times}_bucket{{le=\"10\"}}")).await, 16.0, "from its commit on");
}

#[tokio::test]
async fn a_burst_ends_on_the_last_version_for_everybody() {
    let server = start(&[("WS_PER_ADDRESS", "1000")]);
    let address = server.address();
    put(address, "7", json!(0)).await;
    let watchers = (0..100).map(async |number| {
        let mut watcher = Ws::game(address, "7", &format!("user{number}")).await;
        watcher.until(201).await;
    });
    let writes = async {
        futures_util::future::join_all((0..200).map(async |n| put(address, "7", json!(n)).await)).await;
    };
    tokio::join!(futures_util::future::join_all(watchers), writes);
    let builds = metric(address, "syncline_snapshot_builds_total").await;
    assert!(builds <= 320.0, "{builds} snapshots built, of 201 versions for 100 watchers who see the same");
}

#[tokio::test]
async fn topics_come_and_go() {
    let server = start(&[]);
    let address = server.address();
    for id in ["7", "8"] {
        put(address, id, json!({ "of": id })).await;
    }
    let mut socket = Ws::open(address, "/ws", "ada").await;
    let seven = json!({ "kind": "game", "id": "7" });
    assert_eq!(socket.subscribe("7").await, json!({ "type": "ack", "command": "subscribe", "topic": seven }));
    assert_eq!(socket.snapshot().await.0, 1);
    assert_eq!(socket.subscribe("7").await["type"], "ack", "twice is once");
    assert!(socket.is_quiet().await, "and brings no version that it has had");
    socket.send(&json!({ "type": "subscribe", "topic": { "kind": "game", "id": 8 } })).await;
    assert_eq!(socket.message().await["topic"]["id"], "8");
    assert_eq!(socket.snapshot().await.1, json!({ "of": "8" }));
    socket.send(&json!({ "type": "unsubscribe", "topic": seven })).await;
    assert_eq!(socket.message().await, json!({ "type": "ack", "command": "unsubscribe", "topic": seven }));
    put(address, "7", json!({})).await;
    put(address, "8", json!({ "more": true })).await;
    assert_eq!(
        socket.snapshot().await,
        (2, json!({ "more": true })),
        "of the one that it left nothing comes"
    );
    assert!(socket.is_quiet().await);
}

#[tokio::test]
async fn what_cannot_be_done_is_told_and_the_socket_stays() {
    let server = start(&[]);
    let address = server.address();
    put(address, "7", json!({})).await;
    let token = Token::of("ada").with("rooms", json!(["game:7", "game:none"])).with("locale", "nl").sign();
    let bearer = format!("Bearer {token}");
    let mut socket = Ws::open_with(address, "/ws", &[("authorization", &bearer)]).await.unwrap();
    for (message, code) in [
        (r#"{"type":"subscribe","gameId":"none"}"#, "not_found"),
        (r#"{"type":"subscribe","topic":{"kind":"other","id":"7"}}"#, "not_found"),
        (r#"{"type":"subscribe","gameId":"8"}"#, "forbidden"),
        (r#"{"type":"subscribe","gameId":"../7"}"#, "bad_request"),
        (r#"{"type":"dance"}"#, "bad_request"),
        (r#"{"__proto__":{"type":"ping"}}"#, "bad_request"),
        ("no JSON", "bad_request"),
        ("", "bad_request"),
        (&"[".repeat(10_000), "bad_request"),
    ] {
        socket.send_raw(Message::text(message)).await;
        let answer = socket.message().await;
        assert_eq!((&answer["type"], &answer["code"]), (&json!("error"), &json!(code)), "{message}");
        assert!(!answer["message"].as_str().unwrap().is_empty());
    }
    socket.send_raw(Message::binary(vec![1, 2, 3])).await;
    let answer = socket.message().await;
    assert_eq!(
        (&answer["code"], &answer["message"]),
        (&json!("bad_request"), &json!("Dit bericht is ongeldig."))
    );
    assert_eq!(socket.subscribe("7").await["type"], "ack");
    assert_eq!(socket.snapshot().await.0, 1);
}

#[tokio::test]
async fn a_socket_watches_so_many_topics_and_no_more() {
    let server = start(&[]);
    let address = server.address();
    let mut socket = Ws::open(address, "/ws", "ada").await;
    for id in 0..50 {
        put(address, &id.to_string(), json!({})).await;
        assert_eq!(socket.subscribe(&id.to_string()).await["type"], "ack");
        socket.snapshot().await;
    }
    put(address, "50", json!({})).await;
    assert_eq!(socket.subscribe("50").await["code"], "topic_limit");
    socket.send(&json!({ "type": "unsubscribe", "gameId": "0" })).await;
    socket.message().await;
    assert_eq!(socket.subscribe("50").await["type"], "ack");
}

#[tokio::test]
async fn what_is_refused_is_refused_before_the_upgrade() {
    let server = start(&[]);
    let address = server.address();
    put(address, "7", json!({})).await;
    let limited = format!("Bearer {}", Token::of("ada").with("rooms", json!(["game:8"])).sign());
    let expired = format!("Bearer {}", Token::of("ada").with("exp", 1).sign());
    let bearer = bearer("ada");
    for (path, headers, refusal) in [
        ("/ws/games/7", vec![], (401, "auth_required")),
        ("/ws", vec![], (401, "auth_required")),
        ("/ws/games/7", vec![("authorization", expired.as_str())], (401, "auth_expired")),
        ("/ws/games/7", vec![("authorization", "Basic x")], (401, "auth_invalid")),
        ("/ws/games/7", vec![("authorization", limited.as_str())], (403, "forbidden")),
        ("/ws/games/8", vec![("authorization", bearer.as_str())], (404, "not_found")),
        ("/ws/games/a%20b", vec![("authorization", bearer.as_str())], (404, "not_found")),
        (
            "/ws/games/7",
            vec![("authorization", bearer.as_str()), ("origin", "https://evil.example")],
            (403, "auth_origin_denied"),
        ),
    ] {
        let refused = Ws::open_with(address, path, &headers).await.expect_err("a refusal");
        assert_eq!((refused.0, refused.1.as_str()), refusal, "{path} {headers:?}");
    }
    let plain = get(address, "/ws/games/7", "ada", &[]).await;
    assert_eq!(
        (plain.status, plain.header("upgrade"), plain.header("sec-websocket-version")),
        (426, Some("websocket"), Some("13"))
    );
    let post = call(address, "POST", "/ws/games/7", &[("authorization", &bearer)], "").await;
    assert_eq!((post.status, post.header("allow")), (405, Some("GET")));
    metric_is(address, "ws_connections_active{system=\"snapshots\"}", 0.0).await;
    assert_eq!(metric(address, "ws_connect_total{system=\"snapshots\"}").await, 0.0);
}

#[tokio::test]
async fn connections_from_one_address_are_bounded() {
    let server = start(&[("WS_PER_ADDRESS", "2")]);
    let address = server.address();
    let first = Ws::open(address, "/ws", "ada").await;
    let _second = Ws::open(address, "/ws", "ada").await;
    let bearer = bearer("ada");
    let refused = Ws::open_with(address, "/ws", &[("authorization", &bearer)]).await.err();
    assert_eq!(refused, Some((503, "stream_limit".to_owned())));
    drop(first);
    metric_is(address, "ws_connections_active{system=\"snapshots\"}", 1.0).await;
    Ws::open(address, "/ws", "ada").await;
}

#[tokio::test]
async fn whoever_goes_on_when_refused_is_closed() {
    let server = start(&[("RATE_LIMIT_PER_ADDRESS", "20/60")]);
    let mut socket = Ws::open(server.address(), "/ws", "ada").await;
    for _ in 0..200 {
        socket.send(&json!({ "type": "ping" })).await;
    }
    let mut seen = Vec::new();
    let code = loop {
        match socket.next().await {
            Ok(message) => seen.push(message["code"].as_str().unwrap_or("pong").to_owned()),
            Err(code) => break code,
        }
    };
    assert_eq!(code, Some(1008));
    assert_eq!(seen.iter().filter(|code| *code == "rate_limited").count(), 100);
    assert!(seen[0] == "pong" && seen[seen.len() - 1] == "rate_limited", "{seen:?}");
}
