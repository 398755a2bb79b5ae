//! `docs/snapshots.md`: the card game, watched over real sockets.

use std::net::SocketAddr;

use futures_util::StreamExt as _;
use my_handlers::{LOCALES, cards::Tables};
use serde_json::{Value, json};
use syncline_testkit::{TestServer, Token, call, within};
use tokio::net::TcpStream;
use tokio_tungstenite::{MaybeTlsStream, WebSocketStream, connect_async};

type Socket = WebSocketStream<MaybeTlsStream<TcpStream>>;

/// Watches a table as a browser does: a ticket, then a socket.
async fn watch(address: SocketAddr, table: &str, user: &str) -> Socket {
    let bearer = format!("Bearer {}", Token::of(user).sign());
    let answer = call(address, "POST", "/api/ws/token", &[("authorization", &bearer)], "").await;
    let ticket = answer.json()["token"].as_str().expect("a ticket").to_owned();
    let url = format!("ws://{address}/ws/snapshots/cards/{table}?token={ticket}");
    within("the upgrade", connect_async(url)).await.expect("it is accepted").0
}

async fn next(socket: &mut Socket) -> (Value, Value) {
    let message = within("a snapshot", socket.next()).await.expect("it is open").expect("a message");
    let mut message: Value = serde_json::from_str(message.to_text().expect("a text")).expect("JSON");
    (message["lockVersion"].take(), message["data"].take())
}

#[tokio::test]
async fn each_player_sees_their_own_hand() {
    let tables = Tables::default();
    tables.deal("t", "ada", 11);
    let server = TestServer::start(|builder| {
        builder.texts(LOCALES).snapshots("cards", tables.clone()).snapshot_hub(tables.hub())
    });
    let mut ada = watch(server.address(), "t", "ada").await;
    let mut bob = watch(server.address(), "t", "bob").await;
    assert_eq!(next(&mut ada).await, (json!(1), json!({ "counts": { "ada": 1 }, "hand": [11] })));
    assert_eq!(next(&mut bob).await, (json!(1), json!({ "counts": { "ada": 1 }, "hand": null })));

    tables.deal("t", "bob", 22);
    assert_eq!(next(&mut ada).await, (json!(2), json!({ "counts": { "ada": 1, "bob": 1 }, "hand": [11] })));
    assert_eq!(next(&mut bob).await, (json!(2), json!({ "counts": { "ada": 1, "bob": 1 }, "hand": [22] })));
}
