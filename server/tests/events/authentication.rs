//! Tokens: which are accepted, and what happens when one expires on a live socket.

use base64::{Engine as _, prelude::BASE64_URL_SAFE_NO_PAD};
use jsonwebtoken::{Algorithm, EncodingKey};
use serde_json::{Value, json};
use syncline_testkit::{Client, ConnectError, Handshake, SECRET, Token, now, within};

use crate::{
    keys::KeyPair,
    support::{Probed, code, n, output, start},
};

/// The refusal of a handshake and of an HTTP request with that token; both have to agree.
async fn refusal(server: &Probed, token: &str) -> String {
    let refused = Client::connect(server.address(), Handshake::token(token)).await;
    let Err(ConnectError::Refused(message)) = refused else { panic!("a connect_error for {token}") };
    let posted = server.post("probe/login/v1", Some(token), json!({ "data": {}, "receiver": "a" })).await;
    assert_eq!(posted.status, 401);
    let on_socket = message.split(':').next().unwrap().to_owned();
    assert_eq!(code(&posted.json()), on_socket);
    assert!(!message.contains(token) && !posted.body.contains(token), "no token is ever said back");
    on_socket
}

async fn accepted(server: &Probed, token: &str) {
    server.client(Handshake::token(token)).await;
    let posted = server.post("probe/login/v1", Some(token), json!({ "data": {}, "receiver": "a" })).await;
    assert_eq!(posted.status, 200, "{posted:?}");
}

#[tokio::test]
async fn bad_tokens_are_refused_everywhere_alike() {
    let server = start(&[]);
    let ada = || Token::of("ada");
    let other_key = EncodingKey::from_secret(b"another secret, thirty-two bytes and more");
    let none = format!(
        "{}.{}.",
        BASE64_URL_SAFE_NO_PAD.encode(r#"{"alg":"none","typ":"JWT"}"#),
        BASE64_URL_SAFE_NO_PAD.encode(json!({ "sub": "ada", "exp": now() + 60 }).to_string())
    );
    for (token, expected) in [
        (ada().with("exp", now() - 60).sign(), "auth.expired"),
        (ada().without("exp").sign(), "auth.invalid"),
        (ada().without("sub").sign(), "auth.invalid"),
        (ada().with("sub", "").sign(), "auth.invalid"),
        (ada().with("nbf", now() + 600).sign(), "auth.invalid"),
        (ada().with("aud", "somebody").sign(), "auth.invalid"),
        (ada().sign_with(Algorithm::HS256, &other_key), "auth.invalid"),
        (ada().sign_with(Algorithm::HS512, &EncodingKey::from_secret(SECRET.as_bytes())), "auth.invalid"),
        (ada().sign_with(Algorithm::RS256, &KeyPair::rsa().private), "auth.invalid"),
        (none, "auth.invalid"),
        ("nonsense".to_owned(), "auth.invalid"),
        ("a.b.c".to_owned(), "auth.invalid"),
        ("x".repeat(20_000), "auth.invalid"),
    ] {
        assert_eq!(refusal(&server, &token).await, expected, "{token:.80}");
    }
    accepted(&server, &ada().with("exp", now() - 2).sign()).await;
}

#[tokio::test]
async fn audience_and_issuer_are_required_when_set() {
    let server = start(&[("JWT_AUDIENCE", "sync"), ("JWT_ISSUER", "login")]);
    let right = || Token::of("ada").with("aud", "sync").with("iss", "login");
    accepted(&server, &right().sign()).await;
    for wrong in [
        right().without("aud"),
        right().without("iss"),
        right().with("aud", "other"),
        right().with("iss", "other"),
    ] {
        assert_eq!(refusal(&server, &wrong.sign()).await, "auth.invalid");
    }
}

#[tokio::test]
async fn secrets_rotate() {
    let server = start(&[
        ("JWT_SECRET", "the next secret, also thirty-two bytes or more"),
        ("JWT_SECRET_PREVIOUS", SECRET),
    ]);
    accepted(&server, &Token::of("ada").sign()).await;
    let next = EncodingKey::from_secret(b"the next secret, also thirty-two bytes or more");
    accepted(&server, &Token::of("ada").sign_with(Algorithm::HS256, &next)).await;
}

#[tokio::test]
async fn public_keys_pin_their_algorithm() {
    let pairs = [KeyPair::rsa(), KeyPair::p256(), KeyPair::ed25519()];
    let algorithms = [Algorithm::RS256, Algorithm::ES256, Algorithm::EdDSA];
    let tokens: Vec<String> = pairs
        .iter()
        .zip(algorithms)
        .map(|(pair, algorithm)| Token::of("ada").sign_with(algorithm, &pair.private))
        .collect();
    for (own, pair) in pairs.iter().enumerate() {
        let public = &pair.public;
        // As it would stand in an environment file: one line.
        let public_line = public.replace('\n', "\\n");
        let server = start(&[("JWT_PUBLIC_KEY", &public_line)]);
        for (index, token) in tokens.iter().enumerate() {
            if index == own {
                accepted(&server, token).await;
            } else {
                assert_eq!(refusal(&server, token).await, "auth.invalid");
            }
        }
        // The public key is no secret of HS256, and RS384 is not RS256.
        let swapped =
            Token::of("ada").sign_with(Algorithm::HS256, &EncodingKey::from_secret(public.as_bytes()));
        assert_eq!(refusal(&server, &swapped).await, "auth.invalid");
    }
    let server = start(&[("JWT_PUBLIC_KEY", &pairs[0].public)]);
    let other = Token::of("ada").sign_with(Algorithm::RS384, &pairs[0].private);
    assert_eq!(refusal(&server, &other).await, "auth.invalid");
}

#[tokio::test]
async fn handlers_require_what_they_say() {
    let server = start(&[]);
    let anonymous = server.client(Handshake::default()).await;
    anonymous.join("a").await;
    output(&anonymous.sync("probe/echo", n(1), "a").await);
    assert_eq!(code(&anonymous.sync("probe/login", n(1), "a").await), "auth.required");
    let user = server.user_in("ada", "a").await;
    let refused = user.sync("probe/admin", n(1), "a").await;
    assert_eq!((code(&refused), &refused["errorParams"]), ("auth.forbidden", &json!({ "key": "roles" })));
    let admin =
        server.client(Handshake::token(Token::of("root").with("roles", json!(["admin"])).sign())).await;
    admin.join("a").await;
    output(&admin.sync("probe/admin", n(1), "a").await);

    let posted = server.post("probe/login/v1", None, json!({ "data": {}, "receiver": "a" })).await;
    assert_eq!((posted.status, code(&posted.json())), (401, "auth.required"));
    assert_eq!(posted.header("www-authenticate"), Some("Bearer"));
    let public = server.post("probe/echo/v1", None, json!({ "data": {}, "receiver": "a" })).await;
    assert_eq!(public.status, 200);
}

#[tokio::test]
async fn an_expired_socket_is_warned_stopped_and_dismissed() {
    let server = start(&[("AUTH_GRACE_SECONDS", "0.5")]);
    let client = server.client(Handshake::token(Token::of("ada").with("exp", now() + 2).sign())).await;
    client.join("a").await;
    let bob = server.user_in("bob", "a").await;
    let warning = client.event("auth.expired").await;
    assert_eq!((code(&warning), &warning["graceSeconds"]), ("auth.expired", &json!(0.5)));
    assert_eq!(code(&client.sync("probe/echo", n(1), "a").await), "auth.expired");
    output(&bob.sync("probe/echo", n(2), "a").await);
    bob.event("sync").await;
    client.closed().await;
    assert!(client.take("sync").is_none(), "deliveries to it stopped");
}

#[tokio::test]
async fn a_refreshed_socket_goes_on_as_if_nothing_was() {
    let server = start(&[("AUTH_GRACE_SECONDS", "30")]);
    let client = server.client(Handshake::token(Token::of("ada").with("exp", now() + 2).sign())).await;
    for room in ["a", "b"] {
        client.join(room).await;
    }
    client.event("auth.expired").await;
    for (token, refusal) in [
        (Token::of("eve").sign(), "auth.invalid"),
        (Token::of("ada").with("exp", now() - 60).sign(), "auth.expired"),
        ("nonsense".to_owned(), "auth.invalid"),
    ] {
        assert_eq!(code(&client.ask("refreshToken", json!({ "token": token })).await), refusal);
    }
    let exp = now() + 600;
    let fresh = Token::of("ada").with("exp", exp).with("rooms", json!(["b"])).sign();
    let answer = client.ask("refreshToken", json!({ "token": fresh })).await;
    assert_eq!(answer, json!({ "status": "success", "expiresAt": exp }));
    // What the new token does not allow is left.
    assert_eq!(client.ask("getJoinedRooms", json!({})).await["rooms"], json!(["b"]));
    output(&client.sync("probe/login", n(3), "b").await);
    assert_eq!(client.event("sync").await["serverOutput"]["n"], 3);
}

#[tokio::test]
async fn an_anonymous_socket_cannot_become_somebody() {
    let server = start(&[]);
    let client = server.client(Handshake::default()).await;
    let answer = client.ask("refreshToken", json!({ "token": Token::of("ada").sign() })).await;
    assert_eq!(code(&answer), "auth.invalid");
}

#[tokio::test]
async fn a_refresh_does_not_wait_behind_requests() {
    let server = start(&[]);
    let client = server.user_in("ada", "a").await;
    let waiting = client
        .begin("sync", json!({ "name": "probe/waits", "version": "v1", "data": {}, "receiver": "a" }))
        .await;
    let fresh: Value = client.ask("refreshToken", json!({ "token": Token::of("ada").sign() })).await;
    assert_eq!(fresh["status"], "success");
    server.app.gate.add_permits(1);
    output(&within("the request before it", waiting).await.unwrap());
}

#[tokio::test]
async fn only_a_bearer_token_authenticates_http() {
    let server = start(&[]);
    let token = Token::of("ada").sign();
    let path = "/sync/probe/login/v1";
    let body = json!({ "data": {}, "receiver": "a" }).to_string();
    let basic = format!("Basic {token}");
    let (bearer, cookie) = (format!("bearer {token}"), format!("token={token}"));
    for (headers, status) in [
        (vec![("authorization", bearer.as_str())], 200),
        (vec![("authorization", basic.as_str())], 401),
        (vec![("authorization", token.as_str())], 401),
        (vec![("cookie", cookie.as_str())], 401),
        (vec![("authorization", bearer.as_str()), ("authorization", bearer.as_str())], 401),
    ] {
        let answer = syncline_testkit::call(server.address(), "POST", path, &headers, &body).await;
        assert_eq!(answer.status, status, "{headers:?}");
    }
    let in_query = format!("{path}?token={token}");
    assert_eq!(syncline_testkit::call(server.address(), "POST", &in_query, &[], &body).await.status, 401);
}
