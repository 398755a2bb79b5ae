//! Heartbeats, bounds and ends of sockets: what keeps a node with thousands of them in order.

use std::time::Duration;

use serde_json::{Value, json};
use syncline_testkit::{Token, call, now, within};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio_tungstenite::tungstenite::Message;

use crate::support::{Ws, bearer, metric, metric_is, put, start};

/// The listing, as somebody with scope `admin` gets it.
async fn listing(address: std::net::SocketAddr) -> Value {
    let admin = format!("Bearer {}", Token::of("root").with("scope", "admin").sign());
    call(address, "GET", "/api/ws/connections", &[("authorization", &admin)], "").await.json()
}

#[tokio::test]
async fn a_client_that_answers_pings_stays() {
    let server = start(&[("WS_PING_SECONDS", "0.05"), ("WS_IDLE_SECONDS", "0.2")]);
    let address = server.address();
    put(address, "7", json!({})).await;
    let mut socket = Ws::game(address, "7", "ada").await;
    socket.snapshot().await;
    // Whoever reads, answers. It is pinged many times meanwhile, and far longer than idleness is.
    let reading = tokio::spawn(async move { socket.snapshot().await.0 });
    let before = within("the first answer", async {
        loop {
            let list = listing(address).await;
            if let Some(last_ping) = list["connections"][0]["last_ping"].as_str() {
                break last_ping.to_owned();
            }
        }
    })
    .await;
    within("many more", async {
        let mut seen = std::collections::BTreeSet::from([before]);
        while seen.len() < 20 {
            seen.insert(listing(address).await["connections"][0]["last_ping"].as_str().unwrap().to_owned());
        }
    })
    .await;
    put(address, "7", json!({})).await;
    assert_eq!(reading.await.unwrap(), 2);
    assert_eq!(metric(address, "ws_heartbeat_failures_total{system=\"snapshots\"}").await, 0.0);
}

#[tokio::test]
async fn a_client_that_answers_no_ping_is_closed() {
    let server = start(&[("WS_PING_SECONDS", "0.05")]);
    let address = server.address();
    put(address, "7", json!({})).await;
    // It has sent its request and reads, but it never answers anything.
    let mut stream = tokio::net::TcpStream::connect(address).await.unwrap();
    let request = format!(
        "GET /ws/games/7 HTTP/1.1\r\nhost: {address}\r\nauthorization: {}\r\nconnection: upgrade\r\nupgrade: websocket\r\n\
         sec-websocket-version: 13\r\nsec-websocket-key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n",
        bearer("ada")
    );
    stream.write_all(request.as_bytes()).await.unwrap();
    let mut all = Vec::new();
    within("the end", stream.read_to_end(&mut all)).await.unwrap();
    let close = [0x88, 11, 0x11, 0x38];
    assert!(all.windows(4).any(|frame| frame == close), "a close of nine letters with code 4408");
    assert_eq!(metric(address, "ws_heartbeat_failures_total{system=\"snapshots\"}").await, 1.0);
    metric_is(address, "ws_disconnect_total{system=\"snapshots\",reason=\"heartbeat\"}", 1.0).await;
}

#[tokio::test]
async fn a_socket_that_wants_nothing_is_closed() {
    let server = start(&[("WS_IDLE_SECONDS", "0.3")]);
    let address = server.address();
    put(address, "7", json!({})).await;
    let mut idle = Ws::open(address, "/ws", "ada").await;
    let mut busy = Ws::open(address, "/ws", "bob").await;
    busy.subscribe("7").await;
    busy.snapshot().await;
    assert_eq!(idle.closed().await, Some(4408));
    put(address, "7", json!({})).await;
    assert_eq!(busy.snapshot().await.0, 2, "whoever watches need not say anything");
    busy.send(&json!({ "type": "unsubscribe", "gameId": "7" })).await;
    assert_eq!(busy.closed().await, Some(4408));
    metric_is(address, "ws_disconnect_total{system=\"snapshots\",reason=\"idle\"}", 2.0).await;
}

#[tokio::test]
async fn a_session_ends_with_its_token() {
    let server = start(&[]);
    let address = server.address();
    put(address, "7", json!({})).await;
    let bearer = format!("Bearer {}", Token::of("ada").with("exp", now() + 2).sign());
    let mut socket = Ws::open_with(address, "/ws/games/7", &[("authorization", &bearer)]).await.unwrap();
    socket.snapshot().await;
    assert_eq!(socket.closed().await, Some(4401));
    metric_is(address, "ws_disconnect_total{system=\"snapshots\",reason=\"expired\"}", 1.0).await;
}

#[tokio::test]
async fn what_is_too_large_or_no_websocket_closes_only_that_socket() {
    let server = start(&[]);
    let address = server.address();
    put(address, "7", json!({})).await;
    let mut other = Ws::game(address, "7", "bob").await;
    other.snapshot().await;
    let mut large = Ws::game(address, "7", "ada").await;
    large.send_raw(Message::text("x".repeat(16 * 1024 + 1))).await;
    assert_eq!(large.closed().await, Some(1009));
    let mut fits = Ws::game(address, "7", "ada").await;
    fits.snapshot().await;
    fits.send_raw(Message::text("x".repeat(16 * 1024))).await;
    assert_eq!(fits.message().await["code"], "bad_request");
    put(address, "7", json!({})).await;
    assert_eq!(other.snapshot().await.0, 2);
    metric_is(address, "ws_disconnect_total{system=\"snapshots\",reason=\"too_large\"}", 1.0).await;
}

#[tokio::test]
async fn a_client_that_seldom_reads_skips_and_disturbs_nobody() {
    let server = start(&[("MAX_STATE_BYTES", "600000")]);
    let address = server.address();
    let large = |n: u64| json!({ "n": n, "fill": "x".repeat(500_000) });
    put(address, "7", large(1)).await;
    let mut slow = Ws::open_narrow(address, "/ws/games/7", "slow").await;
    let mut quick = Ws::game(address, "7", "quick").await;
    quick.snapshot().await;
    let mut seen = Vec::new();
    let mut read = async || {
        let (next, data) = slow.snapshot().await;
        assert_eq!(data["n"], next);
        assert!(seen.last().is_none_or(|last| next > *last), "{next} after {seen:?}");
        seen.push(next);
        next
    };
    let mut last = 0;
    for n in 2..40 {
        put(address, "7", large(n)).await;
        assert_eq!(quick.snapshot().await.0, n);
        // Whoever reads nothing for ten seconds is sent away.
        if n % 3 == 0 {
            last = read().await;
        }
    }
    while last < 39 {
        last = read().await;
    }
    assert!(seen.len() < 30, "what came between is skipped: {seen:?}");
}

#[tokio::test]
async fn a_client_that_never_reads_is_evicted() {
    let server = start(&[("MAX_STATE_BYTES", "1000000")]);
    let address = server.address();
    let large = |n: u64| json!({ "n": n, "fill": "x".repeat(900_000) });
    put(address, "7", large(1)).await;
    let _stuck = Ws::open_narrow(address, "/ws/games/7", "stuck").await;
    for n in 2..12 {
        put(address, "7", large(n)).await;
    }
    within("its end", async {
        while metric(address, "ws_connections_active{system=\"snapshots\"}").await > 0.0 {
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    })
    .await;
    assert_eq!(metric(address, "ws_broadcast_fail_total{system=\"snapshots\"}").await, 1.0);
}

#[tokio::test]
async fn a_stop_tells_everybody() {
    let server = start(&[("SHUTDOWN_SECONDS", "4")]);
    let address = server.address();
    put(address, "7", json!({})).await;
    let mut sockets = Vec::new();
    for number in 0..30 {
        let mut socket = Ws::game(address, "7", &format!("user{number}")).await;
        socket.snapshot().await;
        sockets.push(socket);
    }
    let stopped = tokio::spawn(server.stop());
    for socket in &mut sockets {
        assert_eq!(socket.closed().await, Some(1001));
    }
    within("the end", stopped).await.unwrap();
}

#[tokio::test]
async fn who_is_connected_can_be_listed() {
    let server = start(&[]);
    let address = server.address();
    put(address, "7", json!({})).await;
    assert_eq!(listing(address).await, json!({ "count": 0, "connections": [] }));
    let mut socket = Ws::game(address, "7", "ada").await;
    socket.snapshot().await;
    let list = listing(address).await;
    let listed = &list["connections"][0];
    assert_eq!(
        (&list["count"], &listed["system"], &listed["user_id"]),
        (&json!(1), &json!("snapshots"), &json!("ada"))
    );
    let connected_at = listed["connected_at"].as_str().unwrap();
    assert!(connected_at.starts_with("20") && connected_at.ends_with('Z'), "{connected_at}");
    assert_eq!(listed["last_ping"], Value::Null);
    for (token, status) in [(None, 401), (Some(bearer("ada")), 403)] {
        let headers: Vec<(&str, &str)> =
            token.iter().map(|token| ("authorization", token.as_str())).collect();
        assert_eq!(call(address, "GET", "/api/ws/connections", &headers, "").await.status, status);
    }
}
