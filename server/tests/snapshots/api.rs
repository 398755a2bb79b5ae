//! `/api/games/{id}/snapshot` and `/api/snapshots/{kind}/{id}`.

use serde_json::json;
use syncline_server::Config;
use syncline_testkit::{Token, call};

use crate::support::{code, game, get, put, put_body, start};

#[tokio::test]
async fn a_game_is_written_and_read() {
    let server = start(&[]);
    let address = server.address();
    assert_eq!(code(&get(address, &game("7"), "ada", &[]).await), "not_found");
    assert_eq!(put(address, "7", json!({ "turn": "ada" })).await, 1);
    assert_eq!(put(address, "7", json!([1.5, "ü"])).await, 2);
    put(address, "other", json!(1)).await;
    for path in [game("7"), "/api/snapshots/game/7".to_owned()] {
        let answer = get(address, &path, "ada", &[]).await;
        assert_eq!(answer.json(), json!({ "version": 2, "data": [1.5, "ü"] }));
        assert_eq!(answer.header("vary").map(str::to_lowercase).as_deref(), Some("authorization"));
        assert_eq!(answer.header("cache-control"), Some("private, no-cache"));
        let etag = answer.header("etag").expect("an entity tag");
        let again = get(address, &path, "bob", &[("if-none-match", etag)]).await;
        assert_eq!((again.status, again.header("etag"), &*again.body), (304, Some(etag), ""));
        let other = get(address, &game("other"), "ada", &[("if-none-match", etag)]).await;
        assert_eq!(other.status, 200, "another version");
    }
}

#[tokio::test]
async fn a_write_may_say_which_version_it_is() {
    let server = start(&[]);
    let address = server.address();
    let put = async |version: u64| {
        put_body(address, "7", json!({ "data": { "v": version }, "lock_version": version }).to_string()).await
    };
    let early = put(2).await;
    assert_eq!((early.status, code(&early).as_str()), (409, "version_conflict"));
    assert_eq!(early.json()["current"], 0);
    assert_eq!(put(1).await.json(), json!({ "version": 1 }));
    assert_eq!(put(2).await.json(), json!({ "version": 2 }));
    for version in [1, 2, 4] {
        let refused = put(version).await;
        assert_eq!((refused.status, &refused.json()["current"]), (409, &json!(2)), "{version}");
    }
    assert_eq!(get(address, &game("7"), "ada", &[]).await.json()["data"], json!({ "v": 2 }));
}

#[tokio::test]
async fn one_of_many_who_write_the_same_version_wins() {
    let server = start(&[]);
    let address = server.address();
    let writes = (0..50).map(async |number| {
        put_body(address, "7", json!({ "data": number, "lock_version": 1 }).to_string()).await.status
    });
    let mut statuses = futures_util::future::join_all(writes).await;
    statuses.sort_unstable();
    assert_eq!((statuses[0], &statuses[1..]), (200, &[409; 49][..]));
}

#[tokio::test]
async fn who_may_read_and_who_may_write() {
    let server = start(&[]);
    let address = server.address();
    put(address, "7", json!({})).await;
    let ask = async |method: &str, token: Option<Token>| {
        let bearer = token.map(|token| format!("Bearer {}", token.sign()));
        let headers = bearer.iter().map(|bearer| ("authorization", bearer.as_str()));
        let headers: Vec<_> = headers.chain([("content-type", "application/json")]).collect();
        let answer = call(address, method, &game("7"), &headers, r#"{"data":1}"#).await;
        (answer.status, if answer.status == 200 { String::new() } else { code(&answer) })
    };
    let ada = || Token::of("ada");
    for (method, token, status, code) in [
        ("GET", None, 401, "auth_required"),
        ("PUT", None, 401, "auth_required"),
        ("GET", Some(ada().with("exp", 1)), 401, "auth_expired"),
        ("GET", Some(ada()), 200, ""),
        ("GET", Some(ada().with("rooms", json!(["game:7"]))), 200, ""),
        ("GET", Some(ada().with("rooms", json!(["game:8", "7"]))), 403, "forbidden"),
        ("PUT", Some(ada()), 403, "auth_forbidden"),
        ("PUT", Some(ada().with("scope", "games:read games:write")), 200, ""),
        ("DELETE", Some(ada()), 405, "method_not_allowed"),
    ] {
        assert_eq!(ask(method, token.clone()).await, (status, code.to_owned()), "{method} {token:?}");
    }
}

#[tokio::test]
async fn what_is_no_write_changes_nothing() {
    let server = start(&[("MAX_STATE_BYTES", "100")]);
    let address = server.address();
    for (body, status, expected) in [
        ("{}".to_owned(), 422, "invalid_data"),
        (r#"{"data":1,"lock_version":0}"#.to_owned(), 422, "invalid_data"),
        ("{".to_owned(), 400, "invalid_json"),
        (format!(r#"{{"data":"{}"}}"#, "x".repeat(100)), 413, "payload_too_large"),
    ] {
        let answer = put_body(address, "7", &body).await;
        assert_eq!((answer.status, code(&answer).as_str()), (status, expected), "{body}");
    }
    let bearer = crate::support::bearer("ada");
    let answer = call(address, "PUT", &game("7"), &[("authorization", &bearer)], r#"{"data":1}"#).await;
    assert_eq!((answer.status, code(&answer).as_str()), (415, "unsupported_media_type"));
    assert_eq!(get(address, &game("7"), "ada", &[]).await.status, 404, "nothing was written");
}

#[tokio::test]
async fn what_cannot_be_a_topic_is_not_there() {
    let server = start(&[]);
    for path in [
        "/api/games/a%20b/snapshot",
        "/api/games/..%2F7/snapshot",
        "/api/games/%ff/snapshot",
        "/api/snapshots/other/7",
        "/api/snapshots/game/a:b",
        "/api/games/7",
        "/api/games/7/snapshot/more",
        "/api/snapshots/game",
        "/ws/other",
    ] {
        let answer = get(server.address(), path, "ada", &[]).await;
        assert_eq!((answer.status, code(&answer).as_str()), (404, "not_found"), "{path}");
    }
}

#[tokio::test]
async fn refusals_are_in_the_readers_language() {
    let server = start(&[]);
    let german = get(server.address(), &game("7"), "ada", &[("accept-language", "de")]).await;
    assert_eq!(
        (&german.json()["message"], german.header("content-language")),
        (&json!("Das gibt es nicht."), Some("de"))
    );
    let bearer = format!("Bearer {}", Token::of("ada").with("locale", "fr").sign());
    let own = call(
        server.address(),
        "GET",
        &game("7"),
        &[("authorization", &bearer), ("accept-language", "de")],
        "",
    )
    .await;
    assert_eq!(own.header("content-language"), Some("fr"), "the token's says better");
}

#[tokio::test]
async fn they_can_be_switched_off() {
    let server = start(&[("SNAPSHOTS", "off")]);
    assert_eq!(get(server.address(), &game("7"), "ada", &[]).await.status, 404);
    assert_eq!(get(server.address(), "/ws/games/7", "ada", &[]).await.status, 404);
    assert_eq!(get(server.address(), "/api/ws/token", "ada", &[]).await.status, 404);
}

#[test]
fn production_needs_what_tickets_are_signed_with() {
    let pem = "-----BEGIN PUBLIC KEY-----\\nx\\n-----END PUBLIC KEY-----";
    let production = [
        ("SYNCLINE_ENV", "production"),
        ("EVENTS", "off"),
        ("ROOMS", "off"),
        ("DOCUMENTS", "off"),
        ("JWT_PUBLIC_KEY", pem),
    ];
    let with = |more: &[(&str, &str)]| Config::from_pairs(&[&production, more].concat());
    let redis = ("REDIS_URL", "redis://127.0.0.1:1");
    let problem = |more: &[(&str, &str)]| with(more).unwrap_err().to_string();
    assert!(with(&[]).is_ok(), "one node may have a random key");
    assert!(problem(&[redis]).contains("TICKET_SECRET"), "nodes that share a Redis share it too");
    assert!(problem(&[("TICKET_SECRET", "short")]).contains("TICKET_SECRET"));
    assert!(with(&[redis, ("TICKET_SECRET", "thirty-two bytes of a secret, at least")]).is_ok());
    assert!(with(&[redis, ("SNAPSHOTS", "off")]).is_ok());
}
