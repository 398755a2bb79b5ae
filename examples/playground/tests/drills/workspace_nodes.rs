//! Nodes that share a NATS, each with a disk of its own, and whether they have the same.

use std::{
    net::SocketAddr,
    path::PathBuf,
    time::{Duration, Instant},
};

use serde_json::Value;
use syncline_testkit::call;

use crate::workspace_writers::get;

/// How long it may take, once NATS is there again, until nodes have the same.
pub(crate) const EQUAL_WITHIN: Duration = Duration::from_secs(120);

/// Folders for nodes' disks, which go with this.
pub(crate) struct Folders(PathBuf);

impl Folders {
    pub(crate) fn new(name: &str) -> Self {
        Self(std::env::temp_dir().join(format!("syncline-drill-{name}-{}", std::process::id())))
    }

    /// The settings of a node with a disk of its own, to which NATS is there.
    pub(crate) fn node(&self, name: &str, nats: &str) -> Vec<(&'static str, String)> {
        vec![
            ("DATA_DIR", self.0.join(name).display().to_string()),
            ("NATS_URL", nats.to_owned()),
            ("WORKSPACE_OP_BYTES", "16777216".to_owned()),
        ]
    }
}

impl Drop for Folders {
    fn drop(&mut self) {
        let _gone = std::fs::remove_dir_all(&self.0);
    }
}

/// Waits until a node knows that of its NATS.
pub(crate) async fn nats_is(node: SocketAddr, wanted: &str) {
    // A line that goes dead is noticed once three pings were not answered.
    let patience = Instant::now();
    while call(node, "GET", "/readyz", &[], "").await.json()["dependencies"]["nats"] != wanted {
        assert!(patience.elapsed() < EQUAL_WITHIN, "NATS is not {wanted}");
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
}

/// The heads and the values of a workspace on a node.
pub(crate) async fn state(node: SocketAddr, workspace: &str) -> (Vec<String>, Value) {
    let answer = get(node, &format!("/v1/workspaces/{workspace}")).await;
    let heads = answer["heads"].as_array().expect("heads").iter();
    let mut heads: Vec<String> = heads.map(|head| head.as_str().expect("a hash").to_owned()).collect();
    heads.sort_unstable();
    (heads, answer["data"].clone())
}

/// Waits until two nodes have the same; how long that took, and what it is.
pub(crate) async fn equal(nodes: [SocketAddr; 2], workspace: &str) -> (Duration, Value) {
    let began = Instant::now();
    loop {
        let (here, there) = tokio::join!(state(nodes[0], workspace), state(nodes[1], workspace));
        if here == there {
            return (began.elapsed(), here.1);
        }
        assert!(began.elapsed() < EQUAL_WITHIN, "{workspace} is not the same on both nodes");
        // States are large: whoever looks all the time leaves nobody time to change them.
        tokio::time::sleep(Duration::from_millis(250)).await;
    }
}
