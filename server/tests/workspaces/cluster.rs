//! Nodes that share a NATS: what is done on one is on all of them, also when they were cut apart.

use std::{net::SocketAddr, path::PathBuf, time::Duration};

use futures_util::future::join_all;
use serde_json::{Value, json};
use syncline_testkit::{TestServer, call, within};

use crate::{
    nats_server::{self, NatsServer},
    support::{Header, Ws, data, get, history, metric, metric_is, request, start, token},
};

/// Replication's metrics.
const MALFORMED: &str = "syncline_replication_malformed_total";
const QUEUED: &str = "syncline_replication_queued_commits";
const DOCUMENTS: &str = "syncline_replication_documents_total";

/// A node that has reached its NATS.
async fn node(nats: &NatsServer) -> TestServer {
    node_with(&nats.url(), &[]).await
}

async fn node_with(url: &str, settings: &[Header<'_>]) -> TestServer {
    let server = start(&[&[("NATS_URL", url)], settings].concat());
    connected(server.address(), "up").await;
    server
}

/// Waits until a node knows that of its NATS.
async fn connected(address: SocketAddr, wanted: &str) {
    within("word of NATS", async {
        loop {
            let ready = call(address, "GET", "/readyz", &[], "").await;
            assert_eq!(ready.status, 200, "a node works without NATS");
            if ready.json()["dependencies"]["nats"] == wanted {
                return;
            }
        }
    })
    .await;
}

/// A folder for one node's disk.
struct Folder(PathBuf);

impl Folder {
    fn new(name: &str) -> Self {
        let folder = std::env::temp_dir().join(format!("syncline-cluster-{}-{name}", std::process::id()));
        let _not_there = std::fs::remove_dir_all(&folder);
        Self(folder)
    }

    fn path(&self) -> &str {
        self.0.to_str().expect("a name")
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        let _gone = std::fs::remove_dir_all(&self.0);
    }
}

/// The state and the heads of a workspace on a node.
async fn state(address: SocketAddr, workspace: &str) -> (Value, Vec<String>) {
    let answer = get(address, &format!("/v1/workspaces/{workspace}")).await;
    let heads = answer["heads"].as_array().expect("heads").iter();
    let mut heads: Vec<String> = heads.map(|head| head.as_str().expect("a hash").to_owned()).collect();
    heads.sort_unstable();
    (answer["data"].clone(), heads)
}

/// Waits until all nodes have the same, with so many keys; what it is.
async fn same(addresses: &[SocketAddr], workspace: &str, keys: usize) -> Value {
    within("the same on all nodes", async {
        loop {
            let states = join_all(addresses.iter().map(|address| state(*address, workspace))).await;
            let first = &states[0];
            let is_whole = first.0.as_object().expect("a map").len() == keys;
            if is_whole && states.iter().all(|state| state == first) {
                return first.0.clone();
            }
            // States are large: whoever looks all the time leaves nobody time to change them.
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    })
    .await
}

/// How many changes a workspace has on a node.
async fn count(address: SocketAddr, workspace: &str) -> usize {
    let mut all = get(address, &format!("/v1/history/{workspace}?limit=200")).await;
    let mut count = 0;
    loop {
        let page = all.as_array().expect("a list");
        count += page.len();
        let Some(last) = page.last().filter(|_| page.len() == 200) else { return count };
        let before = last["hash"].as_str().expect("a hash").to_owned();
        all = get(address, &format!("/v1/history/{workspace}?limit=200&before={before}")).await;
    }
}

/// JetStream, as any client of NATS has it.
async fn raw(nats: &NatsServer) -> async_nats::jetstream::Context {
    async_nats::jetstream::new(async_nats::connect(nats.url()).await.expect("it answers"))
}

/// The messages of a stream.
async fn messages_in(nats: &NatsServer, stream: &str) -> u64 {
    let mut stream = raw(nats).await.get_stream(stream).await.expect("it is there");
    stream.info().await.expect("it is there").state.messages
}

const CHANGES: &str = "SYNCLINE_WORKSPACES";

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

#[tokio::test]
async fn a_fresh_node_has_what_was_there_before_it() {
    let nats = NatsServer::start();
    let keep = [("NATS_KEEP_SECONDS", "0.2"), ("WORKSPACE_IDLE_SECONDS", "0")];
    let old = node_with(&nats.url(), &keep).await;
    let (mut ada, _) = Ws::join(old.address(), "w", "ada").await;
    for number in 0..10 {
        ada.set_acked(&number.to_string(), &format!("key {number}"), number).await;
    }
    metric_is(old.address(), QUEUED, 0.0).await;
    let fresh = node(&nats).await;
    assert_eq!(state(fresh.address(), "w").await, state(old.address(), "w").await);
    // By now there is so much that a document takes its place.
    let text = |number: usize| format!("{number} {}", "0123456789".repeat(6000));
    for number in 0..40 {
        ada.set_acked(&format!("large {number}"), &format!("key {number}"), text(number)).await;
    }
    within("a document in the place of changes", async {
        while metric(old.address(), DOCUMENTS).await == 0.0 || messages_in(&nats, CHANGES).await > 30 {}
    })
    .await;
    let second = node(&nats).await;
    assert_eq!(state(second.address(), "w").await, state(old.address(), "w").await);
    assert_eq!(count(second.address(), "w").await, 50);
    assert_eq!(metric(second.address(), DOCUMENTS).await, 0.0, "one document is enough for all");
    // What comes after it goes on, on all of them.
    ada.set_acked("last", "last", true).await;
    let addresses = [old.address(), fresh.address(), second.address()];
    same(&addresses, "w", 41).await;
}

#[tokio::test]
async fn what_documents_replaced_is_removed_and_nobody_misses_it() {
    let nats = NatsServer::start();
    let keep = [("NATS_KEEP_SECONDS", "0.1"), ("WORKSPACE_OP_BYTES", "16777216")];
    let nodes = [node_with(&nats.url(), &keep).await, node_with(&nats.url(), &keep).await];
    let addresses = [nodes[0].address(), nodes[1].address()];
    let (mut ada, _) = Ws::join(addresses[0], "w", "ada").await;
    let (mut bob, _) = Ws::join(addresses[1], "w", "bob").await;
    for number in 0..6 {
        // Each is an object, and more than enough for a new document.
        let by = if number % 2 == 0 { &mut ada } else { &mut bob };
        by.set_acked(&number.to_string(), &format!("key {number}"), "x".repeat(1_500_000)).await;
        same(&addresses, "w", number + 1).await;
    }
    let bucket = raw(&nats).await.get_object_store(CHANGES).await.expect("a bucket");
    within("an empty stream and one document", async {
        loop {
            let objects: Vec<_> =
                futures_util::StreamExt::collect(bucket.list().await.expect("a list")).await;
            if messages_in(&nats, CHANGES).await == 0 && objects.len() == 1 {
                break;
            }
        }
    })
    .await;
    let fresh = node(&nats).await;
    same(&[addresses[0], addresses[1], fresh.address()], "w", 6).await;
}

#[tokio::test]
async fn a_document_of_five_megabytes_replicates() {
    let nats = NatsServer::start();
    let large = [("WORKSPACE_OP_BYTES", "16777216")];
    let nodes = [node_with(&nats.url(), &large).await, node_with(&nats.url(), &large).await];
    let addresses = [nodes[0].address(), nodes[1].address()];
    let (mut bob, _) = Ws::join(addresses[1], "one", "bob").await;
    let (mut ada, _) = Ws::join(addresses[0], "one", "ada").await;
    // As one op, to a socket that waits for it,
    let text = "0123456789".repeat(500_000);
    ada.set_acked("1", "key", text.as_str()).await;
    assert_eq!(bob.message().await["payload"]["value"], text.as_str());
    bob.set_acked("2", "other", 1).await;
    same(&addresses, "one", 2).await;
    // and as many small ones.
    let (mut ada, _) = Ws::join(addresses[0], "many", "ada").await;
    let (mut bob, _) = Ws::join(addresses[1], "many", "bob").await;
    for number in 0..100 {
        ada.set_acked(&number.to_string(), &format!("key {number}"), "0123456789".repeat(5200)).await;
    }
    let whole = same(&addresses, "many", 100).await;
    assert!(whole.to_string().len() > 5_000_000);
    bob.set_acked("last", "last", 1).await;
    let fresh = node(&nats).await;
    same(&[addresses[0], addresses[1], fresh.address()], "many", 101).await;
    same(&[addresses[0], addresses[1], fresh.address()], "one", 2).await;
}

#[tokio::test]
async fn what_was_there_before_nats_is_on_all_nodes() {
    let (nats, folder) = (NatsServer::start(), Folder::new("before"));
    let alone = start(&[("DATA_DIR", folder.path())]);
    let (mut ada, _) = Ws::join(alone.address(), "w", "ada").await;
    for number in 0..30 {
        ada.set_acked(&number.to_string(), &format!("key {number}"), "x".repeat(60_000)).await;
    }
    alone.stop().await;
    let other = node(&nats).await;
    let (mut bob, _) = Ws::join(other.address(), "w", "bob").await;
    bob.set_acked("1", "bob's", 1).await;
    let one = node_with(&nats.url(), &[("DATA_DIR", folder.path())]).await;
    let addresses = [one.address(), other.address()];
    same(&addresses, "w", 31).await;
    let fresh = node(&nats).await;
    assert_eq!(state(fresh.address(), "w").await, state(addresses[0], "w").await);
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
async fn what_waits_on_disk_is_published_after_a_restart() {
    let (mut nats, folder) = (NatsServer::start(), Folder::new("restart"));
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
    let port = nats_server::free_port();
    let url = nats_server::url(port);
    let nodes = [start(&[("NATS_URL", &url)]), start(&[("NATS_URL", &url)])];
    let addresses = [nodes[0].address(), nodes[1].address()];
    for (address, user) in addresses.into_iter().zip(["ada", "bob"]) {
        connected(address, "down").await;
        let (mut socket, _) = Ws::join(address, "w", user).await;
        socket.set_acked("1", user, 1).await;
        assert_eq!(data(address, "w").await, json!({ user: 1 }));
    }
    let _nats = NatsServer::start_at(port);
    assert_eq!(same(&addresses, "w", 2).await, json!({ "ada": 1, "bob": 1 }));
}

#[tokio::test]
async fn what_others_write_to_nats_changes_nothing_and_is_counted() {
    let nats = NatsServer::start();
    let node = node(&nats).await;
    let address = node.address();
    let (mut ada, _) = Ws::join(address, "w", "ada").await;
    ada.set_acked("1", "key", 1).await;
    metric_is(address, QUEUED, 0.0).await;
    let before = state(address, "w").await;
    let jetstream = raw(&nats).await;
    let stream = jetstream.get_stream(CHANGES).await.unwrap();
    let sound = stream.get_raw_message(1).await.unwrap();
    let headers = |format: &str, object: Option<&str>| {
        let mut headers = async_nats::HeaderMap::new();
        headers.insert("Syncline-Format", format);
        object.into_iter().for_each(|object| headers.insert("Syncline-Object", object));
        headers
    };
    let mut broken = sound.payload.to_vec();
    broken[6] ^= 1;
    // Another change in the place of one of the same actor, as no Automerge would make it.
    let mut forged = automerge::Automerge::new();
    forged.apply_changes([automerge::Change::try_from(&sound.payload[..]).unwrap()]).unwrap();
    let actor = forged.get_changes(&[])[0].actor_id().clone();
    let mut forger = automerge::AutoCommit::new().with_actor(actor);
    automerge::transaction::Transactable::put(&mut forger, automerge::ROOT, "key", "forged").unwrap();
    forger.commit();
    let forged = forger.get_changes(&[])[0].raw_bytes().to_vec();
    let none = async_nats::HeaderMap::new();
    let messages: Vec<(async_nats::HeaderMap, &str, Vec<u8>)> = vec![
        (none, "workspaces.w.changes", sound.payload.to_vec()),
        (headers("2", None), "workspaces.w.changes", sound.payload.to_vec()),
        (headers("1", None), "workspaces.w.changes", b"nonsense".to_vec()),
        (headers("1", None), "workspaces.w.changes", Vec::new()),
        (headers("1", None), "workspaces.w.changes", broken),
        (headers("1", None), "workspaces.=77.changes", sound.payload.to_vec()),
        (headers("1", Some("../../etc/passwd")), "workspaces.w.changes", Vec::new()),
        (headers("1", None), "workspaces.w.changes", forged),
    ];
    for (number, (headers, subject, body)) in messages.into_iter().enumerate() {
        jetstream.publish_with_headers(subject, headers, body.into()).await.unwrap().await.unwrap();
        metric_is(address, MALFORMED, (number + 1) as f64).await;
    }
    assert_eq!(state(address, "w").await, before);
    // The same once more changes nothing either, nor does an object that is not there.
    let gone = headers("1", Some(&"0".repeat(64)));
    for (headers, body) in [(headers("1", None), sound.payload.clone()), (gone, "".into())] {
        jetstream.publish_with_headers("workspaces.w.changes", headers, body).await.unwrap().await.unwrap();
    }
    ada.set_acked("2", "key", 2).await;
    let fresh = self::node(&nats).await;
    assert_eq!(same(&[address, fresh.address()], "w", 1).await, json!({ "key": 2 }));
    assert_eq!((count(address, "w").await, count(fresh.address(), "w").await), (2, 2));
}

#[tokio::test]
async fn changes_may_come_in_any_order_and_twice() {
    let nats = NatsServer::start();
    let one = node(&nats).await;
    let (mut ada, _) = Ws::join(one.address(), "w", "ada").await;
    for number in 0..12 {
        ada.set_acked(&number.to_string(), &format!("key {number}"), number).await;
    }
    metric_is(one.address(), QUEUED, 0.0).await;
    let wanted = state(one.address(), "w").await;
    one.stop().await;
    let jetstream = raw(&nats).await;
    let stream = jetstream.get_stream(CHANGES).await.unwrap();
    let mut messages = Vec::new();
    for sequence in 1..=12 {
        messages.push(stream.get_raw_message(sequence).await.unwrap());
    }
    stream.purge().await.unwrap();
    let other = node(&nats).await;
    let (mut bob, _) = Ws::join(other.address(), "w", "bob").await;
    let send = async |sequence: usize| {
        let message = &messages[sequence];
        let mut headers = message.headers.clone();
        headers.insert("Nats-Msg-Id", format!("{sequence} {}", uuid()));
        let sent = jetstream.publish_with_headers(message.subject.clone(), headers, message.payload.clone());
        sent.await.unwrap().await.unwrap();
    };
    for sequence in (0..12).rev().chain([3, 3, 7]) {
        send(sequence).await;
    }
    within("all of it", async { while state(other.address(), "w").await != wanted {} }).await;
    let mut told = std::collections::BTreeSet::new();
    while told.len() < 12 {
        let message = bob.message().await;
        // Many at once come as a whole state.
        match message["data"].as_object() {
            Some(all) => told.extend(all.keys().cloned()),
            None => _ = told.insert(message["payload"]["key"].as_str().unwrap().to_owned()),
        }
    }
    assert_eq!(count(other.address(), "w").await, 12);
}

fn uuid() -> String {
    std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap().as_nanos().to_string()
}

#[tokio::test]
async fn a_stream_that_was_lost_is_made_anew_with_all_that_there_is() {
    let nats = NatsServer::start();
    let nodes = [node(&nats).await, node(&nats).await];
    let addresses = [nodes[0].address(), nodes[1].address()];
    let (mut ada, _) = Ws::join(addresses[0], "w", "ada").await;
    let (mut bob, _) = Ws::join(addresses[1], "w", "bob").await;
    ada.set_acked("1", "ada", 1).await;
    bob.set_acked("1", "bob", 1).await;
    same(&addresses, "w", 2).await;
    raw(&nats).await.delete_stream(CHANGES).await.unwrap();
    within("a new one", async { while raw(&nats).await.get_stream(CHANGES).await.is_err() {} }).await;
    within("what was in it", async { while messages_in(&nats, CHANGES).await == 0 {} }).await;
    ada.set_acked("2", "ada", 2).await;
    let fresh = node(&nats).await;
    let whole = same(&[addresses[0], addresses[1], fresh.address()], "w", 2).await;
    assert_eq!(whole, json!({ "ada": 2, "bob": 1 }));
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

/// A line to NATS that can be cut.
struct Line {
    port: u16,
    is_cut: tokio::sync::watch::Sender<bool>,
}

impl Line {
    async fn to(port: u16) -> Self {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let line = Self {
            port: listener.local_addr().expect("an address").port(),
            is_cut: tokio::sync::watch::Sender::new(false),
        };
        let is_cut = line.is_cut.subscribe();
        tokio::spawn(async move {
            while let Ok((mut from, _)) = listener.accept().await {
                let mut is_cut = is_cut.clone();
                tokio::spawn(async move {
                    if *is_cut.borrow() {
                        return;
                    }
                    let Ok(mut to) = tokio::net::TcpStream::connect(("127.0.0.1", port)).await else {
                        return;
                    };
                    tokio::select! {
                        _ended = tokio::io::copy_bidirectional(&mut from, &mut to) => {}
                        _cut = is_cut.wait_for(|is_cut| *is_cut) => {}
                    }
                });
            }
        });
        line
    }

    fn url(&self) -> String {
        nats_server::url(self.port)
    }

    fn cut(&self, is_cut: bool) {
        self.is_cut.send_replace(is_cut);
    }
}
