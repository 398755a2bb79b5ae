//! Delivery: who gets what, and what it looks like.

use serde_json::json;
use syncline_testkit::{Handshake, Token};

use crate::support::{n, output, start};

#[tokio::test]
async fn an_event_reaches_the_room_as_the_wire_says() {
    let server = start(&[]);
    let (ada, bob) = (server.user_in("ada", "a").await, server.user_in("bob", "a").await);
    let outside = server.user_in("eve", "b").await;
    let answer = ada.sync("probe/echo", json!({ "n": 4, "more": [1] }), "a").await;
    assert_eq!(answer, json!({ "status": "success", "serverOutput": { "n": 4, "text": "" } }));
    let expected = json!({
        "name": "probe/echo", "version": "v1", "room": "a", "status": "success",
        "serverOutput": { "n": 4, "text": "" }, "clientOutput": {}
    });
    for client in [&ada, &bob] {
        assert_eq!(client.event("sync").await, expected);
    }
    output(&outside.sync("probe/echo", n(9), "b").await);
    assert_eq!(outside.event("sync").await["serverOutput"]["n"], 9);
    assert!(outside.take("sync").is_none());
}

#[tokio::test]
async fn a_client_stage_shapes_what_each_one_gets() {
    let server = start(&[]);
    let (ada, bob) = (server.user_in("ada", "a").await, server.user_in("bob", "a").await);
    let skipped = server.user_in("skips", "a").await;
    let tab = server.user_in("bob", "a").await;
    output(&ada.sync("probe/picky", n(1), "a").await);
    for (client, name) in [(&ada, "ada"), (&bob, "bob"), (&tab, "bob")] {
        assert_eq!(client.event("sync").await["clientOutput"], json!({ "you": name }));
    }
    output(&skipped.sync("probe/echo", n(2), "a").await);
    assert_eq!(skipped.event("sync").await["serverOutput"]["n"], 2, "nothing at all was sent before");
}

#[tokio::test]
async fn the_caller_can_leave_itself_out() {
    let server = start(&[]);
    let token = Token::of("ada").sign();
    let ada = server.client(Handshake::token(&token)).await;
    ada.join("a").await;
    let (tab, bob) = (server.user_in("ada", "a").await, server.user_in("bob", "a").await);
    let request =
        json!({ "name": "probe/echo", "version": "v1", "data": n(1), "receiver": "a", "ignoreSelf": true });
    output(&ada.ask("sync", request).await);
    // On the socket: the calling socket. The user's other tab gets it.
    assert_eq!(tab.event("sync").await["serverOutput"]["n"], 1);
    assert_eq!(bob.event("sync").await["serverOutput"]["n"], 1);
    // Over HTTP: every socket of the calling user.
    let body = json!({ "data": n(2), "receiver": "a", "ignoreSelf": true });
    assert_eq!(server.post("probe/echo/v1", Some(&token), body).await.status, 200);
    assert_eq!(bob.event("sync").await["serverOutput"]["n"], 2);
    output(&bob.sync("probe/echo", n(3), "a").await);
    for client in [&ada, &tab] {
        assert_eq!(client.event("sync").await["serverOutput"]["n"], 3);
    }
}

#[tokio::test]
async fn http_triggers_the_same_pipeline() {
    let server = start(&[]);
    let bob = server.user_in("bob", "a").await;
    let backend = Token::of("backend").with("scope", "other sync:publish").with("rooms", json!([])).sign();
    let answer =
        server.post("probe/picky/v1", Some(&backend), json!({ "data": n(5), "receiver": "a" })).await;
    assert_eq!(
        (answer.status, answer.json()),
        (200, json!({ "status": "success", "serverOutput": { "n": 5, "text": "" } }))
    );
    assert_eq!(bob.event("sync").await["clientOutput"]["you"], "bob");
    let nobody =
        server.post("probe/echo/v1", Some(&backend), json!({ "data": n(5), "receiver": "empty" })).await;
    assert_eq!(nobody.status, 200, "a room with no members is a success");
}

#[tokio::test]
async fn who_left_gets_nothing_more() {
    let server = start(&[]);
    let (ada, bob) = (server.user_in("ada", "a").await, server.user_in("bob", "a").await);
    bob.ask("leaveRoom", json!({ "room": "a" })).await;
    bob.join("b").await;
    output(&ada.sync("probe/echo", n(1), "a").await);
    ada.event("sync").await;
    output(&bob.sync("probe/echo", n(2), "b").await);
    assert_eq!(bob.event("sync").await["serverOutput"]["n"], 2);
}

#[tokio::test]
async fn a_location_is_what_client_stages_see() {
    let server = start(&[]);
    let client = server.user("ada").await;
    for bad in [
        json!({ "pathName": "examples" }),
        json!({ "pathName": format!("/{}", "x".repeat(2048)) }),
        json!({}),
        json!("/"),
    ] {
        let refused = client.ask("updateLocation", bad.clone()).await;
        assert_eq!(crate::support::code(&refused), "sync.invalidRequest", "{bad}");
    }
    let moved = client
        .ask("updateLocation", json!({ "pathName": "/examples", "searchParams": { "tab": "2" } }))
        .await;
    assert_eq!(moved, json!({ "status": "success" }));
}
