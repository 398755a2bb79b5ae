//! What the harness says when a test or a handler is wrong: a harness that cannot fail shows nothing.

use std::{panic::AssertUnwindSafe, sync::Arc};

use futures_util::FutureExt as _;
use serde_json::json;
use syncline::{Registry, Session};
use syncline_testkit::{Outcome as _, Stage, TestServer, TestSession as _, VirtualClient, route};

use crate::{App, probe::unfriendly_client_v1::UNFRIENDLY};

async fn failure<T>(wrong: impl Future<Output = T>) -> String {
    match AssertUnwindSafe(wrong).catch_unwind().await {
        Ok(_) => panic!("it should have failed"),
        Err(panic) => *panic.downcast::<String>().expect("a message"),
    }
}

fn start() -> TestServer {
    TestServer::start(|builder| builder.functions(Arc::new(App::default())))
}

async fn add(client: &VirtualClient, room: &str) {
    client.sync("counter/add", "v1", room, json!({ "amount": 1 })).await.unwrap();
}

#[tokio::test]
async fn an_event_that_was_not_expected_is_shown() {
    let server = start();
    let ada = server.client_in(Session::user("ada").at("/counter"), "hall").await;
    let bob = server.client_in(Session::user("bob").at("/counter"), "hall").await;
    let tab = server.client_in("bob", "hall").await;
    bob.join("attic").await.unwrap();
    add(&ada, "hall").await;
    let said = failure(bob.expect_no_event()).await;
    assert!(said.starts_with("`bob` expected no event, and got {") && said.contains("counter/add"), "{said}");
    // Now it is read, and another tab's fences are nothing to this one.
    tab.expect_no_event().await;
    bob.expect_no_event().await;
    bob.leave("attic").await.unwrap();
    bob.leave("hall").await.unwrap();
    bob.expect_no_event().await;
}

#[tokio::test]
async fn waiting_for_nothing_disturbs_nobody_else() {
    let server = start();
    let (ada, bob) = (server.client_in("ada", "hall").await, server.client_in("bob", "hall").await);
    bob.expect_no_event().await;
    ada.expect_no_event().await;
    assert_eq!(ada.raw().take("sync"), None);
}

#[tokio::test]
async fn what_was_left_unread_is_not_forgotten_with_its_room() {
    let server = start();
    let ada = server.client_in(Session::user("ada").at("/counter"), "hall").await;
    add(&ada, "hall").await;
    ada.leave("hall").await.unwrap();
    let said = failure(ada.expect_no_event()).await;
    assert!(said.contains("counter/add"), "{said}");
}

/// The acknowledgement comes long before the recipient's stage is done, so that it alone would prove nothing.
#[tokio::test]
async fn an_event_whose_stage_is_late_is_waited_for() {
    let server = start();
    let (ada, bob) = (server.client_in("ada", "hall").await, server.client_in("bob", "hall").await);
    for _ in 0..20 {
        ada.sync("probe/late", "v1", "hall", json!({})).await.unwrap();
        assert!(failure(bob.expect_no_event()).await.contains("probe/late"));
    }
}

#[tokio::test]
async fn all_is_a_room_like_another() {
    let server = TestServer::configured(&[("ALLOW_ALL", "true")], |builder| {
        builder.functions(Arc::new(App::default()))
    });
    let ada = server.client(Session::user("ada").at("/counter")).await;
    ada.expect_no_event().await;
    let backend = Session::user("backend").scope("sync:publish");
    server.trigger(&backend, "probe/late", "v1", "all", json!({})).await.unwrap();
    assert!(failure(ada.expect_no_event()).await.contains("probe/late"));
}

#[tokio::test]
async fn an_error_instead_of_an_event_is_seen() {
    let server = start();
    let ada = server.client_in("ada", "hall").await;
    ada.sync("probe/unfriendly", "v1", "hall", json!({})).await.unwrap();
    let event = ada.next_event().await;
    assert!(failure(async { event.server_output().clone() }).await.contains("`probe/unfriendly/v1` came"));
    event.outcome.assert_error(UNFRIENDLY.with("to", "ada"));
}

#[tokio::test]
async fn a_connection_that_ends_is_said_at_once() {
    let server = start();
    let ada = server.client_in("ada", "hall").await;
    server.stop().await;
    let said = failure(ada.next_event()).await;
    assert_eq!(said, "the connection ended before an event for `ada`");
}

#[tokio::test]
async fn rooms_that_are_refused_name_the_user_and_the_code() {
    let server = start();
    let closed = Session::user("eve").rooms(&["attic"]);
    let said = failure(server.client_in(&closed, "hall")).await;
    assert!(said.starts_with("`eve` does not get into the room `hall`: room.joinDenied"), "{said}");
    let nobody = server.client_in(Session::anonymous().locale("nl"), "hall").await;
    let refused = nobody.sync("counter/add", "v1", "hall", json!({ "amount": 1 })).await.unwrap_err();
    assert_eq!((refused.code.as_str(), refused.http_status), ("auth.required", 401));
    assert_eq!(refused.message, "Log in om verder te gaan.");
}

#[tokio::test]
async fn errors_that_are_not_declared_are_the_handlers_mistake() {
    let stage = Stage::new(Arc::new(App::default()));
    let said = failure(stage.sync("probe/undeclared", "v1", json!({}))).await;
    assert!(said.contains("`probe/undeclared/v1` returned `probe.notDeclared`, which it does not"), "{said}");
    let said = failure(stage.sync("probe/undeclared", "v1", json!({ "wrong_params": true }))).await;
    assert!(said.contains(r#"the parameters of that code are ["why"]"#), "{said}");
}

#[tokio::test]
async fn an_event_that_is_not_there_lists_those_that_are() {
    let said = failure(async { route("counter/ad", "v1") }).await;
    assert!(
        said.starts_with("there is no event `counter/ad/v1`; the test links these: counter/add/v1,"),
        "{said}"
    );
}

#[tokio::test]
async fn a_registry_of_the_builders_own_lacks_what_tells_that_nothing_comes() {
    let server = TestServer::start(|builder| {
        builder.functions(Arc::new(App::default())).registry(Registry::from_inventory().unwrap())
    });
    let ada = server.client_in("ada", "hall").await;
    let said = failure(ada.expect_no_event()).await;
    assert!(said.contains("given to the builder") && said.contains("sync.notFound"), "{said}");
}

#[test]
#[should_panic(expected = "the server was given `()`")]
fn a_server_without_its_app_says_so() {
    drop(TestServer::start(|builder| builder));
}
