//! The scenarios of the source, and what a socket is told.

use serde_json::json;
use syncline_testkit::{Token, within};
use tokio_tungstenite::{connect_async, tungstenite::Message};

use crate::support::{Ws, data, history, metric, start, sync, token};

/// Scenario: Client Connects Successfully.
///
/// Given a valid JWT signed with the server's secret, and a target Workspace ID "workspace-123", when the client
/// initiates a WebSocket connection to "/v1/sync/workspace-123", then the server accepts the connection with HTTP 101
/// Switching Protocols, and the client receives an "init" message with current state, and the client enters the
/// "Connected" state.
#[tokio::test]
async fn client_connects_successfully() {
    let server = start(&[]);
    let (mut writer, init) = Ws::join(server.address(), "workspace-123", "ada").await;
    assert_eq!(init, json!({ "type": "init", "data": {}, "heads": [] }));
    let heads = writer.set_acked("1", "foo", "bar").await;
    let (_reader, init) = Ws::join(server.address(), "workspace-123", "bob").await;
    assert_eq!(init, json!({ "type": "init", "data": { "foo": "bar" }, "heads": heads }));
}

/// Scenario: Client Fails Authentication.
///
/// Given a missing or invalid JWT, when the client initiates a WebSocket connection, then the server rejects the handshake
/// with HTTP 401 Unauthorized, and the connection is closed immediately.
#[tokio::test]
async fn client_fails_authentication() {
    let server = start(&[]);
    let path = sync("workspace-123");
    let missing = Ws::open_with(server.address(), &path, &[]).await.unwrap_err();
    assert_eq!(missing, (401, "auth_required".to_owned()));
    let forged = format!("{path}?token=not.a.token");
    assert_eq!(
        Ws::open_with(server.address(), &forged, &[]).await.unwrap_err(),
        (401, "auth_invalid".to_owned())
    );
    let expired = Token::of("ada").with("scope", "read").with("exp", 1).sign();
    let expired = [("authorization", format!("Bearer {expired}"))];
    let expired: Vec<_> = expired.iter().map(|(name, value)| (*name, value.as_str())).collect();
    assert_eq!(
        Ws::open_with(server.address(), &path, &expired).await.unwrap_err(),
        (401, "auth_expired".to_owned())
    );
}

/// Scenario: Client Sends Operation.
///
/// Given a connected session with "write" scope, when the client sends an "op" message with key "foo" and value "bar",
/// then the server persists the operation using Automerge CRDT, and the server broadcasts this message to all clients in
/// "workspace-123". (And the webhook receives a "doc.updated" event: see the tests of webhooks.)
#[tokio::test]
async fn client_sends_operation() {
    let server = start(&[]);
    let address = server.address();
    let (mut reader, _) = Ws::join(address, "workspace-123", "bob").await;
    let (mut elsewhere, _) = Ws::join(address, "workspace-124", "bob").await;
    let mut writer = Ws::connect(address, "workspace-123", "ada", "write").await;
    assert_eq!(writer.message().await["type"], "init");
    let op = json!({ "type": "op", "payload": { "key": "foo", "value": "bar", "timestamp": 1_700_000_000_000_000_i64 } });
    writer.send(&op).await;
    let told = reader.message().await;
    assert_eq!(told["type"], "op");
    assert_eq!(told["payload"], op["payload"]);
    assert_eq!(writer.message().await, told, "the sender is told too");
    assert!(elsewhere.is_quiet().await, "and nobody in another workspace");
    assert_eq!(data(address, "workspace-123").await, json!({ "foo": "bar" }));
    let history = history(address, "workspace-123").await;
    assert_eq!(told["heads"], json!([history[0]["hash"]]));
    assert_eq!((&history[0]["user_id"], &history[0]["keys"]), (&json!("ada"), &json!(["foo"])));
}

/// Scenario: Read-Only Client Attempts Write.
///
/// Given a connected session with "read" scope only, when the client sends an "op" message, then the server responds with
/// an "error" message, and the operation is not persisted.
#[tokio::test]
async fn read_only_client_attempts_write() {
    let server = start(&[]);
    let mut reader = Ws::connect(server.address(), "workspace-123", "bob", "read").await;
    assert_eq!(reader.message().await["type"], "init");
    reader.set("mine", "foo", "bar").await;
    assert_eq!(reader.error().await, ("permission_denied".to_owned(), 403, json!("mine")));
    reader.send(&json!({ "type": "delete", "payload": { "key": "foo" } })).await;
    assert_eq!(reader.error().await, ("permission_denied".to_owned(), 403, json!(null)));
    assert_eq!(data(server.address(), "workspace-123").await, json!({}));
    assert_eq!(history(server.address(), "workspace-123").await.len(), 0);
}

#[tokio::test]
async fn an_answer_names_the_session() {
    let server = start(&[]);
    let url = format!("ws://{}{}?token={}", server.address(), sync("w"), token("ada", "read"));
    let (_socket, answer) = within("the upgrade", connect_async(url)).await.expect("it is accepted");
    assert_eq!(answer.status(), 101);
    assert_eq!(answer.headers()["x-session-id"].len(), 36);
}

/// A browser cannot see the status of a refused upgrade.
#[tokio::test]
async fn with_close_the_refusal_is_a_close_code() {
    let server = start(&[]);
    let token = |token: Token| token.with("iat", 1).sign();
    for (query, code) in [
        (String::new(), 4001),
        ("&token=nonsense".to_owned(), 4001),
        (format!("&token={}", token(Token::of("ada").with("scope", "read").with("exp", 1))), 4401),
        (format!("&token={}", token(Token::of("ada"))), 4003),
        (
            format!(
                "&token={}",
                token(Token::of("ada").with("scope", "read").with("workspaces", json!(["x"])))
            ),
            4003,
        ),
    ] {
        let path = format!("{}?close=1{query}", sync("w"));
        let mut socket = Ws::open_with(server.address(), &path, &[]).await.expect("it is accepted");
        assert_eq!(socket.next().await, Err(Some(code)), "{query}");
    }
    let bad_name = format!("/v1/sync/a%20b?close=1&token={}", token(Token::of("ada").with("scope", "read")));
    let refused = Ws::open_with(server.address(), &bad_name, &[]).await.unwrap_err();
    assert_eq!(refused, (422, "invalid_workspace_id".to_owned()));
}

#[tokio::test]
async fn whoever_comes_back_is_told_what_it_missed() {
    let server = start(&[]);
    let address = server.address();
    let (mut ada, _) = Ws::join(address, "w", "ada").await;
    let heads = ada.set_acked("1", "a", 1).await;
    ada.set_acked("2", "b", json!({ "c": [1, { "d": null }] })).await;
    ada.set_acked("3", "a", 2).await;
    ada.send(&json!({ "type": "delete", "id": "4", "payload": { "key": "gone" } })).await;
    let newest = ada.acked("4").await;
    let token = token("bob", "read");
    let back = format!("{}?token={token}&heads={}", sync("w"), heads[0].as_str().unwrap());
    let mut bob = Ws::open_with(address, &back, &[]).await.unwrap();
    let resume = bob.message().await;
    assert_eq!((&resume["type"], &resume["heads"]), (&json!("resume"), &newest));
    let ops: Vec<_> = resume["ops"]
        .as_array()
        .unwrap()
        .iter()
        .map(|op| {
            assert!(op["payload"]["timestamp"].as_i64().unwrap() > 1_700_000_000_000_000);
            (op["type"].clone(), op["payload"]["key"].clone(), op["payload"]["value"].clone())
        })
        .collect();
    assert_eq!(
        ops,
        [(json!("op"), json!("b"), json!({ "c": [1, { "d": null }] })), (json!("op"), json!("a"), json!(2)),]
    );
    let of_now = newest[0].as_str().unwrap();
    for both in [format!("{},{of_now}", heads[0].as_str().unwrap()), format!("{of_now}%2C{of_now}")] {
        let path = format!("{}?token={token}&heads={both}", sync("w"));
        let resume = Ws::open_with(address, &path, &[]).await.unwrap().message().await;
        assert_eq!((&resume["type"], &resume["ops"]), (&json!("resume"), &json!([])), "{both}");
    }
    for heads in ["00", "xyz", "", &"ab".repeat(32)] {
        let path = format!("{}?token={token}&heads={heads}", sync("w"));
        let mut bob = Ws::open_with(address, &path, &[]).await.unwrap();
        let init = bob.message().await;
        assert_eq!((&init["type"], &init["heads"]), (&json!("init"), &newest), "{heads}");
    }
}

/// The fault of others: whoever is slow is left with a gap, or dropped without a word.
#[tokio::test]
async fn a_slow_reader_gets_the_whole_state_and_nothing_in_between() {
    let server = start(&[]);
    let address = server.address();
    let bearer = format!("Bearer {}", token("slow", "read"));
    let mut slow = Ws::open_narrow_with(address, &sync("w"), &[("authorization", &bearer)]).await;
    assert_eq!(slow.message().await["type"], "init");
    let (mut ada, _) = Ws::join(address, "w", "ada").await;
    let filler = "x".repeat(40_000);
    let (mut ops, mut inits, mut last) = (0, 0, 0);
    let mut read = async || {
        let message = slow.message().await;
        let value = match message["type"].as_str().unwrap() {
            "op" => {
                ops += 1;
                &message["payload"]["value"]
            }
            "init" => {
                inits += 1;
                &message["data"]["big"]
            }
            other => panic!("{other}"),
        };
        let number = value.as_str().unwrap().split(' ').next().unwrap().parse::<i32>().unwrap();
        assert!(number > last || number == 0, "{number} after {last}");
        assert!(message["type"] == "init" || number <= last + 1, "a gap from {last} to {number}");
        last = number;
        last
    };
    for number in 0..300 {
        ada.set_acked(&number.to_string(), "big", format!("{number} {filler}")).await;
        // Whoever reads nothing for ten seconds is sent away.
        if number % 3 == 0 {
            read().await;
        }
    }
    while read().await < 299 {}
    assert!(inits >= 1 && ops < 299, "{inits} states, {ops} ops");
    assert!(metric(address, "syncline_workspace_inits_total").await >= 3.0);
}

#[tokio::test]
async fn two_tabs_are_one_user_until_the_last_closes() {
    let server = start(&[]);
    let address = server.address();
    let present = async || crate::support::get(address, "/v1/presence/w").await;
    assert_eq!(present().await, json!([]));
    let path = format!("{}?presence=1&token={}", sync("w"), token("watcher", "read"));
    let mut watcher = Ws::open_with(address, &path, &[]).await.unwrap();
    assert_eq!(watcher.message().await["type"], "init");
    let users = |names: &[&str]| {
        let users: Vec<_> = names.iter().map(|name| json!({ "user_id": name, "status": "online" })).collect();
        json!({ "type": "presence", "users": users })
    };
    assert_eq!(watcher.message().await, users(&["watcher"]));
    let (first, _) = Ws::join(address, "w", "ada").await;
    assert_eq!(watcher.message().await, users(&["ada", "watcher"]));
    let (second, _) = Ws::join(address, "w", "ada").await;
    drop(first);
    within("the first tab's end", async {
        while metric(address, r#"ws_connections_active{system="workspaces"}"#).await > 2.0 {}
    })
    .await;
    assert_eq!(present().await.as_array().unwrap().len(), 2);
    drop(second);
    assert_eq!(watcher.message().await, users(&["watcher"]), "and nothing was said in between");
    drop(watcher);
    within("an empty workspace", async { while present().await != json!([]) {} }).await;
}

#[tokio::test]
async fn a_stop_says_1001_and_loses_nothing_that_was_asked() {
    let server = start(&[]);
    let (mut ada, _) = Ws::join(server.address(), "w", "ada").await;
    for number in 0..50 {
        ada.set(&number.to_string(), "n", number).await;
    }
    ada.acked("0").await;
    let stopping = tokio::spawn(server.stop());
    assert_eq!(ada.closed().await, Some(1001));
    within("the stop", stopping).await.unwrap();
}

#[tokio::test]
async fn the_end_of_a_token_ends_the_socket() {
    let server = start(&[]);
    let token = Token::of("ada").with("scope", "read").with("exp", syncline_testkit::now() + 2).sign();
    let mut socket =
        Ws::open_with(server.address(), &format!("{}?token={token}", sync("w")), &[]).await.unwrap();
    assert_eq!(socket.closed().await, Some(4401));
}

#[tokio::test]
async fn a_message_far_too_large_ends_the_socket_and_no_other() {
    let server = start(&[]);
    let (mut ada, _) = Ws::join(server.address(), "w", "ada").await;
    let (mut bob, _) = Ws::join(server.address(), "w", "bob").await;
    ada.send_raw(Message::text("x".repeat(4 * 1024 * 1024))).await;
    assert_eq!(ada.closed().await, Some(1009));
    assert!(bob.is_quiet().await);
}
