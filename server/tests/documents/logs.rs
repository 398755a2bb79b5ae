//! What is logged of documents, and what never is.

use syncline_server::{Config, log_filter};
use syncline_testkit::Token;
use tokio_tungstenite::tungstenite::Message;

use crate::{
    captured::Captured,
    folder::Folder,
    support::{Peer, SHARED, request, shared_token, start, state, sync},
    yjs::{awareness_message, sync_message},
};

#[tokio::test]
async fn no_token_no_content_and_of_a_person_only_the_id() {
    let captured = Captured::default();
    let config = Config::from_pairs(&[("RUST_LOG", "trace")]).unwrap();
    let lines = tracing_subscriber::fmt().with_env_filter(log_filter(&config)).with_ansi(false);
    lines.with_writer(captured.clone()).init();
    let folder = Folder::new();
    let server = start(&[("DATA_DIR", folder.path()), ("DOCUMENT_DEBOUNCE_SECONDS", "0.05")]);
    let address = server.address();
    let token = Token::of("u-ada").with("scope", "read write").with("name", "Ada Private");
    let token = token.with("email", "private@example.org").sign();
    let shared = shared_token("u-bob", SHARED);
    for token in [&token, &shared] {
        let mut peer = Peer::open(address, &format!("{}?token={token}", sync("d-7")), &[]).await.unwrap();
        peer.ask_for_all().await;
        peer.write_kept(0, "a private word ").await;
        peer.send(awareness_message(&[(7, 1, r#"{"name":"Private"}"#)])).await;
        peer.saved().await;
        peer.send(sync_message(2, b"private garbage")).await;
        peer.closed().await;
        let mut peer = Peer::open(address, &format!("{}?token={token}", sync("d-7")), &[]).await.unwrap();
        peer.send_raw(Message::text("a private text")).await;
        peer.closed().await;
        let refused = format!("{}?token={token}x&close=1", sync("d-7"));
        assert!(Peer::open(address, &refused, &[]).await.is_ok());
        request(address, "GET", &format!("{}?token={token}", state("d-7")), "read").await;
    }
    request(address, "DELETE", &state("d-7"), "write").await;
    server.stop().await;
    let log = captured.text();
    for what in ["a socket connected", "a socket disconnected"] {
        let is_it = |line: &&str| line.contains(what) && line.contains(r#"document="d-7""#);
        let line = log.lines().find(is_it).unwrap_or_else(|| panic!("no `{what}` in {log}"));
        assert!(line.contains(r#"user_id="u-ada""#), "{line}");
    }
    let line = log.lines().find(|line| line.contains("a document was deleted"));
    assert!(
        line.is_some_and(|line| line.contains(r#"document="d-7""#) && line.contains(r#"user_id="reader""#))
    );
    let signature = |token: &str, at: char| token.rsplit_once(at).unwrap().1.to_owned();
    let (signed, hashed) = (signature(&token, '.'), signature(&shared, ':'));
    let claims = token.split('.').nth(1).unwrap();
    for private in [&token, &shared, &signed, &hashed, claims, "private", "Private", SHARED] {
        let line = log.lines().find(|line| line.contains(private));
        assert_eq!(line, None, "`{private}` is in the log");
    }
}
