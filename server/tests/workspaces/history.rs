//! The history: what was changed by whom, the state at a change, and bringing it back.

use serde_json::{Value, json};
use syncline_testkit::now;

use crate::support::{Ws, code, data, get, history, request, start};

async fn some_history(ada: &mut Ws, bob: &mut Ws) {
    ada.set_acked("1", "title", "first").await;
    bob.set_acked("1", "done", json!({ "steps": [true, false] })).await;
    ada.set_acked("2", "title", "second").await;
    ada.send(&json!({ "type": "delete", "id": "3", "payload": { "key": "done" } })).await;
    ada.acked("3").await;
}

fn hash(entry: &Value) -> &str {
    entry["hash"].as_str().expect("a hash")
}

#[tokio::test]
async fn it_says_who_changed_what_when_and_where() {
    let server = start(&[("REGION", "eu-1")]);
    let address = server.address();
    let ((mut ada, _), (mut bob, _)) =
        (Ws::join(address, "w", "ada").await, Ws::join(address, "w", "bob").await);
    some_history(&mut ada, &mut bob).await;
    let history = history(address, "w").await;
    let told: Vec<_> =
        history.iter().map(|entry| (&entry["user_id"], &entry["keys"], &entry["region"])).collect();
    let (ada, bob, here) = (json!("ada"), json!("bob"), json!("eu-1"));
    assert_eq!(
        told,
        [
            (&ada, &json!(["done"]), &here),
            (&ada, &json!(["title"]), &here),
            (&bob, &json!(["done"]), &here),
            (&ada, &json!(["title"]), &here),
        ]
    );
    let times: Vec<_> = history.iter().map(|entry| entry["timestamp"].as_i64().unwrap()).collect();
    assert!(times.is_sorted_by(|later, earlier| later > earlier), "{times:?}");
    assert!((now() as i64 - times[0] / 1_000_000).abs() < 60, "in microseconds: {times:?}");
    for entry in &history {
        assert_eq!((hash(entry).len(), &entry["message"]), (64, &Value::Null), "{entry}");
        assert_eq!(entry["actor"], history[0]["actor"], "one process");
    }
}

#[tokio::test]
async fn it_is_told_in_pages() {
    let server = start(&[]);
    let address = server.address();
    let (mut ada, _) = Ws::join(address, "w", "ada").await;
    for number in 0..7 {
        ada.set_acked(&number.to_string(), &number.to_string(), number).await;
    }
    let whole = history(address, "w").await;
    let mut pages = get(address, "/v1/history/w?limit=3").await.as_array().unwrap().clone();
    while pages.len() < 7 {
        let page =
            get(address, &format!("/v1/history/w?before={}&limit=3", hash(pages.last().unwrap()))).await;
        assert!(!page.as_array().unwrap().is_empty());
        pages.extend(page.as_array().unwrap().clone());
    }
    assert_eq!(pages, whole);
    assert_eq!(get(address, &format!("/v1/history/w?before={}", hash(&whole[6]))).await, json!([]));
    // What comes in after somebody has looked is there at the next look.
    ada.set_acked("8", "8", 8).await;
    assert_eq!(history(address, "w").await.len(), 8);
    for (query, status, error) in [
        ("limit=0", 422, "invalid_op"),
        ("limit=201", 422, "invalid_op"),
        ("limit=x", 422, "invalid_op"),
        ("before=x", 404, "unknown_change"),
        (&format!("before={}", "ab".repeat(32)), 404, "unknown_change"),
    ] {
        let answer = request(address, "GET", &format!("/v1/history/w?{query}"), "ada", "").await;
        assert_eq!((answer.status, code(&answer).as_str()), (status, error), "{query}");
    }
}

#[tokio::test]
async fn the_state_at_each_change() {
    let server = start(&[]);
    let address = server.address();
    let ((mut ada, _), (mut bob, _)) =
        (Ws::join(address, "w", "ada").await, Ws::join(address, "w", "bob").await);
    some_history(&mut ada, &mut bob).await;
    let states = [
        json!({ "title": "second" }),
        json!({ "title": "second", "done": { "steps": [true, false] } }),
        json!({ "title": "first", "done": { "steps": [true, false] } }),
        json!({ "title": "first" }),
    ];
    for (entry, state) in history(address, "w").await.iter().zip(states) {
        let at = get(address, &format!("/v1/history/w/{}", hash(entry))).await;
        assert_eq!(at, json!({ "workspace": "w", "hash": hash(entry), "data": state }));
    }
    for unknown in ["x", &"ab".repeat(32), "restore"] {
        let answer = request(address, "GET", &format!("/v1/history/w/{unknown}"), "ada", "").await;
        assert!(matches!(answer.status, 404 | 405), "{unknown}: {answer:?}");
    }
}

#[tokio::test]
async fn a_restore_is_a_further_change_that_everybody_is_told() {
    let server = start(&[]);
    let address = server.address();
    let ((mut ada, _), (mut bob, _)) =
        (Ws::join(address, "w", "ada").await, Ws::join(address, "w", "bob").await);
    some_history(&mut ada, &mut bob).await;
    let before = history(address, "w").await;
    let (mut carl, _) = Ws::join(address, "w", "carl").await;
    let body = json!({ "hash": hash(&before[2]) }).to_string();
    let answer = request(address, "POST", "/v1/history/w/restore", "carl", body).await;
    assert_eq!(answer.status, 200, "{answer:?}");
    assert_eq!(answer.json()["keys"], 2);
    let told = [carl.message().await, carl.message().await];
    let mut payloads: Vec<_> =
        told.iter().map(|op| (op["payload"]["key"].as_str().unwrap(), &op["payload"]["value"])).collect();
    payloads.sort_by_key(|(key, _)| *key);
    assert_eq!(payloads, [("done", &json!({ "steps": [true, false] })), ("title", &json!("first"))]);
    let after = history(address, "w").await;
    assert_eq!(after[1..], before[..], "nothing of it is rewritten");
    assert_eq!((&after[0]["user_id"], &after[0]["restored"]), (&json!("carl"), &before[2]["hash"]));
    // Whoever heard the first of the two only is not yet where the second is.
    assert_eq!(told[0]["heads"], json!([hash(&before[0])]));
    assert_eq!(told[1]["heads"], json!([hash(&after[0])]));
    assert_eq!(data(address, "w").await, json!({ "title": "first", "done": { "steps": [true, false] } }));
}

#[tokio::test]
async fn a_large_restore_is_told_as_the_whole_state() {
    let server = start(&[]);
    let address = server.address();
    let (mut ada, _) = Ws::join(address, "w", "ada").await;
    ada.set_acked("first", "first", 0).await;
    let empty = hash(&history(address, "w").await[0]).to_owned();
    for number in 0..100 {
        ada.set_acked(&number.to_string(), &number.to_string(), number).await;
    }
    let body = json!({ "hash": empty }).to_string();
    assert_eq!(request(address, "POST", "/v1/history/w/restore", "ada", body).await.json()["keys"], 100);
    let init = ada.message().await;
    assert_eq!((&init["type"], &init["data"]), (&json!("init"), &json!({ "first": 0 })));
}

#[tokio::test]
async fn what_cannot_be_restored_is_refused() {
    let server = start(&[]);
    let address = server.address();
    let unknown = json!({ "hash": "ab".repeat(32) }).to_string();
    for (body, status, error) in [
        (unknown.as_str(), 404, "unknown_change"),
        (r#"{"hash":"zz"}"#, 404, "unknown_change"),
        (r#"{"hash":7}"#, 422, "invalid_op"),
        ("{}", 422, "invalid_op"),
        ("", 400, "invalid_json"),
        (&"x".repeat(2000), 413, "payload_too_large"),
    ] {
        let answer = request(address, "POST", "/v1/history/w/restore", "ada", body).await;
        assert_eq!((answer.status, code(&answer).as_str()), (status, error), "{body}");
    }
    assert_eq!(
        request(address, "PUT", "/v1/history/w/restore", "ada", "").await.header("allow"),
        Some("POST")
    );
}
