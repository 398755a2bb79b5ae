//! The pages below `test`.

use serde_json::json;
use syncline::{Session, codes};
use syncline_testkit::{Delivered as _, Outcome as _, TestSession as _, route};

use crate::fresh;

#[tokio::test]
async fn the_nested_room_echoes() {
    let data = json!({ "step": -3, "active": true });
    assert_eq!(fresh().sync("test/nestedTest/room", "v1", &data).await.unwrap(), data);
}

#[tokio::test]
async fn ping_has_a_client_stage_alone() {
    const PING: &str = "test/clientOnly/ping";
    assert!(route(PING, "v1").server().is_none());
    let nobody = fresh().session(Session::anonymous());
    nobody.sync(PING, "v1", json!({})).await.assert_error(codes::AUTH_REQUIRED);
    let to_bob = fresh().session("bob").deliver(PING, "v1", json!({}), json!({})).await;
    assert_eq!(to_bob.assert_sent(), json!({ "userId": "bob" }));
}
