//! What is logged of workspaces, and what never is.

use serde_json::json;
use syncline_server::{Config, log_filter};
use syncline_testkit::{Token, within};

use crate::{
    captured::Captured,
    folder::Folder,
    support::{Ws, metric, request, start, sync},
};

#[tokio::test]
async fn no_token_no_value_and_of_a_person_only_the_id() {
    let captured = Captured::default();
    let config = Config::from_pairs(&[("RUST_LOG", "trace")]).unwrap();
    let lines = tracing_subscriber::fmt().with_env_filter(log_filter(&config)).with_ansi(false);
    lines.with_writer(captured.clone()).init();
    let folder = Folder::new();
    // Nobody listens there: each attempt fails.
    let hook = [
        ("WEBHOOK_URL", "http://127.0.0.1:1/private-path"),
        ("WEBHOOK_SECRET", "cHJpdmF0ZSBzZWNyZXQgb2YgdGhlIHdlYmhvb2s="),
        ("WEBHOOK_ALLOW_PRIVATE", "true"),
        ("DATA_DIR", folder.path()),
    ];
    let server = start(&hook);
    let address = server.address();
    let token = Token::of("u-ada").with("scope", "read write").with("name", "Ada Private");
    let token = token.with("email", "private@example.org").sign();
    let path = format!("{}?token={token}&presence=1", sync("w-7"));
    let mut socket = Ws::open_with(address, &path, &[]).await.unwrap();
    socket.set_acked("1", "private-key", "a private word").await;
    socket.send(&json!({ "type": "private-type", "payload": "a private word" })).await;
    socket.send(&json!({ "type": "op", "payload": { "key": "k", "value": "y".repeat(70_000) } })).await;
    let refused = format!("{}?token={token}x&close=1", sync("w-7"));
    assert!(Ws::open_with(address, &refused, &[]).await.is_ok());
    request(address, "GET", &format!("/v1/history/w-7?token={token}"), "u-bob", "").await;
    let failures = r#"syncline_webhook_attempts_total{outcome="failure"}"#;
    within("an attempt of the webhook", async { while metric(address, failures).await == 0.0 {} }).await;
    drop(socket);
    server.stop().await;
    let log = captured.text();
    for what in ["a socket connected", "a socket disconnected"] {
        let is_it = |line: &&str| line.contains(what) && line.contains(r#"workspace="w-7""#);
        let line = log.lines().find(is_it).unwrap_or_else(|| panic!("no `{what}` in {log}"));
        assert!(line.contains(r#"user_id="u-ada""#) && line.contains("session="), "{line}");
    }
    let (head, signature) = token.rsplit_once('.').unwrap();
    for private in [&token, signature, head.rsplit_once('.').unwrap().1, "private", "Private", "cHJpdmF0ZS"] {
        let line = log.lines().find(|line| line.contains(private));
        assert_eq!(line, None, "`{private}` is in the log");
    }
}
