//! The app's events by their names: what the registration lines say, and what crosses the wire.

use std::sync::Arc;

use serde_json::json;
use syncline::{Session, codes};
use syncline_testkit::{Delivered as _, Outcome as _, Stage, TestSession as _};

use crate::App;

#[tokio::test]
async fn what_the_wire_says_and_the_registration_holds() {
    let stage = Stage::new(Arc::new(App::default()));
    let added = stage.sync("counter/add", "v1", json!({ "amount": 5 })).await.unwrap();
    assert_eq!(added, json!({ "total": 5, "by": "ada" }));

    stage.sync("counter/add", "v1", json!({ "amount": 101 })).await.assert_invalid("amount");
    stage.sync("counter/add", "v1", json!({ "amount": "5" })).await.assert_invalid("amount");
    let nobody = stage.session(Session::anonymous());
    nobody.sync("counter/add", "v1", json!({ "amount": 5 })).await.assert_error(codes::AUTH_REQUIRED);

    let bob = stage.session(Session::user("bob").at("/counter"));
    let view = bob.deliver("counter/add", "v1", json!({ "amount": 5 }), added).await.assert_sent();
    assert_eq!(view, json!({ "mine": false }));
}

#[tokio::test]
async fn an_event_without_a_server_stage_is_checked_all_the_same() {
    let stage = Stage::new(Arc::new(App::default()));
    let hello = json!({ "text": "hello" });
    let forbidden = codes::AUTH_FORBIDDEN.with("key", "roles");
    stage.sync("counter/announce", "v1", &hello).await.assert_error(forbidden);
    let host = stage.session(Session::user("ada").role("host").locale("nl"));
    assert_eq!(host.sync("counter/announce", "v1", &hello).await.unwrap(), json!({}));
    host.sync("counter/announce", "v1", json!({ "text": 1 })).await.assert_invalid("text");
    let said = host.deliver("counter/announce", "v1", &hello, json!({})).await.assert_sent();
    assert_eq!(said, json!({ "text": "[nl] hello" }));
    stage.deliver("counter/announce", "v1", hello, json!({})).await.assert_skipped();
}

#[tokio::test]
async fn an_event_without_a_client_stage_goes_to_everyone() {
    let stage = Stage::new(Arc::new(App::default()));
    let sent = stage.deliver("probe/undeclared", "v1", json!({}), json!({})).await.assert_sent();
    assert_eq!(sent, json!({}));
}
