//! The shipped handlers on a whole server: what several people get of one event. What a stage computes is tested in
//! `stages`.

use std::sync::Arc;

use handlers::{App, LOCALES, cards::tables::KIND, examples::counter::AMOUNT_TOO_LARGE};
use serde_json::{Value, json};
use syncline::{Session, codes};
use syncline_testkit::{Outcome as _, TestServer, TestSession as _, Token, call};

fn start() -> TestServer {
    let app = Arc::new(App::default());
    TestServer::start(|builder| {
        let builder = builder.snapshots(KIND, app.tables()).snapshot_hub(app.snapshot_hub());
        builder.functions(app).texts(LOCALES)
    })
}

#[tokio::test]
async fn the_counter_reaches_those_who_have_its_page_open() {
    let server = start();
    let ada = server.client_in(Session::user("ada").at("/examples"), "game").await;
    let bob = server.client_in(Session::user("bob").at("/elsewhere"), "game").await;

    ada.sync("examples/updateCounter", "v2", "game", json!({ "amount": 5 })).await.unwrap();
    assert_eq!(ada.next_event().await.server_output(), &json!({ "newValue": 5, "by": "ada" }));
    bob.expect_no_event().await;

    bob.go_to("/examples").await.unwrap();
    ada.sync("examples/updateCounter", "v2", "game", json!({ "amount": -2 })).await.unwrap();
    assert_eq!(bob.next_event().await.server_output(), &json!({ "newValue": 3, "by": "ada" }));
}

#[tokio::test]
async fn an_amount_too_large_is_refused_in_the_readers_language_and_reaches_nobody() {
    let server = start();
    let ada = server.client_in(Session::user("ada").locale("ja").at("/examples"), "game").await;
    let bob = server.client_in(Session::user("bob").at("/examples"), "game").await;

    let refused = ada.sync("examples/updateCounter", "v2", "game", json!({ "amount": 500 })).await;
    assert!(refused.as_ref().is_err_and(|refused| refused.message.contains("カウンター")), "{refused:?}");
    refused.assert_error(AMOUNT_TOO_LARGE.with("max", 100));
    ada.expect_no_event().await;
    bob.expect_no_event().await;
}

#[tokio::test]
async fn a_message_marks_whom_it_mentions() {
    let server = start();
    let ada = server.client_in("ada", "lobby").await;
    let bob = server.client_in("bob", "lobby").await;
    let eve = server.client_in("eve", "elsewhere").await;

    let message =
        ada.sync("chat/sendMessage", "v1", "lobby", json!({ "text": "@bob: lunch?" })).await.unwrap();
    for (client, mine, mentioned) in [(&ada, true, false), (&bob, false, true)] {
        let event = client.next_event().await;
        assert_eq!(event.server_output(), &message);
        assert_eq!(event.client_output(), &json!({ "mine": mine, "mentioned": mentioned }));
    }
    eve.expect_no_event().await;
    let shouted = eve.sync("chat/sendMessage", "v1", "lobby", json!({ "text": "hello?" })).await;
    shouted.assert_error(codes::NOT_ROOM_MEMBER);
    bob.expect_no_event().await;
}

#[tokio::test]
async fn a_cursor_is_seen_on_its_own_page() {
    let server = start();
    let ada = server.client_in(Session::user("ada").at("/map"), "game").await;
    let near = server.client_in(Session::user("bob").at("/map"), "game").await;
    let far = server.client_in(Session::user("eve").at("/list"), "game").await;

    ada.sync_to_others("presence/cursor", "v1", "game", json!({ "x": 0.5, "y": 1 })).await.unwrap();
    assert_eq!(near.next_event().await.server_output()["userId"], "ada");
    far.expect_no_event().await;
    ada.expect_no_event().await;
}

#[tokio::test]
async fn each_is_shown_their_own_cards_and_nobody_elses() {
    let server = start();
    let table = async |user: &str| {
        let bearer = format!("Bearer {}", Token::of(user).sign());
        let headers = [("authorization", bearer.as_str())];
        call(server.address(), "GET", "/api/snapshots/cards/game", &headers, "").await.json()
    };
    let empty = table("eve").await;
    assert_eq!(empty["data"]["seats"], json!([null, null]), "a table is there before anybody is");
    let ada = server.client_in("ada", "game").await;
    let bob = server.client_in("bob", "game").await;
    ada.sync("cards/sit", "v1", "game", json!({})).await.unwrap();
    let answer = bob.sync("cards/sit", "v1", "game", json!({})).await.unwrap();

    let [of_ada, of_bob, of_eve] = [table("ada").await, table("bob").await, table("eve").await];
    for seen in [&of_ada, &of_bob, &of_eve] {
        assert_eq!(seen["version"], answer["lockVersion"]);
        assert_eq!(seen["data"]["seats"][0], json!({ "player": "ada", "cards": 5 }));
        assert_eq!(seen["data"]["top"], of_eve["data"]["top"]);
    }
    assert!(of_eve["data"].get("hand").is_none());
    let [hers, his] = [&of_ada, &of_bob].map(|seen| seen["data"]["hand"].as_array().unwrap().clone());
    assert_eq!((hers.len(), his.len()), (5, 5));
    let written = |seen: &Value| seen.to_string();
    assert!(his.iter().all(|card| !written(&of_ada).contains(&card.to_string())));
    assert!(hers.iter().all(|card| !written(&of_bob).contains(&card.to_string())));

    let refused = bob.sync("cards/draw", "v1", "game", json!({})).await;
    assert!(refused.is_err_and(|refused| refused.message == "It is not your turn."));
    ada.expect_no_event().await;
    let nobody = call(server.address(), "GET", "/api/snapshots/cards/game", &[], "").await;
    assert_eq!(nobody.status, 401);
}
