//! What goes wrong for one disturbs nobody else.

use serde_json::json;
use syncline_testkit::{Client, Handshake, Token, call, within};

use crate::support::{Probed, code, n, output, start};

#[tokio::test]
async fn a_handler_that_panics_is_an_internal_error_and_nothing_more() {
    let server = start(&[]);
    let (ada, bob) = (server.user_in("ada", "a").await, server.user_in("bob", "a").await);
    for _ in 0..3 {
        let answer = ada.sync("probe/panics", n(1), "a").await;
        assert_eq!((code(&answer), &answer["httpStatus"]), ("sync.internal", &json!(500)));
        assert!(!answer.to_string().contains("probe 1"), "a panic's message stays on the server: {answer}");
    }
    output(&ada.sync("probe/echo", n(1), "a").await);
    assert_eq!(bob.event("sync").await["name"], "probe/echo", "the failed ones were delivered to nobody");
}

#[tokio::test]
async fn a_handler_that_never_returns_times_out() {
    let server = start(&[]);
    let (ada, bob) = (server.user_in("ada", "a").await, server.user_in("bob", "a").await);
    let asked = ada
        .begin("sync", json!({ "name": "probe/never", "version": "v1", "data": {}, "receiver": "a" }))
        .await;
    output(&bob.sync("probe/echo", n(1), "a").await);
    assert_eq!(code(&within("the timeout", asked).await.unwrap()), "sync.timeout");
    output(&ada.sync("probe/echo", n(2), "a").await);
}

#[tokio::test]
async fn causes_and_undeclared_codes_stay_on_the_server() {
    let server = start(&[]);
    let client = server.user_in("ada", "a").await;
    for (event, secret) in [("probe/fails", "fire"), ("probe/undeclared", "secret")] {
        let answer = client.sync(event, n(0), "a").await;
        assert_eq!(code(&answer), "sync.internal");
        assert!(!answer.to_string().to_lowercase().contains(secret), "{answer}");
    }
}

#[tokio::test]
async fn a_client_stage_that_fails_for_one_of_three_reaches_the_others() {
    let server = start(&[]);
    for (troubled, expected) in [
        ("fails", "probe.picky"),
        ("panics", "sync.internal"),
        ("hangs", "sync.timeout"),
        ("undeclared", "sync.internal"),
    ] {
        let (ada, bob) = (server.user_in("ada", troubled).await, server.user_in("bob", troubled).await);
        let token = Token::of(troubled).with("locale", "nl").sign();
        let unlucky = server.client(Handshake::token(token)).await;
        unlucky.join(troubled).await;
        output(&ada.sync("probe/picky", n(1), troubled).await);
        for (client, name) in [(&ada, "ada"), (&bob, "bob")] {
            assert_eq!(client.event("sync").await["clientOutput"]["you"], name);
        }
        let event = unlucky.event("sync").await;
        assert_eq!(code(&event), expected, "{troubled}");
        assert_eq!(
            (&event["name"], &event["version"], &event["room"]),
            (&json!("probe/picky"), &json!("v1"), &json!(troubled))
        );
        assert!(event.get("serverOutput").is_none());
        if troubled == "fails" {
            assert_eq!(event["errorParams"], json!({ "why": "because" }));
        }
    }
}

/// Others of a room that is sent to one by one, and of one that is sent to in one go.
const OTHERS: [usize; 2] = [0, 4];

/// A client that stops reading is evicted at the first packet its queue has no room for; the others get everything.
#[tokio::test(flavor = "multi_thread")]
async fn a_recipient_that_stops_reading_is_evicted_alone() {
    for others in OTHERS {
        a_stuck_recipient_is_evicted_alone(false, others).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_recipient_that_came_from_polling_and_stops_reading_is_evicted_alone() {
    for others in OTHERS {
        a_stuck_recipient_is_evicted_alone(true, others).await;
    }
}

async fn crowd(server: &Probed, count: usize) -> Vec<Client> {
    let mut clients = Vec::new();
    for number in 0..count {
        clients.push(server.user_in(&format!("other{number}"), "a").await);
    }
    clients
}

async fn a_stuck_recipient_is_evicted_alone(upgrade: bool, others: usize) {
    let server = start(&[("OUTBOX_PACKETS", "16")]);
    let (ada, bob) = (server.user_in("ada", "a").await, server.user_in("bob", "a").await);
    let others = crowd(&server, others).await;
    let stuck = server
        .client(Handshake {
            receive_buffer: Some(4096),
            upgrade,
            ..Handshake::token(Token::of("stuck").sign())
        })
        .await;
    stuck.join("a").await;
    stuck.stop_reading();
    let mut sent = 0;
    while server.metric("syncline_slow_consumers_total").await == 0.0 {
        output(&ada.sync("probe/large", json!({ "n": 60_000 }), "a").await);
        for client in [&ada, &bob].into_iter().chain(&others) {
            assert_eq!(client.event("sync").await["name"], "probe/large");
        }
        sent += 1;
        assert!(sent < 2000, "the stuck socket should have been evicted long ago");
    }
    assert_eq!(server.metric("syncline_slow_consumers_total").await, 1.0);
    output(&ada.sync("probe/echo", n(1), "a").await);
    for client in [&bob].into_iter().chain(&others) {
        assert_eq!(client.event("sync").await["name"], "probe/echo");
    }
    // Reading again does not help: what was queued would go out, and the connection would go on.
    stuck.go_on_reading();
    stuck.closed().await;
    let left = (2 + others.len()) as f64;
    within("the socket to be gone", async { while server.metric("syncline_sockets").await != left {} }).await;
    // It may come back.
    server.user_in("stuck", "a").await;
}

/// Long-polling has no connection to end: the session is ended as soon as its queue has room for saying so.
#[tokio::test(flavor = "multi_thread")]
async fn a_poller_that_does_not_poll_is_evicted_too() {
    for others in OTHERS {
        an_idle_poller_is_evicted(others).await;
    }
}

async fn an_idle_poller_is_evicted(others: usize) {
    let server = start(&[("OUTBOX_PACKETS", "16")]);
    let base = "/socket.io/?EIO=4&transport=polling";
    let opened = call(server.address(), "GET", base, &[], "").await.body;
    let hello: serde_json::Value = serde_json::from_str(&opened[1..]).unwrap();
    let path = format!("{base}&sid={}", hello["sid"].as_str().unwrap());
    let send =
        async |text: &str| assert_eq!(call(server.address(), "POST", &path, &[], text).await.status, 200);
    let hear = async |packet: &str| {
        within(&format!("a packet {packet}"), async {
            loop {
                let heard = call(server.address(), "GET", &path, &[], "").await.body;
                if heard.split('\u{1e}').any(|heard| heard.starts_with(packet)) {
                    return;
                }
            }
        })
        .await;
    };
    send("40").await;
    hear("40").await;
    send(r#"420["joinRoom",{"room":"a"}]"#).await;
    hear("430").await;

    let ada = server.user_in("ada", "a").await;
    let others = crowd(&server, others).await;
    for number in 0..20 {
        output(&ada.sync("probe/echo", n(number), "a").await);
        for client in [&ada].into_iter().chain(&others) {
            assert_eq!(client.event("sync").await["serverOutput"]["n"], number);
        }
    }
    assert_eq!(server.metric("syncline_slow_consumers_total").await, 1.0);
    hear("41").await;
    let left = (1 + others.len()) as f64;
    within("the socket to be gone", async { while server.metric("syncline_sockets").await != left {} }).await;
}
