//! Who may do what: every route, by every kind of token.

use serde_json::json;
use syncline_testkit::{Token, call};

use crate::support::{Ws, code, start, sync};

/// A status and, of a refusal, its code.
type Expected = (u16, Option<&'static str>);

#[tokio::test]
async fn every_route_by_every_scope() {
    let server = start(&[]);
    let address = server.address();
    let (mut ada, _) = Ws::join(address, "w", "ada").await;
    ada.set_acked("1", "k", 1).await;
    let hash = crate::support::history(address, "w").await[0]["hash"].as_str().unwrap().to_owned();
    let restore = json!({ "hash": hash }).to_string();
    let at = format!("/v1/history/w/{hash}");
    let forbidden = (403, Some("auth_forbidden"));
    let good = (200, None);
    let routes: [(&str, &str, [Expected; 5]); 6] = [
        // by no scope of ours, read, write, admin, and read of other workspaces
        ("GET", "/v1/workspaces/w", [forbidden, good, forbidden, good, forbidden]),
        ("GET", "/v1/history/w", [forbidden, good, forbidden, good, forbidden]),
        ("GET", &at, [forbidden, good, forbidden, good, forbidden]),
        ("GET", "/v1/presence/w", [forbidden, good, forbidden, good, forbidden]),
        (
            "POST",
            "/v1/history/w/restore",
            [forbidden, (403, Some("permission_denied")), good, good, forbidden],
        ),
        ("GET", "/v1/stats", [forbidden, forbidden, forbidden, good, forbidden]),
    ];
    let tokens = [
        Token::of("u").with("scope", "rooms:read games:write"),
        Token::of("u").with("scope", "read"),
        Token::of("u").with("scope", "write"),
        Token::of("u").with("scope", "admin"),
        Token::of("u").with("scope", "read").with("workspaces", json!(["other-*"])),
    ]
    .map(|token| format!("Bearer {}", token.sign()));
    for (method, path, expected) in routes {
        let body = if method == "POST" { restore.as_str() } else { "" };
        for (token, (status, error)) in tokens.iter().zip(expected) {
            let headers = [("authorization", token.as_str()), ("content-type", "application/json")];
            let answer = call(address, method, path, &headers, body).await;
            assert_eq!(answer.status, status, "{method} {path}: {answer:?}");
            if let Some(error) = error {
                assert_eq!(code(&answer), error, "{method} {path}");
            }
        }
        let nobody = call(address, method, path, &[("content-type", "application/json")], body).await;
        assert_eq!((nobody.status, code(&nobody).as_str()), (401, "auth_required"), "{method} {path}");
        assert_eq!(nobody.header("www-authenticate"), Some("Bearer"));
    }
    for (token, status) in tokens.iter().zip([Some(403), None, None, None, Some(403)]) {
        let opened = Ws::open_with(address, &sync("w"), &[("authorization", token)]).await;
        assert_eq!(opened.err().map(|(status, _)| status), status);
    }
}

#[tokio::test]
async fn the_claim_names_workspaces_by_globs() {
    let server = start(&[]);
    let token = Token::of("u").with("scope", "read").with("workspaces", json!(["team-1:*", "lobby"])).sign();
    let bearer = format!("Bearer {token}");
    for (workspace, status) in [("team-1:board", 200), ("lobby", 200), ("team-2:board", 403), ("lobby2", 403)]
    {
        let path = format!("/v1/workspaces/{workspace}");
        let answer = call(server.address(), "GET", &path, &[("authorization", &bearer)], "").await;
        assert_eq!(answer.status, status, "{workspace}");
    }
}

#[tokio::test]
async fn names_that_are_none_are_refused_and_reach_nothing() {
    let server = start(&[]);
    let bearer = format!("Bearer {}", Token::of("u").with("scope", "admin").sign());
    let too_long = "x".repeat(129);
    for name in ["a%20b", "..%2F..%2Fetc%2Fpasswd", "%00", "%ff", "a%2Fb", "gr%C3%BCn", too_long.as_str()] {
        for path in
            [format!("/v1/workspaces/{name}"), format!("/v1/history/{name}"), format!("/v1/presence/{name}")]
        {
            let answer = call(server.address(), "GET", &path, &[("authorization", &bearer)], "").await;
            assert_eq!((answer.status, code(&answer).as_str()), (422, "invalid_workspace_id"), "{path}");
        }
    }
    for (method, path, status) in [
        ("GET", "/v1/", 404),
        ("GET", "/v1/workspaces", 404),
        ("GET", "/v1/workspaces/w/x", 404),
        ("GET", "/v1/history/w/x/y", 404),
        ("DELETE", "/v1/workspaces/w", 405),
        ("POST", "/v1/sync/w", 405),
        ("GET", "/v1/sync/w", 426),
    ] {
        let answer = call(server.address(), method, path, &[("authorization", &bearer)], "").await;
        assert_eq!(answer.status, status, "{method} {path}");
        code(&answer);
    }
}

#[tokio::test]
async fn a_cross_site_upgrade_is_refused() {
    let server = start(&[]);
    let path = format!("{}?token={}", sync("w"), Token::of("u").with("scope", "read").sign());
    let refused =
        Ws::open_with(server.address(), &path, &[("origin", "https://evil.example")]).await.unwrap_err();
    assert_eq!(refused, (403, "auth_origin_denied".to_owned()));
}

#[tokio::test]
async fn errors_are_in_the_readers_language() {
    let server = start(&[]);
    let token = Token::of("u").with("scope", "read").with("locale", "nl").sign();
    let mut socket =
        Ws::open_with(server.address(), &format!("{}?token={token}", sync("w")), &[]).await.unwrap();
    socket.message().await;
    socket.set("1", "k", 1).await;
    assert_eq!(socket.message().await["message"], "Je mag deze werkruimte lezen, maar niet wijzigen.");
}

#[tokio::test]
async fn the_state_and_its_automerge_url() {
    let server = start(&[]);
    let state = crate::support::get(server.address(), "/v1/workspaces/workspace-123").await;
    assert_eq!(
        (&state["workspace"], &state["data"], &state["heads"]),
        (&json!("workspace-123"), &json!({}), &json!([]))
    );
    assert!(state["automerge_url"].as_str().unwrap().starts_with("automerge:"));
}

#[tokio::test]
async fn stats_say_who_serves() {
    let server = start(&[("REGION", "eu-1"), ("SERVER_ID", "node-7")]);
    let address = server.address();
    let (_ada, _) = Ws::join(address, "w", "ada").await;
    let bearer = format!("Bearer {}", Token::of("u").with("scope", "admin").sign());
    let stats = call(address, "GET", "/v1/stats", &[("authorization", &bearer)], "").await.json();
    assert_eq!(stats, json!({ "server_id": "node-7", "region": "eu-1", "workspaces": 1, "sockets": 1 }));
}
