//! What is done on one node is told on the others at once, and done once.

use std::net::SocketAddr;

use futures_util::future::join_all;
use serde_json::json;
use syncline_testkit::{TestServer, call, within};

use super::{NatsServer, count, node, same};
use crate::support::{Ws, data, get, history, request, token};

#[tokio::test]
async fn an_op_on_one_node_is_told_on_the_others_at_once() {
    let nats = NatsServer::start();
    let nodes = join_all((0..3).map(|_| node(&nats))).await;
    let addresses: Vec<_> = nodes.iter().map(TestServer::address).collect();
    let mut sockets = Vec::new();
    for (address, user) in addresses.iter().zip(["ada", "bob", "eve"]) {
        sockets.push(Ws::join(*address, "a.b:c", user).await.0);
    }
    for round in 0..30 {
        let by = round % 3;
        sockets[by].set(&round.to_string(), "key", round).await;
        let mut told = Vec::new();
        for socket in &mut sockets {
            let message = socket.message().await;
            assert_eq!(message["payload"]["value"], round, "{message}");
            told.push(message);
        }
        assert!(told.iter().all(|message| *message == told[0]), "{told:?}");
        sockets[by].acked(&round.to_string()).await;
    }
    for socket in &mut sockets {
        assert!(socket.is_quiet().await, "each is told once");
    }
    same(&addresses, "a.b:c", 1).await;
    // Neither `a` nor `a.b` is `a.b:c`.
    assert_eq!((data(addresses[0], "a.b").await, data(addresses[1], "a").await), (json!({}), json!({})));
    let delete = json!({ "type": "delete", "id": "d", "payload": { "key": "key" } });
    sockets[0].send(&delete).await;
    for socket in &mut sockets {
        assert_eq!(socket.message().await["type"], "delete");
    }
    let entries = history(addresses[2], "a.b:c").await;
    assert_eq!(
        (entries.len(), &entries[0]["user_id"]),
        (31, &json!("ada")),
        "stamps are those of the author"
    );
    let bearer = format!("Bearer {}", token("root", "admin"));
    let stats = call(addresses[0], "GET", "/v1/stats", &[("authorization", &bearer)], "").await.json();
    assert_eq!(
        stats["replication"],
        json!({ "connected": true, "queued": 0, "published": 11, "received": 20 })
    );
}

#[tokio::test]
async fn an_op_that_is_sent_again_to_another_node_is_not_done_again() {
    let nats = NatsServer::start();
    let nodes = [node(&nats).await, node(&nats).await];
    let addresses = [nodes[0].address(), nodes[1].address()];
    let (mut here, _) = Ws::join(addresses[0], "w", "ada").await;
    let (mut there, _) = Ws::join(addresses[1], "w", "ada").await;
    here.set_acked("same", "key", 1).await;
    assert_eq!(there.message().await["payload"]["value"], 1);
    here.set_acked("next", "key", 2).await;
    assert_eq!(there.message().await["payload"]["value"], 2);
    let heads = there.set_acked("same", "key", 1).await;
    assert_eq!(there.set_acked("next", "key", 3).await, heads);
    assert!(there.is_quiet().await && here.is_quiet().await);
    assert_eq!(same(&addresses, "w", 1).await, json!({ "key": 2 }));
    assert_eq!(count(addresses[1], "w").await, 2);
}

#[tokio::test]
async fn a_restored_state_is_restored_on_all_nodes() {
    let nats = NatsServer::start();
    let nodes = [node(&nats).await, node(&nats).await];
    let addresses = [nodes[0].address(), nodes[1].address()];
    let (mut ada, _) = Ws::join(addresses[0], "w", "ada").await;
    let first = ada.set_acked("1", "key", 1).await;
    ada.set_acked("2", "key", 2).await;
    same(&addresses, "w", 1).await;
    let body = json!({ "hash": first[0] }).to_string();
    let answer = request(addresses[1], "POST", "/v1/history/w/restore", "bob", body).await;
    assert_eq!(answer.status, 200, "{answer:?}");
    within("what was restored", async { while data(addresses[0], "w").await != json!({ "key": 1 }) {} })
        .await;
    same(&addresses, "w", 1).await;
}

#[tokio::test]
async fn who_is_there_is_known_on_all_nodes() {
    let nats = NatsServer::start();
    let nodes = [node(&nats).await, node(&nats).await];
    let addresses = [nodes[0].address(), nodes[1].address()];
    let present = async |address: SocketAddr, wanted: &[&str]| {
        within("who is there", async {
            loop {
                let users = get(address, "/v1/presence/w").await;
                let users = users.as_array().expect("a list").iter();
                let users: Vec<_> =
                    users.map(|user| user["user_id"].as_str().expect("an id").to_owned()).collect();
                if users == wanted {
                    return;
                }
            }
        })
        .await;
    };
    let path = "/v1/sync/w?presence=1";
    let bearer = format!("Bearer {}", token("zoe", "read"));
    let mut watcher = Ws::open_with(addresses[1], path, &[("authorization", &bearer)]).await.unwrap();
    let mut told = async |wanted: &[&str]| loop {
        let message = watcher.message().await;
        let users = message["users"].as_array().cloned().unwrap_or_default();
        let users: Vec<_> = users.iter().map(|user| user["user_id"].as_str().expect("an id")).collect();
        if users == wanted {
            return;
        }
    };
    told(&["zoe"]).await;
    let (ada, _) = Ws::join(addresses[0], "w", "ada").await;
    told(&["ada", "zoe"]).await;
    let (also_ada, _) = Ws::join(addresses[1], "w", "ada").await;
    present(addresses[0], &["ada", "zoe"]).await;
    drop(ada);
    present(addresses[0], &["ada", "zoe"]).await;
    drop(also_ada);
    told(&["zoe"]).await;
    present(addresses[0], &["zoe"]).await;
    // A node that comes later asks.
    let late = node(&nats).await;
    let (eve, _) = Ws::join(late.address(), "w", "eve").await;
    present(late.address(), &["eve", "zoe"]).await;
    told(&["eve", "zoe"]).await;
    drop(eve);
    late.stop().await;
    told(&["zoe"]).await;
}
