//! Ops: acknowledged once they are done, done once, and refused with a code when they cannot be.

use serde_json::{Value, json};
use tokio_tungstenite::tungstenite::Message;

use crate::support::{Ws, data, history, metric, start};

#[tokio::test]
async fn values_are_kept_as_they_are() {
    let server = start(&[]);
    let address = server.address();
    let (mut ada, _) = Ws::join(address, "w", "ada").await;
    let deep: Value = serde_json::from_str(&format!("{}1{}", "[".repeat(64), "]".repeat(64))).unwrap();
    let values = json!({
        "null": null, "true": true, "text": "grün \u{0} \" \\ 👋", "empty": "", "list": [], "map": {},
        "largest": u64::MAX, "smallest": i64::MIN, "exact": 9_007_199_254_740_993_u64, "float": 1e308, "small": -2.5e-10,
        "one": 1.0, "nested": { "a": [{ "b": [null, 1, "x"] }, []], "": 0 }, "deep": deep,
        "__proto__": "ordinary", "constructor": { "__proto__": 1 }, "../../etc/passwd": 1, "\u{0}": 2, "key with spaces": 3,
    });
    for (number, (key, value)) in values.as_object().unwrap().iter().enumerate() {
        ada.set(&number.to_string(), key, value.clone()).await;
        let told = ada.message().await;
        assert_eq!((&told["payload"]["key"], &told["payload"]["value"]), (&json!(key), value));
        ada.acked(&number.to_string()).await;
    }
    assert_eq!(data(address, "w").await, values);
    let (_, init) = Ws::join(address, "w", "bob").await;
    assert_eq!(init["data"], values);
}

#[tokio::test]
async fn an_op_that_is_sent_again_is_acknowledged_and_not_done_again() {
    let server = start(&[]);
    let address = server.address();
    let ((mut ada, _), (mut bob, _)) =
        (Ws::join(address, "w", "ada").await, Ws::join(address, "w", "bob").await);
    let first = ada.set_acked("same", "key", 1).await;
    assert_eq!(bob.message().await["payload"]["value"], 1);
    let second = bob.set_acked("same", "key", 2).await;
    assert_ne!(first, second, "another user's `same` is another op");
    assert_eq!(ada.message().await["payload"]["value"], 2);
    let again = ada.set_acked("same", "key", 1).await;
    assert_eq!(again, second, "the heads of now");
    assert!(bob.is_quiet().await, "nobody is told anything");
    assert_eq!((data(address, "w").await, history(address, "w").await.len()), (json!({ "key": 2 }), 2));
    // Twice in one commit.
    for _ in 0..2 {
        ada.set("twice", "key", 3).await;
    }
    ada.acked("twice").await;
    ada.acked("twice").await;
    assert_eq!(history(address, "w").await.len(), 3);
}

/// A delete that found nothing does not find something later.
#[tokio::test]
async fn what_changes_nothing_is_remembered_too() {
    let server = start(&[]);
    let address = server.address();
    let (mut ada, _) = Ws::join(address, "w", "ada").await;
    let delete = json!({ "type": "delete", "id": "d", "payload": { "key": "k" } });
    ada.send(&delete).await;
    ada.acked("d").await;
    ada.set_acked("s", "k", 1).await;
    ada.set_acked("t", "k", 1).await;
    ada.send(&delete).await;
    ada.acked("d").await;
    assert_eq!((data(address, "w").await, history(address, "w").await.len()), (json!({ "k": 1 }), 3));
}

#[tokio::test]
async fn without_an_id_nothing_is_acknowledged() {
    let server = start(&[]);
    let (mut ada, _) = Ws::join(server.address(), "w", "ada").await;
    ada.send(&json!({ "type": "op", "payload": { "key": "a", "value": 1 } })).await;
    let told = ada.message().await;
    assert!(told["payload"]["timestamp"].as_i64().unwrap() > 1_700_000_000_000_000, "{told}");
    assert!(ada.is_quiet().await);
}

#[tokio::test]
async fn many_ops_at_once_are_done_in_order() {
    let server = start(&[]);
    let address = server.address();
    let ((mut ada, _), (mut bob, _)) =
        (Ws::join(address, "w", "ada").await, Ws::join(address, "w", "bob").await);
    for number in 0..500 {
        ada.set(&number.to_string(), "n", number).await;
    }
    for number in 0..500 {
        assert_eq!(bob.message().await["payload"]["value"], number);
    }
    for number in 0..500 {
        ada.acked(&number.to_string()).await;
    }
    assert_eq!(data(address, "w").await, json!({ "n": 499 }));
}

#[tokio::test]
async fn bad_ops_are_refused_with_a_code_and_disturb_nobody() {
    let server = start(&[]);
    let address = server.address();
    let ((mut ada, _), (mut bob, _)) =
        (Ws::join(address, "w", "ada").await, Ws::join(address, "w", "bob").await);
    let op = |payload: Value| json!({ "type": "op", "id": "i", "payload": payload }).to_string();
    let nested = |depth: usize| format!("{}1{}", "[".repeat(depth), "]".repeat(depth));
    let raw = |value: &str| format!(r#"{{"type":"op","id":"i","payload":{{"key":"k","value":{value}}}}}"#);
    let (invalid, large) = (("invalid_op", 422), ("too_large", 413));
    for (text, (code, status), id) in [
        (String::new(), invalid, false),
        ("nonsense".to_owned(), invalid, false),
        ("[]".to_owned(), invalid, false),
        ("{}".to_owned(), invalid, false),
        (r#"{"type":"dance"}"#.to_owned(), invalid, false),
        (r#"{"type":7,"payload":{}}"#.to_owned(), invalid, false),
        (r#"{"type":"op","id":"i"}"#.to_owned(), invalid, true),
        (op(json!(null)), invalid, true),
        (op(json!({ "key": "k" })), invalid, true),
        (op(json!({ "value": 1 })), invalid, true),
        (op(json!({ "key": "", "value": 1 })), invalid, true),
        (op(json!({ "key": 7, "value": 1 })), invalid, true),
        (op(json!({ "key": "k".repeat(513), "value": 1 })), invalid, true),
        (op(json!({ "key": "k", "value": 1, "timestamp": "now" })), invalid, true),
        (op(json!({ "key": "k", "value": 1, "timestamp": 1.5 })), invalid, true),
        (
            json!({ "type": "op", "id": "i".repeat(65), "payload": { "key": "k", "value": 1 } }).to_string(),
            invalid,
            false,
        ),
        (
            json!({ "type": "op", "id": "", "payload": { "key": "k", "value": 1 } }).to_string(),
            invalid,
            false,
        ),
        (json!({ "type": "op", "id": 7, "payload": { "key": "k", "value": 1 } }).to_string(), invalid, false),
        (raw("1e400"), invalid, true),
        (raw("-"), invalid, false),
        (raw(&nested(65)), invalid, true),
        (raw(&nested(50_000)), invalid, true),
        (raw(r#""\ud800""#), invalid, true),
        (op(json!({ "key": "k", "value": "x".repeat(65_536) })), large, true),
        (op(json!({ "key": "k".repeat(100_000), "value": 1 })), large, true),
    ] {
        ada.send_raw(Message::text(text.clone())).await;
        let told = ada.error().await;
        let id = if id { json!("i") } else { Value::Null };
        assert_eq!(told, (code.to_owned(), status, id), "{}", &text[..text.len().min(200)]);
    }
    ada.send_raw(Message::binary(vec![0, 1, 2])).await;
    assert_eq!(ada.error().await, ("invalid_op".to_owned(), 422, Value::Null));
    assert!(ada.is_quiet().await && bob.is_quiet().await);
    assert_eq!(data(address, "w").await, json!({}));
    assert!(metric(address, r#"syncline_errors_total{code="workspace.invalidOp"}"#).await > 20.0);
}

/// Not a word of a text that cannot be read comes back: it may be long, and somebody's.
#[tokio::test]
async fn a_refusal_says_where_and_not_what() {
    let server = start(&[]);
    let (mut ada, _) = Ws::join(server.address(), "w", "ada").await;
    ada.send_raw(Message::text(r#"{"type":"op","payload":{"key":"private","value":secret}}"#)).await;
    let told = ada.message().await["message"].as_str().unwrap().to_owned();
    assert!(told.contains("column") && !told.contains("secret") && !told.contains("private"), "{told}");
}

#[tokio::test]
async fn invalid_utf8_ends_the_socket_alone() {
    let server = start(&[]);
    let (mut bob, _) = Ws::join(server.address(), "w", "bob").await;
    let (mut ada, _) = Ws::join(server.address(), "w", "ada").await;
    let invalid = tokio_tungstenite::tungstenite::protocol::frame::Frame::message(
        vec![0xff, 0xfe],
        tokio_tungstenite::tungstenite::protocol::frame::coding::OpCode::Data(
            tokio_tungstenite::tungstenite::protocol::frame::coding::Data::Text,
        ),
        true,
    );
    ada.send_raw(Message::Frame(invalid)).await;
    assert_eq!(ada.closed().await, Some(1007));
    assert!(bob.is_quiet().await);
}

#[tokio::test]
async fn limits_are_each_users_own() {
    let server = start(&[("RATE_LIMIT_PER_ROUTE", "10/10")]);
    let address = server.address();
    let ((mut ada, _), (mut bob, _)) =
        (Ws::join(address, "w", "ada").await, Ws::join(address, "w", "bob").await);
    let mut refused = None;
    for number in 0..30 {
        ada.set(&number.to_string(), "a", number).await;
    }
    while refused.is_none() {
        let message = ada.message().await;
        refused = (message["type"] == "error").then_some(message);
    }
    let refused = refused.unwrap();
    assert_eq!((&refused["code"], &refused["status"]), (&json!("rate_limited"), &json!(429)), "{refused}");
    assert!(refused["seconds"].as_u64().unwrap() >= 1 && refused["id"].is_string(), "{refused}");
    bob.set_acked("1", "b", 1).await;
}

#[tokio::test]
async fn a_full_workspace_takes_no_more() {
    let server = start(&[("WORKSPACE_BYTES", "20000")]);
    let (mut ada, _) = Ws::join(server.address(), "w", "ada").await;
    let mut number = 0;
    let refused = loop {
        number += 1;
        // Of little use to a compressor.
        let text: String = (0..400_u64)
            .map(|n| format!("{:x}", (n + number * 400).wrapping_mul(0x9e37_79b9_7f4a_7c15)))
            .collect();
        ada.set(&number.to_string(), "k", text).await;
        let message = ada.message().await;
        if message["type"] == "error" {
            break message;
        }
        ada.acked(&number.to_string()).await;
    };
    assert_eq!((&refused["code"], &refused["status"]), (&json!("workspace_full"), &json!(413)));
    assert!(number > 2, "{number}");
    // A delete would make it larger still, and the message says what to do instead.
    ada.send(&json!({ "type": "delete", "id": "d", "payload": { "key": "k" } })).await;
    let refused = ada.message().await;
    assert_eq!((&refused["code"], &refused["id"]), (&json!("workspace_full"), &json!("d")));
    assert!(refused["message"].as_str().unwrap().contains("new workspace"), "{refused}");
    let (mut elsewhere, _) = Ws::join(server.address(), "v", "ada").await;
    elsewhere.set_acked("1", "k", 1).await;
}
