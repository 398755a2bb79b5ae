//! Client stages by audience.

use std::sync::atomic::Ordering;

use futures_util::future::join_all;
use serde_json::json;
use syncline_testkit::{Client, Handshake, Token};

use crate::support::{Probed, n, output, start};

async fn speaker(server: &Probed, user: &str, locale: &str) -> Client {
    let client = server.client(Handshake::token(Token::of(user).with("locale", locale).sign())).await;
    client.join("a").await;
    client
}

#[tokio::test(flavor = "multi_thread")]
async fn a_thousand_recipients_with_three_keys_run_the_stage_three_times() {
    let server = start(&[("HANDSHAKES_PER_SECOND", "1000")]);
    let locales = ["en", "nl", "ja"];
    let users: Vec<(String, &str)> =
        (0..1000).map(|number| (format!("user{number}"), locales[number % 3])).collect();
    let mut clients = Vec::new();
    for some in users.chunks(100) {
        clients.extend(join_all(some.iter().map(|(user, locale)| speaker(&server, user, locale))).await);
    }
    output(&clients[0].sync("probe/byLocale", n(1), "a").await);
    let events = join_all(clients.iter().map(|client| client.event("sync"))).await;
    for ((_, locale), event) in users.iter().zip(&events) {
        assert_eq!(event["clientOutput"]["audience"], **locale);
    }
    assert_eq!(server.app.audience_runs.load(Ordering::SeqCst), 3);
}

#[tokio::test]
async fn a_session_change_moves_its_socket_to_the_right_key() {
    let server = start(&[]);
    let (ada, bob) = (speaker(&server, "ada", "en").await, speaker(&server, "bob", "en").await);
    output(&ada.sync("probe/byLocale", n(1), "a").await);
    assert_eq!(ada.event("sync").await["clientOutput"]["audience"], "en");
    let fresh = Token::of("ada").with("locale", "ja").sign();
    assert_eq!(ada.ask("refreshToken", json!({ "token": fresh })).await["status"], "success");
    output(&ada.sync("probe/byLocale", n(2), "a").await);
    assert_eq!(ada.event("sync").await["clientOutput"]["audience"], "ja");
    bob.event("sync").await;
    assert_eq!(bob.event("sync").await["clientOutput"]["audience"], "en");
    assert_eq!(server.app.audience_runs.load(Ordering::SeqCst), 3);
    // The key that nobody has any more is not run for.
    bob.ask("leaveRoom", json!({ "room": "a" })).await;
    output(&ada.sync("probe/byLocale", n(3), "a").await);
    ada.event("sync").await;
    assert_eq!(server.app.audience_runs.load(Ordering::SeqCst), 4);
}

#[tokio::test]
async fn a_session_whose_token_says_no_language_has_that_of_its_handshake() {
    let server = start(&[]);
    let token = || Token::of("ada").sign();
    let handshakes = [
        (
            "ja",
            Handshake { auth: Some(json!({ "token": token(), "locale": "ja-JP" })), ..Handshake::default() },
        ),
        ("nl", Handshake::token(token()).header("Accept-Language", "nl, en;q=0.5")),
        ("en", Handshake::token(token()).header("Accept-Language", "tlh")),
    ];
    for (expected, handshake) in handshakes {
        let client = server.client(handshake).await;
        client.join("a").await;
        for tokens in 1..=2 {
            output(&client.sync("probe/byLocale", n(tokens), "a").await);
            assert_eq!(client.event("sync").await["clientOutput"]["audience"], expected, "token {tokens}");
            assert_eq!(client.ask("refreshToken", json!({ "token": token() })).await["status"], "success");
        }
    }
}

#[tokio::test]
async fn a_pending_audience_holds_up_nobody_else() {
    let server = start(&[]);
    let (quick, skipped) = (speaker(&server, "ada", "en").await, speaker(&server, "bob", "skip").await);
    let slow = [speaker(&server, "eve", "slow").await, speaker(&server, "max", "slow").await];
    output(&quick.sync("probe/byLocale", n(1), "a").await);
    output(&quick.sync("probe/echo", n(2), "a").await);
    assert_eq!(quick.event("sync").await["clientOutput"]["audience"], "en");
    assert_eq!(quick.event("sync").await["serverOutput"]["n"], 2);
    assert_eq!(skipped.event("sync").await["serverOutput"]["n"], 2);
    server.app.gate.add_permits(1);
    for client in &slow {
        assert_eq!(client.event("sync").await["clientOutput"]["audience"], "slow");
        assert_eq!(client.event("sync").await["serverOutput"]["n"], 2, "in order behind it");
    }
}

#[tokio::test]
async fn a_key_function_that_panics_leaves_only_its_member_out() {
    let server = start(&[]);
    let (ada, unkeyed) = (speaker(&server, "ada", "en").await, speaker(&server, "unkeyed", "en").await);
    output(&ada.sync("probe/byLocale", n(1), "a").await);
    assert_eq!(ada.event("sync").await["clientOutput"]["audience"], "en");
    output(&ada.sync("probe/echo", n(2), "a").await);
    assert_eq!(unkeyed.event("sync").await["serverOutput"]["n"], 2);
}
