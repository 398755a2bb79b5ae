//! `presence/cursor`.

use serde_json::json;
use syncline::{Deliver, Session};
use syncline_testkit::{TestSession as _, route};

use crate::fresh;

const CURSOR: &str = "presence/cursor";

#[tokio::test]
async fn the_cursor_says_whose_it_is_and_where() {
    let data = json!({ "x": 0.5, "y": -3 });
    let on_a_page = fresh().session(Session::user("ada").at("/map"));
    let cursor = on_a_page.sync(CURSOR, "v1", &data).await.unwrap();
    assert_eq!(cursor, json!({ "x": 0.5, "y": -3.0, "userId": "ada", "pathName": "/map" }));
    let nowhere = fresh().sync(CURSOR, "v1", &data).await.unwrap();
    assert_eq!(nowhere, json!({ "x": 0.5, "y": -3.0, "userId": "ada" }));
}

#[tokio::test]
async fn only_the_sender_s_page_sees_it() {
    let (stage, data) = (fresh(), json!({ "x": 1, "y": 2 }));
    let (ada, bob) = (Session::user("ada"), Session::user("bob"));
    for (sender, recipient, sees) in [
        (ada.clone().at("/map"), bob.clone().at("/map"), true),
        (ada.clone().at("/map"), bob.clone().at("/map/2"), false),
        (ada.clone().at("/map"), bob.clone(), false),
        (ada.clone(), bob.clone().at("/map"), false),
        (ada, bob, true),
    ] {
        let cursor = stage.session(&sender).sync(CURSOR, "v1", &data).await.unwrap();
        let seen = stage.session(&recipient).deliver(CURSOR, "v1", &data, cursor).await.unwrap();
        assert_eq!(seen != Deliver::Skip, sees, "{sender:?} {recipient:?}");
    }
}

#[test]
fn recipients_on_one_page_share_a_run() {
    let audience = route(CURSOR, "v1").client().unwrap().audience.as_ref().unwrap();
    let (ada, bob) = (Session::user("ada"), Session::user("bob"));
    assert!(audience.key(&ada.clone().at("/map")) == audience.key(&bob.at("/map")));
    assert!(audience.key(&ada.clone().at("/map")) != audience.key(&ada));
}
