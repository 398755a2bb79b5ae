//! Who may read and who may write.

use serde_json::json;
use syncline_server::{Config, RoomAuth};
use syncline_testkit::{TestServer, Token, call, now};

use crate::support::{Sse, code, start};

/// The status and the code of each of GET, stream, PUT and DELETE with that token.
async fn matrix(server: &TestServer, token: Option<&str>) -> Vec<(u16, String)> {
    let bearer = token.map(|token| format!("Bearer {token}"));
    let mut headers: Vec<(&str, &str)> = vec![("content-type", "application/json")];
    headers.extend(bearer.iter().map(|bearer| ("authorization", bearer.as_str())));
    let mut seen = Vec::new();
    for (method, path) in [("PUT", "/api/rooms/abc"), ("GET", "/api/rooms/abc"), ("DELETE", "/api/rooms/abc")]
    {
        let answer = call(server.address(), method, path, &headers, json!({ "state": {} }).to_string()).await;
        let refusal = if answer.status < 300 || answer.status == 404 { String::new() } else { code(&answer) };
        if answer.status == 401 {
            assert_eq!(answer.header("www-authenticate"), Some("Bearer"));
        }
        // Whether a room is there is not the question here.
        seen.push((if answer.status == 404 { 200 } else { answer.status }, refusal));
    }
    let stream = Sse::open_with(server.address(), "abc", &headers).await;
    seen.push((stream.status, String::new()));
    seen
}

fn statuses(seen: &[(u16, String)]) -> Vec<u16> {
    seen.iter().map(|(status, _)| *status).collect()
}

fn token(scope: &str) -> Token {
    Token::of("ada").with("scope", scope)
}

#[tokio::test]
async fn off_needs_no_token_and_looks_at_none() {
    let server = start(&[]);
    for token in [None, Some("nonsense")] {
        assert_eq!(statuses(&matrix(&server, token).await), [200, 200, 204, 200]);
    }
}

#[tokio::test]
async fn write_needs_the_scope_for_put_and_delete() {
    let server = start(&[("ROOM_AUTH", "write")]);
    let (read, write) = (token("rooms:read").sign(), token("other rooms:write").sign());
    let expired = token("rooms:write").with("exp", now() - 60).sign();
    for (token, expected, refusal) in [
        (None, [401, 200, 401, 200], "auth_required"),
        (Some("nonsense"), [401, 200, 401, 200], "auth_invalid"),
        (Some(expired.as_str()), [401, 200, 401, 200], "auth_expired"),
        (Some(&read), [403, 200, 403, 200], "auth_forbidden"),
        (Some(&write), [200, 200, 204, 200], ""),
    ] {
        let seen = matrix(&server, token).await;
        assert_eq!((statuses(&seen), seen[0].1.as_str()), (expected.to_vec(), refusal), "{token:?}");
    }
}

#[tokio::test]
async fn all_needs_a_scope_for_everything() {
    let server = start(&[("ROOM_AUTH", "all")]);
    let (read, write) = (token("rooms:read").sign(), token("rooms:write").sign());
    let both = token("rooms:read rooms:write").sign();
    for (token, expected) in [
        (None, [401, 401, 401, 401]),
        (Some(read.as_str()), [403, 200, 403, 200]),
        (Some(&write), [200, 403, 204, 403]),
        (Some(&both), [200, 200, 204, 200]),
    ] {
        assert_eq!(statuses(&matrix(&server, token).await), expected, "{token:?}");
    }
}

/// Two users whose tokens name their rooms, over every way there is.
#[tokio::test]
async fn a_rooms_claim_keeps_to_its_rooms() {
    let server = start(&[("ROOM_AUTH", "all")]);
    let only = |rooms: &str| token("rooms:read rooms:write").with("rooms", json!([rooms])).sign();
    assert_eq!(statuses(&matrix(&server, Some(&only("ab*"))).await), [200, 200, 204, 200]);
    let seen = matrix(&server, Some(&only("other-*"))).await;
    assert_eq!(statuses(&seen), [403, 403, 403, 403]);
    assert_eq!(seen[0].1, "auth_forbidden");
}

#[tokio::test]
async fn a_stream_ends_with_its_token() {
    let server = start(&[("ROOM_AUTH", "all")]);
    let bearer = format!("Bearer {}", token("rooms:read").with("exp", now() + 2).sign());
    let stream = Sse::open_with(server.address(), "abc", &[("authorization", &bearer)]).await;
    assert_eq!(stream.status, 200);
    stream.ended().await;
}

#[test]
fn production_protects_writing() {
    let production = [
        ("SYNCLINE_ENV", "production"),
        ("EVENTS", "off"),
        ("SNAPSHOTS", "off"),
        ("WORKSPACES", "off"),
        ("DOCUMENTS", "off"),
    ];
    let with = |more: &[(&str, &str)]| Config::from_pairs(&[&production, more].concat());
    let secret = ("JWT_SECRET", "thirty-two bytes of a secret, at least");
    assert_eq!(with(&[secret]).unwrap().room_auth, RoomAuth::Write);
    assert!(with(&[]).unwrap_err().to_string().contains("JWT_SECRET"));
    assert_eq!(with(&[("ROOM_AUTH", "off")]).unwrap().room_auth, RoomAuth::Off);
    assert_eq!(Config::from_pairs(&[]).unwrap().room_auth, RoomAuth::Off);
}
