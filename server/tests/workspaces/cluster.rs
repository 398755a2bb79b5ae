//! Nodes that share a NATS: what is done on one is on all of them, also when they were cut apart.

mod apart;
mod hostile;
mod line;
mod login;
mod told;
mod whole;

use std::{net::SocketAddr, time::Duration};

use futures_util::future::join_all;
use line::Line;
use serde_json::Value;
use syncline_testkit::{TestServer, call, within};

use crate::{
    nats_server::NatsServer,
    support::{Header, get, start},
};

/// What waits on a node's disk for NATS.
const QUEUED: &str = "syncline_replication_queued_commits";

/// The stream of changes.
const CHANGES: &str = "SYNCLINE_WORKSPACES";

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
