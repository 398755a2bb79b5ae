//! One of the three servers of a NATS is killed under load, and started again.

use std::time::{Duration, Instant};

use async_nats::jetstream::{self, Context, stream};
use syncline_testkit::within;

use crate::{
    nats_server::{self, NatsServer},
    node::Node,
    own_server::free_port,
    rounds,
    workspace_nodes::{Folders, equal, nats_is},
    workspace_writers::{WorkspaceWriter, count_history, go_on},
};

const WORKSPACE: &str = "drill-nats-lost";

/// How long a writer rests after each op.
const REST: Duration = Duration::from_millis(20);

/// How many write, on either of two nodes.
const WRITERS: usize = 4;

/// The stream, and the buckets, which are streams too.
const STREAMS: [(&str, &str); 3] = [
    ("SYNCLINE_WORKSPACES", "workspaces.*.changes"),
    ("KV_SYNCLINE_WORKSPACES", "$KV.SYNCLINE_WORKSPACES.>"),
    ("OBJ_SYNCLINE_WORKSPACES", "$O.SYNCLINE_WORKSPACES.>"),
];

/// Three servers that are one NATS.
fn cluster() -> Vec<NatsServer> {
    let routes: Vec<u16> = (0..3).map(|_| free_port()).collect();
    let to_all: Vec<String> = routes.iter().map(|port| nats_server::url(*port)).collect();
    let to_all = to_all.join(",");
    let start = |(number, port): (usize, &u16)| {
        let (name, at) = (format!("server-{number}"), nats_server::url(*port));
        let options = ["-n", &name, "--cluster_name", "tests", "--cluster", &at, "--routes", &to_all];
        NatsServer::start_with(&options)
    };
    routes.iter().enumerate().map(start).collect()
}

async fn jetstream(nats: &NatsServer) -> Context {
    jetstream::new(async_nats::connect(nats.url()).await.expect("it answers"))
}

/// What an operator does who wants three copies.
async fn make_three_copies(jetstream: &Context) {
    for (name, subject) in STREAMS {
        let is_bucket = !subject.starts_with("workspaces.");
        let config = stream::Config {
            name: name.to_owned(),
            subjects: vec![subject.to_owned()],
            max_messages_per_subject: if name.starts_with("KV_") { 1 } else { -1 },
            discard: if is_bucket { stream::DiscardPolicy::New } else { stream::DiscardPolicy::Old },
            allow_rollup: is_bucket,
            allow_direct: true,
            num_replicas: 3,
            ..stream::Config::default()
        };
        // Until its servers have found each other, a NATS makes nothing.
        within("a stream of three copies", async {
            while jetstream.create_stream(config.clone()).await.is_err() {
                tokio::time::sleep(Duration::from_millis(50)).await;
            }
        })
        .await;
    }
}

/// Waits until each server has all, so that any one may go.
async fn are_whole(nats: &NatsServer) {
    let jetstream = jetstream(nats).await;
    for (name, _) in STREAMS {
        within("three copies", async {
            loop {
                let info = match jetstream.get_stream(name).await {
                    Ok(mut stream) => stream.info().await.ok().cloned(),
                    Err(_) => None,
                };
                let others = info.and_then(|info| info.cluster).map(|cluster| cluster.replicas);
                if others.is_some_and(|others| others.len() == 2 && others.iter().all(|other| other.current))
                {
                    return;
                }
                tokio::time::sleep(Duration::from_millis(50)).await;
            }
        })
        .await;
    }
}

/// Wherever they are connected: each server is killed once a round, so each node loses its own at least once.
#[tokio::test]
#[ignore = "minutes of their own: `cargo xtask test --only drills`"]
async fn nodes_go_on_through_another_server_when_theirs_is_killed() {
    let folders = Folders::new("nats-lost");
    let mut servers = cluster();
    make_three_copies(&jetstream(&servers[0]).await).await;
    let urls: Vec<String> = servers.iter().map(NatsServer::url).collect();
    let url = urls.join(",");
    let nodes = [
        Node::start_with(folders.node("one", &url)).await,
        Node::start_with(folders.node("other", &url)).await,
    ];
    let addresses = [nodes[0].address, nodes[1].address];
    for node in addresses {
        nats_is(node, "up").await;
    }
    let mut asked = 0;
    for kill in 0..3 * rounds().div_ceil(10) {
        let lost = kill % servers.len();
        are_whole(&servers[(lost + 1) % servers.len()]).await;
        let start = |number: usize| {
            WorkspaceWriter::start(&format!("writer-{kill}-{number}"), WORKSPACE, addresses[number % 2], REST)
        };
        let mut writers: Vec<_> = (0..WRITERS).map(start).collect();
        go_on(&writers, 50).await;
        servers[lost].kill();
        let killed = Instant::now();
        go_on(&writers, 50).await;
        for writer in &mut writers {
            asked += writer.stop().await;
        }
        // While that server is away.
        let (_, data) = equal(addresses, WORKSPACE).await;
        let took = killed.elapsed();
        writers.iter().for_each(|writer| writer.check(&data, &writer.acked(), &format!("kill {kill}")));
        for node in addresses {
            nats_is(node, "up").await;
            assert_eq!(count_history(node, WORKSPACE).await, asked, "kill {kill}: every op is done once");
        }
        servers[lost].restart();
        println!("a server of NATS, kill {kill}: {asked} ops, both nodes have all after {took:?}");
    }
}
