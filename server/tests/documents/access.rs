//! Who may do what: every route, by every kind of token.

use serde_json::json;
use syncline_testkit::{Token, call, now};

use crate::support::{Peer, Refusal, SHARED, Said, code, shared_token, start, state, sync, text, token};

/// A token that nobody has signed.
fn unsigned() -> String {
    use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
    let signed = token("ada", "read write");
    let claims = signed.split('.').nth(1).unwrap();
    format!("{}.{claims}.", URL_SAFE_NO_PAD.encode(r#"{"alg":"none","typ":"JWT"}"#))
}

/// What may become of somebody: that one may do it, or the status and the code of the refusal.
type Fate = Result<(), (u16, &'static str)>;

const GOOD: Fate = Ok(());
const UNKNOWN: Fate = Err((401, "auth_invalid"));
const FORBIDDEN: Fate = Err((403, "auth_forbidden"));

/// Tokens, and whether they may read and write the document `team/board`.
fn tokens() -> Vec<(&'static str, String, Fate, Fate)> {
    let of = |scope: &str| Token::of("ada").with("scope", scope);
    let named = |names| of("read write").with("documents", names).sign();
    let mut forged = of("read write").sign();
    forged.pop();
    vec![
        ("shared", shared_token("ada", SHARED), GOOD, GOOD),
        ("shared, of somebody with a colon", shared_token("a:b", SHARED), GOOD, GOOD),
        ("read and write", of("read write").sign(), GOOD, GOOD),
        ("admin", of("admin").sign(), GOOD, GOOD),
        ("write", of("write").sign(), GOOD, GOOD),
        ("read", of("read").sign(), GOOD, FORBIDDEN),
        ("this document", named(json!(["x", "team/board"])), GOOD, GOOD),
        ("documents like this", named(json!(["team/*"])), GOOD, GOOD),
        ("other documents", named(json!(["team", "board", "other/*"])), FORBIDDEN, FORBIDDEN),
        ("no documents", named(json!([])), FORBIDDEN, FORBIDDEN),
        ("a claim that is no list", named(json!("team/board")), FORBIDDEN, FORBIDDEN),
        ("no scope", Token::of("ada").sign(), FORBIDDEN, FORBIDDEN),
        ("other scopes", of("documents reader writes").sign(), FORBIDDEN, FORBIDDEN),
        ("another secret", shared_token("ada", "another secret"), UNKNOWN, UNKNOWN),
        ("shared, and cut", shared_token("ada", SHARED)[..30].to_owned(), UNKNOWN, UNKNOWN),
        ("shared, of somebody else", shared_token("ada", SHARED).replace("ada", "bob"), UNKNOWN, UNKNOWN),
        ("shared, of nobody", shared_token("", SHARED), UNKNOWN, UNKNOWN),
        ("forged", forged, UNKNOWN, UNKNOWN),
        ("unsigned", unsigned(), UNKNOWN, UNKNOWN),
        ("nonsense", "nonsense".to_owned(), UNKNOWN, UNKNOWN),
        (
            "expired",
            of("read write").with("exp", now() - 60).sign(),
            Err((401, "auth_expired")),
            Err((401, "auth_expired")),
        ),
    ]
}

fn refusal(fate: Fate) -> Option<Refusal> {
    fate.err().map(|(status, code)| (status, code.to_owned()))
}

#[tokio::test]
async fn every_route_by_every_token() {
    let server = start(&[]);
    let address = server.address();
    let mut owner = Peer::join(address, "team/board").await;
    for (what, token, may_read, may_write) in tokens() {
        owner.write_kept(0, "x").await;
        let bearer = format!("Bearer {token}");
        let headers = [("authorization", bearer.as_str())];
        let of_query = format!("{}?token={token}", sync("team/board"));
        for (path, headers) in [(sync("team/board"), &headers[..]), (of_query.clone(), &[])] {
            let opened = Peer::open(address, &path, headers).await;
            assert_eq!(opened.err(), refusal(may_read), "the socket by {what}");
        }
        let answer = call(address, "GET", &state("team/board"), &headers, "").await;
        let seen = (answer.status != 200).then(|| (answer.status, code(&answer)));
        assert_eq!(seen, refusal(may_read), "GET by {what}");
        // A browser cannot see the status of a refused upgrade.
        if let Err((status, _)) = may_read {
            let mut told = Peer::open(address, &format!("{of_query}&close=1"), &[]).await.unwrap();
            let expected = if status == 401 { 4401 } else { 4403 };
            assert_eq!(told.next().await, Err(Some(expected)), "the close of {what}");
        }
        let answer = call(address, "DELETE", &state("team/board"), &headers, "").await;
        let done = (answer.status != 204).then(|| (answer.status, code(&answer)));
        assert_eq!(done, refusal(may_write), "DELETE by {what}");
        if may_write.is_ok() {
            assert_eq!(owner.closed().await, Some(4410), "{what}");
            owner = Peer::join(address, "team/board").await;
            assert_eq!(owner.text(), "", "it is gone by {what}");
        } else {
            assert_eq!(owner.rest().await, [], "{what}");
        }
    }
}

#[tokio::test]
async fn without_a_token_there_is_nothing() {
    let server = start(&[]);
    let address = server.address();
    for path in [sync("d"), format!("{}?close=2", sync("d"))] {
        assert_eq!(Peer::open(address, &path, &[]).await.err(), Some((401, "auth_required".to_owned())));
    }
    let mut told = Peer::open(address, &format!("{}?close=1", sync("d")), &[]).await.unwrap();
    assert_eq!(told.next().await, Err(Some(4401)));
    for method in ["GET", "HEAD", "DELETE"] {
        let answer = call(address, method, &state("d"), &[], "").await;
        assert_eq!((answer.status, answer.header("www-authenticate")), (401, Some("Bearer")), "{method}");
    }
    // Two of them, and one that is none.
    let bearer = format!("Bearer {}", token("ada", "read"));
    for headers in [
        &[("authorization", bearer.as_str()), ("authorization", &bearer)][..],
        &[("authorization", "Basic YTpi")],
    ] {
        let answer = call(address, "GET", &state("d"), headers, "").await;
        assert_eq!((answer.status, code(&answer).as_str()), (401, "auth_invalid"), "{headers:?}");
    }
}

#[tokio::test]
async fn without_a_shared_secret_its_tokens_are_none() {
    let server = syncline_testkit::TestServer::configured(&[("EVENTS", "off")], |builder| builder);
    for secret in [SHARED, ""] {
        let path = format!("{}?token={}", sync("d"), shared_token("ada", secret));
        let refused = Peer::open(server.address(), &path, &[]).await.err();
        assert_eq!(refused, Some((401, "auth_invalid".to_owned())));
    }
}

#[tokio::test]
async fn a_token_of_the_query_may_be_encoded() {
    let server = start(&[]);
    let encoded = shared_token("ada", SHARED).replace(':', "%3A");
    let path = format!("{}?x=1&token={encoded}&y", sync("d"));
    let mut peer = Peer::open(server.address(), &path, &[]).await.unwrap();
    assert!(matches!(peer.said().await, Said::Step1(_)));
}

#[tokio::test]
async fn the_end_of_a_token_ends_the_socket() {
    let server = start(&[]);
    let address = server.address();
    let short = Token::of("ada").with("scope", "read write").with("exp", now() + 2).sign();
    let mut short = Peer::open(address, &format!("{}?token={short}", sync("d")), &[]).await.unwrap();
    let path = format!("{}?token={}", sync("d"), shared_token("ada", SHARED));
    let mut long = Peer::open(address, &path, &[]).await.unwrap();
    assert_eq!(short.closed().await, Some(4401));
    long.write_kept(0, "still here").await;
    assert_eq!(text(address, "d").await.as_deref(), Some("still here"));
}

#[tokio::test]
async fn a_cross_site_upgrade_is_refused() {
    let server = start(&[]);
    let path = format!("{}?token={}", sync("d"), token("ada", "read"));
    let refused = Peer::open(server.address(), &path, &[("origin", "https://evil.example")]).await.err();
    assert_eq!(refused, Some((403, "auth_origin_denied".to_owned())));
}

#[tokio::test]
async fn other_methods_and_requests_for_no_socket() {
    let server = start(&[]);
    let bearer = format!("Bearer {}", token("ada", "read write"));
    for (method, path, status, allowed) in [
        ("POST", sync("d"), 405, Some("GET")),
        ("PUT", state("d"), 405, Some("GET, HEAD, DELETE")),
        ("POST", state("d"), 405, Some("GET, HEAD, DELETE")),
        ("GET", sync("d"), 426, None),
        ("GET", sync(""), 404, None),
        ("GET", state(""), 404, None),
    ] {
        let answer = call(server.address(), method, &path, &[("authorization", &bearer)], "").await;
        assert_eq!((answer.status, answer.header("allow")), (status, allowed), "{method} {path}");
        code(&answer);
    }
}
