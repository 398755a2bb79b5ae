//! Tickets: one socket each, for a short time, for the session that asked for them.

use std::time::Duration;

use serde_json::json;
use syncline_testkit::{Token, call, now};

use crate::support::{Ws, code, metric, put, start, ticket};

/// Opens a game by a ticket.
async fn by_ticket(address: std::net::SocketAddr, ticket: &str) -> Result<Ws, (u16, String)> {
    Ws::open_with(address, &format!("/ws/games/7?token={ticket}"), &[]).await
}

fn refusal(code: &str) -> Option<(u16, String)> {
    Some((401, code.to_owned()))
}

#[tokio::test]
async fn a_ticket_opens_one_socket() {
    let server = start(&[]);
    let address = server.address();
    put(address, "7", json!({})).await;
    let bearer = format!("Bearer {}", Token::of("ada").sign());
    for method in ["POST", "GET"] {
        let answer = call(address, method, "/api/ws/token", &[("authorization", &bearer)], "").await;
        assert_eq!(
            (&answer.json()["expires_in"], answer.header("cache-control")),
            (&json!(90), Some("no-store"))
        );
        let ticket = answer.json()["token"].as_str().unwrap().to_owned();
        let mut socket = by_ticket(address, &ticket).await.expect("it opens one");
        assert_eq!(socket.snapshot().await.0, 1);
        assert_eq!(by_ticket(address, &ticket).await.err(), refusal("auth_invalid"), "and no second one");
    }
    assert_eq!(metric(address, "syncline_tickets_total").await, 2.0);
    assert_eq!(metric(address, "syncline_tickets_refused_total").await, 2.0);
}

#[tokio::test]
async fn of_many_who_use_one_at_once_one_gets_in() {
    let server = start(&[]);
    let address = server.address();
    put(address, "7", json!({})).await;
    let ticket = ticket(address, &Token::of("ada").sign()).await;
    let opened =
        futures_util::future::join_all((0..30).map(async |_| by_ticket(address, &ticket).await)).await;
    assert_eq!(opened.iter().filter(|opened| opened.is_ok()).count(), 1);
}

#[tokio::test]
async fn nothing_else_is_a_ticket() {
    let server = start(&[]);
    let address = server.address();
    put(address, "7", json!({})).await;
    let jwt = Token::of("ada").sign();
    let good = ticket(address, &jwt).await;
    let (head, signature) = good.rsplit_once('.').unwrap();
    let forged = Token::of("ada")
        .with("aud", "syncline:ticket")
        .with("jti", "x")
        .with("session", json!({ "userId": "ada" }));
    for (bad, why) in [
        (jwt.clone(), "a session's token"),
        (forged.sign(), "a ticket that is signed with the key of sessions"),
        (format!("{head}.{}", signature.chars().rev().collect::<String>()), "another signature"),
        (head.to_owned(), "no signature"),
        ("x".repeat(20_000), "far too long"),
        (String::new(), "nothing"),
        ("%00".to_owned(), "no text"),
    ] {
        assert_eq!(by_ticket(address, &bad).await.err(), refusal("auth_invalid"), "{why}");
    }
    let as_bearer =
        call(address, "GET", "/api/games/7/snapshot", &[("authorization", &format!("Bearer {good}"))], "")
            .await;
    assert_eq!(
        (as_bearer.status, code(&as_bearer).as_str()),
        (401, "auth_invalid"),
        "a ticket is no session's token"
    );
    assert!(by_ticket(address, &good).await.is_ok(), "none of that has used it");
}

#[tokio::test]
async fn a_ticket_has_its_time() {
    let server = start(&[("TICKET_SECONDS", "1")]);
    let address = server.address();
    put(address, "7", json!({})).await;
    let ticket = ticket(address, &Token::of("ada").sign()).await;
    // Asking would use it, so it can only be waited for: its second, and the five that clocks may be apart.
    tokio::time::sleep(Duration::from_millis(7100)).await;
    assert_eq!(by_ticket(address, &ticket).await.err(), refusal("auth_expired"));
}

#[tokio::test]
async fn who_may_have_one() {
    let server = start(&[]);
    let ask =
        async |headers: &[(&str, &str)]| call(server.address(), "POST", "/api/ws/token", headers, "").await;
    let none = ask(&[]).await;
    assert_eq!((none.status, code(&none).as_str()), (401, "auth_required"));
    let soon = format!("Bearer {}", Token::of("ada").with("exp", now() + 30).sign());
    let answer = ask(&[("authorization", &soon)]).await.json();
    let seconds = answer["expires_in"].as_u64().unwrap();
    assert!((28..=30).contains(&seconds), "no longer than the session: {seconds}");
}

#[tokio::test]
async fn a_ticket_carries_its_session() {
    let server = start(&[]);
    let address = server.address();
    put(address, "7", json!({})).await;
    let token = Token::of("ada").with("rooms", json!(["game:8"])).with("locale", "es").sign();
    let refused = by_ticket(address, &ticket(address, &token).await).await.err();
    assert_eq!(refused, Some((403, "forbidden".to_owned())), "what its token may not, it may not");
    let short = Token::of("ada").with("exp", now() + 2).sign();
    let mut socket = by_ticket(address, &ticket(address, &short).await).await.expect("it opens one");
    assert_eq!(socket.closed().await, Some(4401), "it lives as long as the session that asked for it");
}
