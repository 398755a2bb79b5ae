//! `chat/sendMessage`. The mention matcher has tests of its own beside it.

use serde_json::{Value, json};
use syncline::{Session, SyncResult};
use syncline_testkit::{Delivered as _, Outcome as _, TestSession as _, ready, route};

use crate::fresh;

fn send(text: &str) -> SyncResult<Value> {
    ready(fresh().sync("chat/sendMessage", "v1", json!({ "text": text })))
}

#[test]
fn a_message_is_stamped() {
    let message = send(" \n hello, world \t").unwrap();
    assert_eq!((&message["text"], &message["author"]), (&json!("hello, world"), &json!("ada")));

    let id = message["id"].as_str().unwrap();
    assert_eq!((id.len(), id.as_bytes()[14]), (36, b'7'), "{id}");

    let sent_at = message["sentAt"].as_str().unwrap();
    let shape = sent_at.replace(|c: char| c.is_ascii_digit(), "0");
    assert_eq!(shape, "0000-00-00T00:00:00.000Z", "{sent_at}");
}

#[test]
fn later_messages_have_greater_ids() {
    let id = || send("x").unwrap()["id"].as_str().unwrap().to_owned();
    let (first, second) = (id(), id());
    assert!(first < second, "{first} {second}");
}

#[test]
fn one_to_five_hundred_characters_are_a_message() {
    let longest = "é".repeat(500);
    assert_eq!(send(&longest).unwrap()["text"], longest);
    assert_eq!(send(&format!("  {longest}  ")).unwrap()["text"], longest);
    for bad in ["", "  \n\u{3000} ", &"é".repeat(501)] {
        send(bad).assert_invalid("text");
    }
}

#[test]
fn five_a_second_and_ten_at_once() {
    let limit = route("chat/sendMessage", "v1").rate_limit().unwrap();
    assert_eq!((limit.requests, limit.period.as_secs(), limit.burst), (5, 1, 10));
}

#[tokio::test]
async fn each_recipient_learns_what_it_is_to_them() {
    let stage = fresh();
    let data = json!({ "text": "@bob, @ada: lunch?" });
    let message = stage.sync("chat/sendMessage", "v1", &data).await.unwrap();
    for (recipient, mine, mentioned) in [
        (Session::user("ada"), true, true),
        (Session::user("bob"), false, true),
        (Session::user("bo"), false, false),
        (Session::anonymous(), false, false),
    ] {
        let view = stage.session(recipient).deliver("chat/sendMessage", "v1", &data, &message).await;
        assert_eq!(view.assert_sent(), json!({ "mine": mine, "mentioned": mentioned }));
    }
}
