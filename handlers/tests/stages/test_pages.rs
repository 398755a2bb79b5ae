//! The pages below `test`.

use serde_json::json;
use syncline::Session;

use crate::call::{Server, route, user};

#[test]
fn the_nested_room_echoes() {
    let data = json!({ "step": -3, "active": true });
    let answer = Server::new().call(("test/nestedTest/room", "v1"), "room", user("ada"), &data).unwrap();
    assert_eq!(answer, data);
}

#[test]
fn ping_has_a_client_stage_alone() {
    let ping = route("test/clientOnly/ping", "v1");
    assert!(ping.server().is_none());
    assert!(ping.auth().check(&Session::default()).is_err());
    let to_bob =
        Server::new().deliver(("test/clientOnly/ping", "v1"), &json!({}), &json!({}), user("bob")).unwrap();
    assert_eq!(to_bob, Some(json!({ "userId": "bob" })));
}
