//! The HTTP edge, origins, addresses, transports, health and metrics.

use serde_json::json;
use syncline_testkit::{Client, ConnectError, Handshake, Token, call};

use crate::support::{code, n, output, start};

#[tokio::test]
async fn other_methods_and_paths() {
    let server = start(&[]);
    for method in ["GET", "PUT", "DELETE", "PATCH"] {
        let answer = call(server.address(), method, "/sync/probe/echo/v1", &[], "").await;
        assert_eq!((answer.status, answer.header("allow")), (405, Some("POST")), "{method}");
        assert_eq!(code(&answer.json()), "sync.methodNotAllowed");
    }
    for route in [
        "probe/echo/v2",
        "probe/echo/v01",
        "probe/echo",
        "echo/v1",
        "probe/__proto__/v1",
        "probe/echo/v1/",
        "%2e%2e/x/v1",
    ] {
        let answer = server.post(route, None, json!({ "data": {}, "receiver": "a" })).await;
        assert_eq!((answer.status, code(&answer.json())), (404, "sync.notFound"), "{route}");
    }
}

#[tokio::test]
async fn bodies_that_are_no_request() {
    let server = start(&[]);
    for (body, status, expected) in [
        (String::new(), 400, "sync.invalidRequest"),
        ("[]".to_owned(), 400, "sync.invalidRequest"),
        (r#"{"receiver":"a"}"#.to_owned(), 400, "sync.invalidRequest"),
        (r#"{"data":{}}"#.to_owned(), 400, "sync.missingReceiver"),
        (r#"{"data":{},"receiver":""}"#.to_owned(), 400, "sync.missingReceiver"),
        (r#"{"data":{},"receiver":"a\nb"}"#.to_owned(), 400, "room.invalid"),
        (
            format!(r#"{{"data":{}{},"receiver":"a"}}"#, "[".repeat(100), "]".repeat(100)),
            400,
            "sync.invalidRequest",
        ),
        (format!(r#"{{"data":"{}","receiver":"a"}}"#, "x".repeat(70_000)), 413, "sync.tooLarge"),
    ] {
        let answer = call(server.address(), "POST", "/sync/probe/echo/v1", &[], &body).await;
        assert_eq!((answer.status, code(&answer.json())), (status, expected), "{body:.80}");
    }
    let not_utf8 = call(server.address(), "POST", "/sync/probe/echo/v1", &[], [b'{', 0xff, b'}']).await;
    assert_eq!(code(&not_utf8.json()), "sync.invalidRequest");
}

#[tokio::test]
async fn origins_are_checked_for_http_and_for_the_handshake() {
    let server = start(&[("CORS_ORIGINS", "https://app.example.com")]);
    let own = format!("http://{}", server.address());
    for (origin, allowed) in [
        ("https://app.example.com", true),
        (own.as_str(), true),
        ("http://localhost:5173", true),
        ("https://evil.example.com", false),
        ("https://app.example.com.evil.com", false),
        ("null", false),
    ] {
        let posted = call(
            server.address(),
            "POST",
            "/sync/probe/echo/v1",
            &[("origin", origin), ("accept-language", "nl")],
            json!({ "data": {}, "receiver": "a" }).to_string(),
        )
        .await;
        let connected =
            Client::connect(server.address(), Handshake::default().header("origin", origin)).await;
        let polled =
            call(server.address(), "GET", "/socket.io/?EIO=4&transport=polling", &[("origin", origin)], "")
                .await;
        if allowed {
            assert_eq!((posted.status, polled.status, connected.is_ok()), (200, 200, true), "{origin}");
        } else {
            assert_eq!((posted.status, code(&posted.json())), (403, "auth.originDenied"), "{origin}");
            assert_eq!(posted.header("content-language"), Some("nl"));
            assert_eq!((connected.err(), polled.status), (Some(ConnectError::Http(403)), 403), "{origin}");
        }
        let listed = origin == "https://app.example.com" || origin == "http://localhost:5173";
        assert_eq!(posted.header("access-control-allow-origin"), listed.then_some(origin));
    }
    let preflight = call(
        server.address(),
        "OPTIONS",
        "/sync/probe/echo/v1",
        &[
            ("origin", "https://app.example.com"),
            ("access-control-request-method", "POST"),
            ("access-control-request-headers", "authorization"),
        ],
        "",
    )
    .await;
    assert_eq!(
        (preflight.status, preflight.header("access-control-allow-origin")),
        (200, Some("https://app.example.com"))
    );
    let production = start(&[("SYNCLINE_ENV", "production"), ("HOST", "127.0.0.1")]);
    let dev_page = Handshake::default().header("origin", "http://localhost:5173");
    assert_eq!(Client::connect(production.address(), dev_page).await.err(), Some(ConnectError::Http(403)));
}

#[tokio::test]
async fn limits_by_address_see_through_trusted_proxies_only() {
    let body = json!({ "data": {}, "receiver": "a" }).to_string();
    let post = async |address, client: &str| {
        call(address, "POST", "/sync/probe/echo/v1", &[("x-forwarded-for", client)], &body).await.status
    };
    let behind_proxy = start(&[("RATE_LIMIT_PER_ADDRESS", "1/60"), ("TRUSTED_PROXIES", "127.0.0.0/8")]);
    assert_eq!(post(behind_proxy.address(), "203.0.113.1").await, 200);
    assert_eq!(post(behind_proxy.address(), "203.0.113.1").await, 429);
    assert_eq!(post(behind_proxy.address(), "203.0.113.2").await, 200);
    assert_eq!(
        post(behind_proxy.address(), "6.6.6.6, 203.0.113.2").await,
        429,
        "the left end is anybody's to write"
    );
    let exposed = start(&[("RATE_LIMIT_PER_ADDRESS", "1/60")]);
    assert_eq!(post(exposed.address(), "203.0.113.1").await, 200);
    assert_eq!(post(exposed.address(), "203.0.113.2").await, 429);
}

#[tokio::test]
async fn transports_can_be_closed() {
    let server = start(&[("TRANSPORTS", "websocket")]);
    let polled = call(server.address(), "GET", "/socket.io/?EIO=4&transport=polling", &[], "").await;
    assert_eq!(polled.status, 400);
    server.user("ada").await;
}

#[tokio::test]
async fn health_and_metrics() {
    let server = start(&[]);
    assert_eq!(call(server.address(), "GET", "/healthz", &[], "").await.json(), json!({ "ok": true }));
    let ready = call(server.address(), "GET", "/readyz", &[], "").await;
    assert_eq!((ready.status, &ready.json()["ready"]), (200, &json!(true)));

    // Each metric is there at zero before anything happened.
    for name in [
        "syncline_requests_total{route=\"probe/echo/v1\",outcome=\"success\"}",
        "syncline_errors_total{code=\"probe.picky\"}",
        "syncline_deliveries_total{outcome=\"sent\"}",
        "syncline_slow_consumers_total",
        "syncline_sockets",
    ] {
        assert_eq!(server.metric(name).await, 0.0, "{name}");
    }
    let (ada, skips) = (server.user_in("ada", "a").await, server.user_in("skips", "a").await);
    output(&ada.sync("probe/picky", n(1), "a").await);
    ada.event("sync").await;
    output(&ada.sync("probe/echo", n(1), "a").await);
    skips.event("sync").await;
    ada.sync("probe/panics", n(1), "a").await;
    for (name, value) in [
        ("syncline_requests_total{route=\"probe/picky/v1\",outcome=\"success\"}", 1.0),
        ("syncline_requests_total{route=\"probe/panics/v1\",outcome=\"server_error\"}", 1.0),
        ("syncline_request_seconds_count{route=\"probe/echo/v1\"}", 1.0),
        ("syncline_errors_total{code=\"sync.internal\"}", 1.0),
        ("syncline_deliveries_total{outcome=\"sent\"}", 3.0),
        ("syncline_deliveries_total{outcome=\"filtered\"}", 1.0),
        ("syncline_sockets", 2.0),
        ("syncline_rooms", 1.0),
        ("syncline_inbox_events", 0.0),
    ] {
        assert_eq!(server.metric(name).await, value, "{name}");
    }
    let text = call(server.address(), "GET", "/metrics", &[], "").await.body;
    assert!(!text.contains("=\"ada\"") && !text.contains("=\"a\""), "no label names a user or a room");
}

#[tokio::test]
async fn metrics_are_for_loopback_and_admins() {
    let server = start(&[("TRUSTED_PROXIES", "127.0.0.1")]);
    let metrics =
        async |headers: &[(&str, &str)]| call(server.address(), "GET", "/metrics", headers, "").await.status;
    let outside = ("x-forwarded-for", "203.0.113.1");
    let (user, admin) = (Token::of("ada").sign(), Token::of("root").with("scope", "admin").sign());
    let (user, admin) = (format!("Bearer {user}"), format!("Bearer {admin}"));
    assert_eq!(metrics(&[]).await, 200);
    assert_eq!(metrics(&[outside]).await, 401);
    assert_eq!(metrics(&[outside, ("authorization", &user)]).await, 403);
    assert_eq!(metrics(&[outside, ("authorization", &admin)]).await, 200);
    let untrusting = start(&[]);
    let through_a_proxy = call(untrusting.address(), "GET", "/metrics", &[outside], "").await;
    assert_eq!(through_a_proxy.status, 401, "behind a proxy that is not trusted, nobody is local");
}

#[tokio::test]
async fn guests_are_for_development() {
    let server = start(&[]);
    let guest = json!({ "sub": "ada", "name": "Ada", "rooms": ["a"] }).to_string();
    let minted = call(server.address(), "POST", "/api/dev/token", &[], &guest).await.json();
    let client = server.client(Handshake::token(minted["token"].as_str().unwrap())).await;
    client.join("a").await;
    assert_eq!(code(&client.ask("joinRoom", json!({ "room": "b" })).await), "room.joinDenied");
    output(&client.sync("probe/login", n(1), "a").await);
    let nobody = call(server.address(), "POST", "/api/dev/token", &[], "").await;
    assert_eq!(nobody.status, 200);
    assert_eq!(call(server.address(), "POST", "/api/dev/token", &[], "{").await.status, 400);
    let production = start(&[("SYNCLINE_ENV", "production"), ("HOST", "127.0.0.1")]);
    assert_eq!(call(production.address(), "POST", "/api/dev/token", &[], "").await.status, 404);
}

#[tokio::test]
async fn the_http_side_is_described() {
    let server = start(&[]);
    let answer = call(server.address(), "GET", "/openapi.json", &[], "").await;
    assert_eq!((answer.status, answer.header("content-type")), (200, Some("application/json")));
    let document = answer.json();
    assert_eq!(document["openapi"], "3.1.0");
    assert!(document["paths"]["/sync/probe/echo/v1"]["post"].is_object(), "{document}");
}
