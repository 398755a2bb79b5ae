//! Pages of other origins.

use serde_json::json;
use syncline_testkit::call;

use crate::support::{Sse, code, get, path, put, start};

const PAGE: &str = "https://app.example.com";

#[tokio::test]
async fn a_preflight_allows_what_the_client_needs() {
    let server = start(&[("CORS_ORIGINS", PAGE)]);
    for method in ["PUT", "DELETE"] {
        let headers = [
            ("origin", PAGE),
            ("access-control-request-method", method),
            ("access-control-request-headers", "authorization,content-type,if-none-match,last-event-id"),
        ];
        let answer = call(server.address(), "OPTIONS", &path("abc"), &headers, "").await;
        assert_eq!((answer.status, answer.header("access-control-allow-origin")), (200, Some(PAGE)));
        let list = |name: &str| answer.header(name).unwrap_or_default().to_ascii_lowercase();
        let methods = list("access-control-allow-methods");
        assert!(methods.split(',').any(|allowed| allowed.eq_ignore_ascii_case(method)), "{methods}");
        let allowed = list("access-control-allow-headers");
        for name in ["authorization", "content-type", "if-none-match", "last-event-id"] {
            assert!(allowed.split(',').any(|listed| listed.trim() == name), "{name} in {allowed}");
        }
    }
}

#[tokio::test]
async fn answers_and_streams_name_the_origin_and_show_the_tag() {
    let server = start(&[("CORS_ORIGINS", PAGE)]);
    put(server.address(), "abc", json!({})).await;
    let answer = get(server.address(), "abc", &[("origin", PAGE)]).await;
    assert_eq!(answer.header("access-control-allow-origin"), Some(PAGE));
    let exposed = answer.header("access-control-expose-headers").unwrap().to_ascii_lowercase();
    assert!(exposed.split(',').any(|name| name.trim() == "etag"), "{exposed}");
    let stream = Sse::open_with(server.address(), "abc", &[("origin", PAGE)]).await;
    assert_eq!(stream.header("access-control-allow-origin"), Some(PAGE));
}

#[tokio::test]
async fn another_page_is_refused() {
    let server = start(&[("CORS_ORIGINS", PAGE)]);
    let evil = [("origin", "https://evil.example.com"), ("access-control-request-method", "PUT")];
    let answer = get(server.address(), "abc", &evil[..1]).await;
    assert_eq!((answer.status, code(&answer).as_str()), (403, "auth_origin_denied"));
    assert_eq!(answer.header("access-control-allow-origin"), None);
    let preflight = call(server.address(), "OPTIONS", &path("abc"), &evil, "").await;
    assert_eq!(preflight.header("access-control-allow-origin"), None);
}
