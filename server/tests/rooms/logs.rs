//! What is logged of rooms, and what never is.

use serde_json::json;
use syncline_server::{Config, log_filter};
use syncline_testkit::{Token, within};

use crate::{
    captured::Captured,
    support::{Sse, metric, path, put_body, start},
};

#[tokio::test]
async fn a_write_is_logged_without_what_was_written() {
    let captured = Captured::default();
    let config = Config::from_pairs(&[("RUST_LOG", "trace")]).unwrap();
    let lines = tracing_subscriber::fmt().with_env_filter(log_filter(&config)).with_ansi(false);
    lines.with_writer(captured.clone()).init();
    let server = start(&[]);
    let stream = Sse::open(server.address(), "abc").await;
    let body = json!({ "state": { "k": "a private word" }, "client_id": "private-client", "client_ts": "private-time" });
    let body = body.to_string();
    put_body(server.address(), "abc", &body).await;
    put_body(server.address(), "abc", "{\"state\": private-word}").await;
    let token = Token::of("ada").sign();
    let bearer = format!("Bearer {token}");
    syncline_testkit::call(server.address(), "DELETE", &path("abc"), &[("authorization", &bearer)], "").await;
    drop(stream);
    within("the disconnect", async {
        while metric(server.address(), "syncline_room_streams").await > 0.0 {}
    })
    .await;
    let log = captured.text();
    let line = |what: &str| {
        log.lines()
            .find(|line| line.contains(what))
            .unwrap_or_else(|| panic!("no `{what}` in {log}"))
            .to_owned()
    };
    let written = line("a room was written");
    for part in [" INFO ", "room_id=\"abc\"", "version=1", &format!("bytes={}", body.len())] {
        assert!(written.contains(part), "{part} in {written}");
    }
    for (what, count) in
        [("a subscriber connected", "subscribers=1"), ("a subscriber disconnected", "subscribers=0")]
    {
        let line = line(what);
        assert!(line.contains("DEBUG") && line.contains(count) && line.contains("abc"), "{line}");
    }
    let private = log.lines().find(|line| line.contains("private") || line.contains(&token));
    assert!(private.is_none(), "{private:?}");
    let route = |route: &str, outcome: &str| {
        format!("syncline_requests_total{{route=\"{route} /api/rooms/{{room_id}}\",outcome=\"{outcome}\"}}")
    };
    assert_eq!(metric(server.address(), &route("PUT", "success")).await, 1.0);
    assert_eq!(metric(server.address(), &route("PUT", "client_error")).await, 1.0);
    assert_eq!(metric(server.address(), &route("DELETE", "success")).await, 1.0);
}
