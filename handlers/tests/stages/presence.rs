//! `presence/cursor`.

use serde_json::json;

use crate::call::{Server, route, user, user_on};

const CURSOR: (&str, &str) = ("presence/cursor", "v1");

#[test]
fn the_cursor_says_whose_it_is_and_where() {
    let server = Server::new();
    let data = json!({ "x": 0.5, "y": -3 });
    let on_a_page = server.call(CURSOR, "room", user_on("ada", "/map"), &data).unwrap();
    assert_eq!(on_a_page, json!({ "x": 0.5, "y": -3.0, "userId": "ada", "pathName": "/map" }));
    let nowhere = server.call(CURSOR, "room", user("ada"), &data).unwrap();
    assert_eq!(nowhere, json!({ "x": 0.5, "y": -3.0, "userId": "ada" }));
}

#[test]
fn only_the_sender_s_page_sees_it() {
    let server = Server::new();
    let data = json!({ "x": 1, "y": 2 });
    let sees = |sender, recipient| {
        let cursor = server.call(CURSOR, "room", sender, &data).unwrap();
        server.deliver(CURSOR, &data, &cursor, recipient).unwrap().is_some()
    };
    assert!(sees(user_on("ada", "/map"), user_on("bob", "/map")));
    assert!(!sees(user_on("ada", "/map"), user_on("bob", "/map/2")));
    assert!(!sees(user_on("ada", "/map"), user("bob")));
    assert!(!sees(user("ada"), user_on("bob", "/map")));
    assert!(sees(user("ada"), user("bob")));
}

#[test]
fn recipients_on_one_page_share_a_run() {
    let client = route(CURSOR.0, CURSOR.1).client().unwrap();
    let audience = client.audience.as_ref().unwrap();
    assert!(audience.key(&user_on("ada", "/map")) == audience.key(&user_on("bob", "/map")));
    assert!(audience.key(&user_on("ada", "/map")) != audience.key(&user("ada")));
}
