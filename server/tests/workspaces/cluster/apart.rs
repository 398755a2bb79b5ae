//! Nodes that were cut apart, from each other or from NATS, end equal and lose nothing.

use async_nats::jetstream::stream;
use serde_json::json;
use syncline_testkit::within;

use super::{CHANGES, Line, NatsServer, QUEUED, connected, count, node, node_with, raw, same};
use crate::{
    folder::Folder,
    nats_server,
    own_server::free_port,
    support::{Ws, data, metric, metric_is, start},
};

const FAILURES: &str = "syncline_replication_failures_total";

#[tokio::test]
async fn nodes_that_were_cut_apart_end_equal_and_nothing_is_lost() {
    let mut nats = NatsServer::start();
    let nodes = [node(&nats).await, node(&nats).await];
    let addresses = [nodes[0].address(), nodes[1].address()];
    let (mut ada, _) = Ws::join(addresses[0], "w", "ada").await;
    let (mut bob, _) = Ws::join(addresses[1], "w", "bob").await;
    ada.set_acked("first", "first", 0).await;
    same(&addresses, "w", 1).await;
    for round in 0..3 {
        nats.kill();
        for address in addresses {
            connected(address, "down").await;
        }
        for number in 0..20 {
            ada.set_acked(&format!("{round}.{number}"), &format!("ada {round} {number}"), number).await;
            bob.set_acked(&format!("{round}.{number}"), &format!("bob {round} {number}"), number).await;
            bob.set_acked(&format!("{round}.both.{number}"), "both", number).await;
            ada.set_acked(&format!("{round}.both.{number}"), "both", -number).await;
        }
        assert!(metric(addresses[0], QUEUED).await >= 40.0);
        // One that is opened while NATS is away has what its node has.
        assert_eq!(data(addresses[0], &format!("new {round}").replace(' ', "_")).await, json!({}));
        nats.restart();
        let whole = same(&addresses, "w", 2 + 40 * (round + 1)).await;
        for number in 0..20 {
            assert_eq!(whole[&format!("ada {round} {number}")], number);
            assert_eq!(whole[&format!("bob {round} {number}")], number);
        }
    }
    for address in addresses {
        metric_is(address, QUEUED, 0.0).await;
        assert_eq!(count(address, "w").await, 1 + 3 * 80, "each op once");
    }
}

#[tokio::test]
async fn a_node_that_alone_is_cut_off_catches_up_and_is_heard() {
    let nats = NatsServer::start();
    let line = Line::to(nats.port()).await;
    let (near, far) = (node(&nats).await, node_with(&line.url(), &[]).await);
    let addresses = [near.address(), far.address()];
    let (mut ada, _) = Ws::join(addresses[0], "w", "ada").await;
    let (mut bob, _) = Ws::join(addresses[1], "w", "bob").await;
    ada.set_acked("0", "before", 0).await;
    same(&addresses, "w", 1).await;
    line.cut(true);
    connected(addresses[1], "down").await;
    for number in 0..50 {
        ada.set_acked(&format!("n{number}"), &format!("near {number}"), number).await;
        bob.set_acked(&format!("f{number}"), &format!("far {number}"), number).await;
    }
    metric_is(addresses[0], QUEUED, 0.0).await;
    assert_eq!(data(addresses[0], "w").await.as_object().unwrap().len(), 51);
    line.cut(false);
    same(&addresses, "w", 101).await;
    for address in addresses {
        assert_eq!(count(address, "w").await, 101);
    }
}

/// What was told before a node reached NATS for the first time is not told again: it has to be asked for.
#[tokio::test]
async fn what_is_open_when_nats_is_reached_first_is_caught_up() {
    let nats = NatsServer::start();
    let line = Line::to(nats.port()).await;
    line.cut(true);
    let (near, far) = (node(&nats).await, start(&[("NATS_URL", &line.url())]));
    let addresses = [near.address(), far.address()];
    connected(addresses[1], "down").await;
    let (mut bob, _) = Ws::join(addresses[1], "w", "bob").await;
    let (mut ada, _) = Ws::join(addresses[0], "w", "ada").await;
    ada.set_acked("1", "ada", 1).await;
    metric_is(addresses[0], QUEUED, 0.0).await;
    line.cut(false);
    assert_eq!(bob.message().await["payload"]["key"], "ada");
    same(&addresses, "w", 1).await;
}

/// NATS that neither answers nor goes.
#[tokio::test]
async fn a_nats_that_hangs_holds_nobody_up() {
    let nats = NatsServer::start();
    let nodes = [node(&nats).await, node(&nats).await];
    let addresses = [nodes[0].address(), nodes[1].address()];
    let (mut ada, _) = Ws::join(addresses[0], "w", "ada").await;
    nats.hang(true);
    for number in 0..50 {
        ada.set_acked(&number.to_string(), &number.to_string(), number).await;
    }
    connected(addresses[0], "down").await;
    assert_eq!(data(addresses[1], "w").await, json!({}), "what it has");
    nats.hang(false);
    same(&addresses, "w", 50).await;
}

/// What was sent to it and not acknowledged is sent again.
#[tokio::test]
async fn a_nats_that_dies_with_what_it_was_sent_loses_nothing() {
    let mut nats = NatsServer::start();
    let nodes = [node(&nats).await, node(&nats).await];
    let addresses = [nodes[0].address(), nodes[1].address()];
    let (mut ada, _) = Ws::join(addresses[0], "w", "ada").await;
    let (_bob, _) = Ws::join(addresses[1], "w", "bob").await;
    for round in 0..3 {
        nats.hang(true);
        for number in 0..20 {
            let key = format!("{round} {number}");
            ada.set_acked(&key, &key, number).await;
        }
        nats.kill();
        nats.restart();
        same(&addresses, "w", 20 * (round + 1)).await;
    }
    metric_is(addresses[0], QUEUED, 0.0).await;
}

/// A stream that is full answers, and does not keep what it was sent.
#[tokio::test]
async fn what_nats_refuses_waits_until_it_does_not() {
    let nats = NatsServer::start();
    let nodes = [node(&nats).await, node(&nats).await];
    let addresses = [nodes[0].address(), nodes[1].address()];
    let (mut ada, _) = Ws::join(addresses[0], "w", "ada").await;
    let (_bob, _) = Ws::join(addresses[1], "w", "bob").await;
    ada.set_acked("first", "first", 0).await;
    same(&addresses, "w", 1).await;
    let jetstream = raw(&nats).await;
    let limit = async |messages: i64| {
        let config = stream::Config {
            name: CHANGES.to_owned(),
            subjects: vec!["workspaces.*.changes".to_owned()],
            max_messages: messages,
            discard: stream::DiscardPolicy::New,
            ..stream::Config::default()
        };
        jetstream.update_stream(config).await.expect("a limit");
    };
    limit(1).await;
    for number in 0..5 {
        ada.set_acked(&number.to_string(), &format!("key {number}"), number).await;
    }
    within("a refusal", async { while metric(addresses[0], FAILURES).await == 0.0 {} }).await;
    assert_eq!(metric(addresses[0], QUEUED).await, 5.0);
    limit(-1).await;
    same(&addresses, "w", 6).await;
    metric_is(addresses[0], QUEUED, 0.0).await;
    assert_eq!(count(addresses[1], "w").await, 6, "each op once");
}

#[tokio::test]
async fn what_waits_on_disk_is_published_after_a_restart() {
    let (mut nats, folder) = (NatsServer::start(), Folder::new());
    let settings = [("DATA_DIR", folder.path())];
    let one = node_with(&nats.url(), &settings).await;
    let other = node(&nats).await;
    nats.kill();
    connected(one.address(), "down").await;
    for workspace in ["v", "w"] {
        let (mut ada, _) = Ws::join(one.address(), workspace, "ada").await;
        for number in 0..10 {
            ada.set_acked(&number.to_string(), &format!("key {number}"), number).await;
        }
    }
    assert_eq!(metric(one.address(), QUEUED).await, 20.0);
    one.stop().await;
    let again = start(&[&[("NATS_URL", nats.url().as_str())], &settings[..]].concat());
    metric_is(again.address(), QUEUED, 20.0).await;
    let (mut bob, _) = Ws::join(other.address(), "v", "bob").await;
    nats.restart();
    // Without anybody opening them where they were made.
    metric_is(again.address(), QUEUED, 0.0).await;
    for _ in 0..10 {
        assert_eq!(bob.message().await["type"], "op");
    }
    let addresses = [other.address(), again.address()];
    assert_eq!(data(other.address(), "w").await.as_object().unwrap().len(), 10);
    for workspace in ["v", "w"] {
        same(&addresses, workspace, 10).await;
        assert_eq!(count(other.address(), workspace).await, 10);
    }
}

#[tokio::test]
async fn a_node_starts_and_works_without_nats() {
    let port = free_port();
    let url = nats_server::url(port);
    let nodes = [start(&[("NATS_URL", &url)]), start(&[("NATS_URL", &url)])];
    let addresses = [nodes[0].address(), nodes[1].address()];
    for (address, user) in addresses.into_iter().zip(["ada", "bob"]) {
        connected(address, "down").await;
        let (mut socket, _) = Ws::join(address, "w", user).await;
        socket.set_acked("1", user, 1).await;
        assert_eq!(data(address, "w").await, json!({ user: 1 }));
    }
    let _nats = NatsServer::start_at(port, &[]);
    assert_eq!(same(&addresses, "w", 2).await, json!({ "ada": 1, "bob": 1 }));
}
