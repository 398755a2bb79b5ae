//! Rooms: joining, leaving, limits, who may, and `all`.

use serde_json::json;
use syncline::Session;
use syncline_server::{PolicyError, RoomPolicy};
use syncline_testkit::{Handshake, Token};

use crate::support::{code, n, output, start, start_with};

#[tokio::test]
async fn rooms_are_listed_in_the_order_of_joining() {
    let server = start(&[]);
    let client = server.user("ada").await;
    for room in ["zoo", "bar", "ünï code", "__proto__", "bar"] {
        client.join(room).await;
    }
    let rooms = client.ask("getJoinedRooms", json!({})).await;
    assert_eq!(rooms["rooms"], json!(["zoo", "bar", "ünï code", "__proto__"]));
    let left = client.ask("leaveRoom", json!({ "room": "bar" })).await;
    assert_eq!(left["rooms"], json!(["zoo", "ünï code", "__proto__"]));
    let never_joined = client.ask("leaveRoom", json!({ "room": "elsewhere" })).await;
    assert_eq!(never_joined["status"], "success");
    assert_eq!(client.ask("getJoinedRooms", json!(null)).await["rooms"].as_array().unwrap().len(), 3);
}

#[tokio::test]
async fn bad_names_and_too_many_rooms_are_refused() {
    let server = start(&[]);
    let client = server.user("ada").await;
    for room in ["", "a\nb", &"x".repeat(257), "all"] {
        assert_eq!(code(&client.ask("joinRoom", json!({ "room": room })).await), "room.invalid", "{room:?}");
    }
    for room in 0..50 {
        client.join(&format!("room {room}")).await;
    }
    let refused = client.ask("joinRoom", json!({ "room": "one more" })).await;
    assert_eq!((code(&refused), &refused["errorParams"]["max"]), ("room.limit", &json!(50)));
    client.join("room 7").await;
}

#[tokio::test]
async fn the_rooms_claim_decides_who_joins_and_publishes() {
    let server = start(&[]);
    let token = Token::of("ada").with("rooms", json!(["game-*", "lobby"])).sign();
    let client = server.client(Handshake::token(&token)).await;
    client.join("game-7").await;
    client.join("lobby").await;
    for room in ["games", "lobby2", "*"] {
        assert_eq!(code(&client.ask("joinRoom", json!({ "room": room })).await), "room.joinDenied", "{room}");
    }
    let elsewhere =
        server.post("probe/echo/v1", Some(&token), json!({ "data": {}, "receiver": "secret" })).await;
    assert_eq!((elsewhere.status, code(&elsewhere.json())), (403, "sync.receiverNotAllowed"));
    let allowed =
        server.post("probe/echo/v1", Some(&token), json!({ "data": {}, "receiver": "lobby" })).await;
    assert_eq!(allowed.status, 200);
}

#[tokio::test]
async fn production_lets_nobody_join_without_the_claim() {
    let server = start(&[("SYNCLINE_ENV", "production"), ("HOST", "127.0.0.1")]);
    let client = server.user("ada").await;
    assert_eq!(code(&client.ask("joinRoom", json!({ "room": "a" })).await), "room.joinDenied");
    let with_claim =
        server.client(Handshake::token(Token::of("eve").with("rooms", json!(["a"])).sign())).await;
    with_claim.join("a").await;
}

struct Moody;

impl RoomPolicy for Moody {
    async fn may_join(&self, _: &Session, room: &str) -> Result<bool, PolicyError> {
        match room {
            "panics" => panic!("a policy panics"),
            "errors" => Err("a policy fails".into()),
            "hangs" => std::future::pending().await,
            _ => Ok(true),
        }
    }

    async fn may_publish(&self, _: &Session, room: &str) -> Result<bool, PolicyError> {
        Ok(room != "read-only")
    }
}

#[tokio::test]
async fn a_policy_that_fails_denies() {
    let server = start_with(&[], |builder| builder.room_policy(Moody));
    let client = server.user("ada").await;
    for room in ["panics", "errors", "hangs"] {
        assert_eq!(code(&client.ask("joinRoom", json!({ "room": room })).await), "room.joinDenied", "{room}");
    }
    client.join("read-only").await;
    assert_eq!(code(&client.sync("probe/echo", n(1), "read-only").await), "sync.receiverNotAllowed");
}

/// What a user who is not in a room can do about it: nothing, over every way there is.
#[tokio::test]
async fn a_room_cannot_be_reached_by_guessing() {
    let server = start(&[]);
    let only = |room: &str| Token::of(room).with("rooms", json!([format!("{room}-*")])).sign();
    let (ada, eve) = (only("ada"), only("eve"));
    let insider = server.client(Handshake::token(&ada)).await;
    insider.join("ada-1").await;
    let outsider = server.client(Handshake::token(&eve)).await;
    outsider.join("eve-1").await;
    assert_eq!(code(&outsider.ask("joinRoom", json!({ "room": "ada-1" })).await), "room.joinDenied");
    assert_eq!(code(&outsider.sync("probe/echo", n(1), "ada-1").await), "sync.notRoomMember");
    let posted = server.post("probe/echo/v1", Some(&eve), json!({ "data": {}, "receiver": "ada-1" })).await;
    assert_eq!(posted.status, 403);
    output(&insider.sync("probe/echo", n(2), "ada-1").await);
    assert_eq!(insider.event("sync").await["serverOutput"]["n"], 2);
    // Everything the outsider was sent so far has arrived before this answer.
    output(&outsider.sync("probe/echo", n(3), "eve-1").await);
    assert_eq!(outsider.event("sync").await["serverOutput"]["n"], 3);
    assert!(outsider.take("sync").is_none());
}

#[tokio::test]
async fn all_is_refused_unless_it_is_allowed() {
    let server = start(&[]);
    let client = server.user_in("ada", "a").await;
    assert_eq!(code(&client.sync("probe/echo", n(1), "all").await), "sync.receiverNotAllowed");
    let backend = Token::of("backend").with("scope", "sync:publish").sign();
    let refused =
        server.post("probe/echo/v1", Some(&backend), json!({ "data": {}, "receiver": "all" })).await;
    assert_eq!(code(&refused.json()), "sync.receiverNotAllowed");

    let open = start(&[("ALLOW_ALL", "true")]);
    let (somewhere, nowhere) = (open.user_in("ada", "a").await, open.user("bob").await);
    let sent = open.post("probe/echo/v1", Some(&backend), json!({ "data": n(7), "receiver": "all" })).await;
    assert_eq!(sent.status, 200);
    for client in [&somewhere, &nowhere] {
        assert_eq!(client.event("sync").await["serverOutput"]["n"], 7);
    }
    assert_eq!(somewhere.ask("getJoinedRooms", json!({})).await["rooms"], json!(["a"]));
}
