//! The app on a whole server, used by clients of several people.

use std::sync::Arc;

use serde_json::json;
use syncline::Session;
use syncline_testkit::{Outcome as _, TestServer, TestSession as _};

use crate::{App, counter::add_server_v1::TOO_HIGH};

#[tokio::test]
async fn who_looks_at_the_counter_sees_it_move() {
    let server = TestServer::start(|builder| builder.functions(Arc::new(App::default())));
    let ada = server.client_in(Session::user("ada").at("/counter"), "hall").await;
    let bob = server.client_in("bob", "hall").await;

    let added = ada.sync("counter/add", "v1", "hall", json!({ "amount": 5 })).await.unwrap();
    assert_eq!(added["total"], 5);
    assert_eq!(ada.next_event().await.client_output(), &json!({ "mine": true }));
    bob.expect_no_event().await;

    bob.go_to("/counter").await.unwrap();
    ada.sync_to_others("counter/add", "v1", "hall", json!({ "amount": 1 })).await.unwrap();
    let event = bob.next_event().await;
    assert_eq!((event.name.as_str(), event.room.as_str()), ("counter/add", "hall"));
    assert_eq!(event.server_output(), &json!({ "total": 6, "by": "ada" }));
    ada.expect_no_event().await;
}

#[tokio::test]
async fn errors_arrive_in_the_readers_language() {
    const TEXTS: &[(&str, &str)] = &[("nl", "counter =\n    .tooHigh = Niet boven { $max }\n")];
    let app = Arc::new(App::default());
    app.add("hall", 1000, 1000);
    let server = TestServer::start(|builder| builder.functions(app).texts(TEXTS));
    let ada = server.client_in(Session::user("ada").locale("nl"), "hall").await;

    let refused = ada.sync("counter/add", "v1", "hall", json!({ "amount": 1 })).await;
    assert!(refused.as_ref().is_err_and(|refused| refused.message.starts_with("Niet boven")), "{refused:?}");
    refused.assert_error(TOO_HIGH.with("max", 1000));
}

#[tokio::test]
async fn a_backend_triggers_events_over_http() {
    let server = TestServer::start(|builder| builder.functions(Arc::new(App::default())));
    let bob = server.client_in(Session::user("bob").at("/counter"), "hall").await;

    let backend = Session::user("billing").scope("sync:publish");
    server.trigger(&backend, "counter/add", "v1", "hall", json!({ "amount": 7 })).await.unwrap();
    assert_eq!(bob.next_event().await.server_output()["total"], 7);
}

#[tokio::test]
async fn the_server_sees_the_session_that_the_test_made() {
    let server = TestServer::start(|builder| builder.functions(Arc::new(App::default())));
    let ada = Session {
        expires_at: Some(syncline_testkit::now() + 600),
        ..Session::user("ada")
            .named("Ada")
            .locale("ja")
            .role("admin")
            .scope("a")
            .scope("b")
            .rooms(&["hall", "game-*"])
            .claim("org", 7)
            .at("/map")
            .search_param("tab", "2")
    };
    let nobody = Session::anonymous().at("/map");
    // Who says no language has the one that the server falls back to.
    for (who, seen_as) in [(&ada, ada.clone()), (&nobody, nobody.clone().locale("en"))] {
        let client = server.client(who).await;
        client.join("hall").await.unwrap();
        let seen = client.sync("probe/whoAmI", "v1", "hall", json!({})).await.unwrap();
        assert_eq!(serde_json::from_value::<Session>(seen).unwrap(), seen_as);
    }
}
