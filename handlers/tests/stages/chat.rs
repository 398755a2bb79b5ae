//! `chat/sendMessage`. The mention matcher has tests of its own beside it.

use serde_json::{Value, json};
use syncline::{Session, SyncResult};

use crate::call::{Server, refused, route, user};

const SEND: (&str, &str) = ("chat/sendMessage", "v1");

fn send(text: &str) -> SyncResult<Value> {
    Server::new().call(SEND, "room", user("ada"), &json!({ "text": text }))
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
        let error = refused(send(bad));
        assert_eq!((&error["code"], &error["params"]["path"]), (&json!("sync.invalidInput"), &json!("text")));
    }
}

#[test]
fn five_a_second_and_ten_at_once() {
    let limit = route(SEND.0, SEND.1).rate_limit().unwrap();
    assert_eq!((limit.requests, limit.period.as_secs(), limit.burst), (5, 1, 10));
}

#[test]
fn each_recipient_learns_what_it_is_to_them() {
    let server = Server::new();
    let data = json!({ "text": "@bob, @ada: lunch?" });
    let message = server.call(SEND, "room", user("ada"), &data).unwrap();
    for (recipient, mine, mentioned) in [
        (user("ada"), true, true),
        (user("bob"), false, true),
        (user("bo"), false, false),
        (Session::default(), false, false),
    ] {
        let view = server.deliver(SEND, &data, &message, recipient).unwrap();
        assert_eq!(view, Some(json!({ "mine": mine, "mentioned": mentioned })));
    }
}
