//! What may never stand in a log: tokens and payloads, at any level.

use serde_json::json;
use syncline_server::{Config, log_filter};
use syncline_testkit::{Client, Handshake, Token, call, now};

use crate::{
    captured::Captured,
    support::{n, output, start},
};

#[tokio::test]
async fn no_token_and_no_payload_reaches_a_log() {
    let captured = Captured::default();
    // As much as the setting can ask for, from every crate that the server is made of.
    let config = Config::from_pairs(&[("RUST_LOG", "trace,tungstenite=trace")]).unwrap();
    tracing_subscriber::fmt()
        .with_env_filter(log_filter(&config))
        .with_ansi(false)
        .with_writer(captured.clone())
        .init();
    let server = start(&[("AUTH_GRACE_SECONDS", "0.2")]);
    let good = Token::of("ada").sign();
    let expired = Token::of("ada").with("exp", now() - 60).sign();
    let dying = Token::of("ada").with("exp", now() + 2).sign();
    let tokens = [good.clone(), expired.clone(), dying.clone(), "a-nonsense-token".to_owned()];

    let client = server.client(Handshake::token(&good)).await;
    client.join("a").await;
    for token in &tokens[1..] {
        let _refused_or_not = Client::connect(server.address(), Handshake::token(token)).await;
        let bearer = format!("Bearer {token}");
        let path = format!("/sync/probe/login/v1?token={token}");
        call(
            server.address(),
            "POST",
            &path,
            &[("authorization", &bearer)],
            json!({ "data": {}, "receiver": "a" }).to_string(),
        )
        .await;
        client.ask("refreshToken", json!({ "token": token })).await;
    }
    client.ask("refreshToken", json!({ "token": good })).await;
    output(&client.sync("probe/echo", json!({ "text": "a private word" }), "a").await);
    client.sync("probe/checked", json!({ "inner": "another private word" }), "a").await;
    client.ask("sync", json!({ "name": 7, "data": "a third private word" })).await;
    client.sync("probe/panics", n(1), "a").await;

    let log = captured.text();
    assert!(
        log.contains("a token was refused") && log.contains("a handler panicked"),
        "there is a log: {log}"
    );
    for token in &tokens {
        let line = log.lines().find(|line| line.contains(token.as_str()));
        assert!(line.is_none(), "a token in a log: {}", line.unwrap_or_default());
    }
    let line = log.lines().find(|line| line.contains("private word"));
    assert!(line.is_none(), "a payload in a log: {}", line.unwrap_or_default());
}
