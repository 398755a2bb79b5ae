//! What is logged of snapshots, and what never is.

use serde_json::json;
use syncline_server::{Config, log_filter};
use syncline_testkit::{Token, call};

use crate::{
    captured::Captured,
    support::{Ws, metric_is, put_body, start, ticket},
};

#[tokio::test]
async fn sockets_are_logged_without_tokens_data_or_persons() {
    let captured = Captured::default();
    let config = Config::from_pairs(&[("RUST_LOG", "trace")]).unwrap();
    let lines = tracing_subscriber::fmt().with_env_filter(log_filter(&config)).with_ansi(false);
    lines.with_writer(captured.clone()).init();
    let server = start(&[]);
    let address = server.address();
    put_body(address, "g7", r#"{"data":{"k":"a private word"}}"#).await;
    let token = Token::of("u-ada").with("name", "Ada Private").with("email", "private@example.org").sign();
    let ticket = ticket(address, &token).await;
    let path = format!("/ws/games/g7?token={ticket}");
    let mut socket = Ws::open_with(address, &path, &[]).await.unwrap();
    socket.snapshot().await;
    socket.send(&json!({ "type": "private-type" })).await;
    socket.message().await;
    assert!(Ws::open_with(address, &path, &[]).await.is_err(), "it is used");
    assert!(Ws::open_with(address, &format!("/ws/games/g7?token={token}"), &[]).await.is_err());
    call(
        address,
        "GET",
        &format!("/ws/none?token={ticket}"),
        &[("authorization", &format!("Bearer {token}"))],
        "",
    )
    .await;
    drop(socket);
    metric_is(address, "ws_connections_active{system=\"snapshots\"}", 0.0).await;
    let log = captured.text();
    let lines: Vec<&str> =
        log.lines().filter(|line| line.contains("g7") && line.contains(" INFO ")).collect();
    for (what, user, reason) in [
        ("a game changed", "writer", "written"),
        ("a socket connected", "u-ada", "authorized"),
        ("a snapshot was broadcast", "", "changed"),
        ("a socket disconnected", "u-ada", "lost"),
    ] {
        if what.contains("broadcast") {
            assert!(
                log.lines().any(|line| line.contains(what) && line.contains("g7")),
                "no `{what}` in {log}"
            );
            continue;
        }
        let line =
            lines.iter().find(|line| line.contains(what)).unwrap_or_else(|| panic!("no `{what}` in {log}"));
        assert!(line.contains("game_id=\"g7\"") && line.contains(&format!("user_id=\"{user}\"")), "{line}");
        assert!(line.contains(&format!("reason=\"{reason}\"")), "{line}");
    }
    assert!(log.contains("a socket was told an error") && log.contains("reason=\"bad_request\""));
    assert!(log.contains("a ticket was refused") && log.contains("used before"));
    let private = |line: &&str| {
        line.to_lowercase().contains("private") || line.contains(&token) || line.contains(&ticket)
    };
    let private = log.lines().find(private);
    assert!(private.is_none(), "{private:?}");
}
