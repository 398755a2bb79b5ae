//! Every code that the server can answer with, provoked through a real client and read in six languages.

use std::collections::BTreeSet;

use serde_json::{Value, json};
use syncline::codes;
use syncline_i18n::Catalog;
use syncline_testkit::{Client, ConnectError, Handshake, Token, call, now};

use crate::support::{Probed, start};

const LOCALES: [&str; 6] = ["en", "nl", "de", "fr", "es", "ja"];

/// Every code, each provoked by a caller who reads that language.
async fn provoke(locale: &str) -> Vec<Value> {
    let server = start(&[("INBOX_EVENTS", "4"), ("AUTH_GRACE_SECONDS", "30")]);
    let mut seen = on_the_socket(&server, locale).await;
    seen.extend(over_http(&server, locale).await);
    seen.extend(at_the_door(locale).await);
    seen
}

async fn on_the_socket(server: &Probed, locale: &str) -> Vec<Value> {
    let token = || Token::of("ada").with("locale", locale);
    let client = server.client(Handshake::token(token().with("rooms", json!(["r*"])).sign())).await;
    client.join("r").await;
    let mut seen = vec![
        client.ask("sync", json!(1)).await,
        client.sync("probe/nothing", json!({}), "r").await,
        client.sync("probe/echo", json!({ "n": "x" }), "r").await,
        client.sync("probe/echo", json!({}), "").await,
        client.sync("probe/echo", json!({}), "all").await,
        client.sync("probe/echo", json!({}), "elsewhere").await,
        client.sync("probe/echo", json!({ "text": "x".repeat(70_000) }), "r").await,
        client.sync("probe/panics", json!({}), "r").await,
        client.sync("probe/never", json!({}), "r").await,
        client.sync("probe/admin", json!({}), "r").await,
        client.ask("joinRoom", json!({ "room": "\n" })).await,
        client.ask("joinRoom", json!({ "room": "denied" })).await,
    ];
    for _ in 0..3 {
        seen.push(client.sync("probe/limited", json!({}), "r").await);
    }
    for room in 0..50 {
        seen.push(client.ask("joinRoom", json!({ "room": format!("r{room}") })).await);
    }
    let request = json!({ "name": "probe/waits", "version": "v1", "data": {}, "receiver": "r" });
    let mut waiting = Vec::new();
    for _ in 0..6 {
        waiting.push(client.begin("sync", request.clone()).await);
    }
    // One runs, four wait, and the last is refused at once.
    seen.push(waiting.pop().expect("the last").await.expect("an answer"));
    server.app.gate.add_permits(5);
    for answer in waiting {
        seen.push(answer.await.expect("an answer"));
    }
    let auth = json!({ "locale": locale });
    let anonymous = server.client(Handshake { auth: Some(auth), ..Handshake::default() }).await;
    anonymous.join("r").await;
    seen.push(anonymous.sync("probe/login", json!({}), "r").await);
    let expiring = server.client(Handshake::token(token().with("exp", now() + 2).sign())).await;
    seen.push(expiring.event("auth.expired").await);
    seen.push(expiring.ask("getJoinedRooms", json!({})).await);
    seen.retain(|answer| answer["status"] == "error");
    seen
}

async fn over_http(server: &Probed, locale: &str) -> Vec<Value> {
    let body = json!({ "data": {}, "receiver": "r" }).to_string();
    let post = async |method: &str, path: &str, headers: &[(&str, &str)], body: &str| {
        let headers = [headers, &[("accept-language", locale)]].concat();
        let answer = call(server.address(), method, path, &headers, body).await;
        let json = answer.json();
        assert_eq!(json["httpStatus"], answer.status, "{json}");
        assert_eq!(answer.header("content-language"), Some(locale), "{json}");
        json
    };
    let path = |event: &str| format!("/sync/probe/{event}/v1");
    let limited = format!("Bearer {}", Token::of("limited").with("rooms", json!(["other"])).sign());
    let expired = format!("Bearer {}", Token::of("ada").with("exp", now() - 60).sign());
    vec![
        post("POST", &path("echo"), &[], "1").await,
        post("POST", &path("nothing"), &[], &body).await,
        post("POST", &path("echo"), &[], r#"{"data":{"n":"x"},"receiver":"r"}"#).await,
        post("POST", &path("echo"), &[], r#"{"data":{}}"#).await,
        post("POST", &path("echo"), &[("authorization", &limited)], &body).await,
        post("POST", &path("echo"), &[], &"x".repeat(70_000)).await,
        post("POST", &path("never"), &[], &body).await,
        post("POST", &path("panics"), &[], &body).await,
        post("GET", &path("echo"), &[], "").await,
        post("POST", &path("login"), &[], &body).await,
        post("POST", &path("login"), &[("authorization", "Bearer nonsense")], &body).await,
        post("POST", &path("login"), &[("authorization", &expired)], &body).await,
        post("POST", &path("echo"), &[("origin", "https://evil.example.com")], &body).await,
        post("POST", &path("echo"), &[], r#"{"data":{},"receiver":"\n"}"#).await,
    ]
}

/// The code of a server that has too many handshakes under way.
async fn at_the_door(locale: &str) -> Vec<Value> {
    let server = start(&[("HANDSHAKES_PER_SECOND", "1")]);
    let path = "/socket.io/?EIO=4&transport=polling";
    let open = async || call(server.address(), "GET", path, &[("accept-language", locale)], "").await;
    let mut refused = open().await;
    while refused.status != 503 {
        refused = open().await;
    }
    vec![refused.json()]
}

#[tokio::test(flavor = "multi_thread")]
async fn every_code_is_provoked_and_localized() {
    let catalog = Catalog::builder().build().unwrap();
    let in_each: Vec<Vec<Value>> = futures_util::future::join_all(LOCALES.map(provoke)).await;
    let mut english = BTreeSet::new();
    for (locale, answers) in LOCALES.into_iter().zip(in_each) {
        let mut codes_seen = BTreeSet::new();
        for answer in answers {
            let code = answer["errorCode"].as_str().unwrap().to_owned();
            let params = answer["errorParams"].as_object().cloned().unwrap_or_default();
            let message = answer["message"].as_str().unwrap();
            assert_eq!(
                message,
                catalog.message(catalog.negotiate(&[locale]), &code, &params),
                "{locale} {code}"
            );
            assert!(catalog.has(locale, &code), "{locale} has no text of its own for {code}");
            let declared = codes::ALL.iter().find(|declared| declared.code() == code).unwrap();
            assert_eq!(answer["httpStatus"], declared.http_status());
            let names: BTreeSet<&str> = params.keys().map(String::as_str).collect();
            assert_eq!(names, declared.params().iter().copied().collect(), "{code}");
            if locale == "en" {
                english.insert(message.to_owned());
            } else {
                assert!(!english.contains(message), "{locale} {code} is in English: {message}");
            }
            codes_seen.insert(code);
        }
        let all: BTreeSet<String> = codes::ALL.iter().map(|code| code.code().to_owned()).collect();
        let missing: Vec<_> = all.difference(&codes_seen).collect();
        // The one that only a stopping server gives has a test of its own, in `shutdown`.
        assert_eq!(missing, ["server.shuttingDown"], "{locale}");
    }
}

#[tokio::test]
async fn the_handshake_is_refused_in_the_readers_language() {
    let server = start(&[]);
    let mut seen = BTreeSet::new();
    for locale in LOCALES {
        let handshake =
            Handshake::token("nonsense").header("accept-language", &format!("xx, {locale};q=0.9"));
        let Err(ConnectError::Refused(message)) = Client::connect(server.address(), handshake).await else {
            panic!("a connect_error")
        };
        assert!(message.starts_with("auth.invalid: "), "{message}");
        seen.insert(message);
    }
    assert_eq!(seen.len(), LOCALES.len(), "{seen:?}");
}

#[tokio::test]
async fn every_code_has_a_text_in_every_language() {
    let catalog = Catalog::builder().build().unwrap();
    for code in codes::ALL {
        for locale in LOCALES {
            let variables = catalog.variables(locale, code.code());
            let variables = variables.unwrap_or_else(|| panic!("{locale} has no text for {}", code.code()));
            assert!(
                variables.iter().all(|name| code.params().contains(&name.as_str())),
                "{locale} {}",
                code.code()
            );
        }
    }
}

#[tokio::test]
async fn parameters_are_text_and_never_markup() {
    let server = start(&[]);
    let client = server.user_in("ada", "a").await;
    let answer = client.sync("probe/echo", json!({ "n": "<img src=x onerror=alert(1)>" }), "a").await;
    assert!(answer["message"].as_str().unwrap().contains("<img src=x onerror=alert(1)>"), "{answer}");
}
