//! A client's line goes dead without a word: nothing comes through in either direction, and nobody closes anything.

use std::{
    net::SocketAddr,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::{Duration, Instant},
};

use syncline_testkit::{call, within};
use tokio::{
    io::{AsyncRead, AsyncReadExt as _, AsyncWrite, AsyncWriteExt as _},
    net::{TcpListener, TcpStream},
};

use crate::{
    followers::{Follower, What},
    rounds,
    scene::Scene,
};

/// A way to a node, or another server, that can be cut.
pub(crate) struct Line {
    pub(crate) address: SocketAddr,
    is_cut: Arc<AtomicBool>,
}

impl Line {
    pub(crate) async fn to(node: SocketAddr) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let line = Self { address: listener.local_addr().expect("an address"), is_cut: Arc::default() };
        let is_cut = Arc::clone(&line.is_cut);
        tokio::spawn(async move {
            loop {
                let (near, _) = listener.accept().await.expect("a connection");
                let is_cut = Arc::clone(&is_cut);
                tokio::spawn(async move {
                    let Ok(far) = TcpStream::connect(node).await else { return };
                    let (near, far) = (near.into_split(), far.into_split());
                    tokio::join!(pass(near.0, far.1, &is_cut), pass(far.0, near.1, &is_cut));
                });
            }
        });
        line
    }

    /// Cuts it, or lets new connections through again; those that there were stay dead.
    pub(crate) fn cut(&self, is_cut: bool) {
        self.is_cut.store(is_cut, Ordering::SeqCst);
    }
}

/// Passes bytes on until one side closes; what comes while the line is cut is swallowed, and so is a close.
async fn pass(mut from: impl AsyncRead + Unpin, mut to: impl AsyncWrite + Unpin, is_cut: &AtomicBool) {
    let mut buffer = [0; 4096];
    loop {
        let read = from.read(&mut buffer).await.unwrap_or(0);
        if is_cut.load(Ordering::SeqCst) {
            // Held open for as long as the test runs: neither side hears of the other any more.
            return std::future::pending().await;
        }
        if read == 0 || to.write_all(&buffer[..read]).await.is_err() {
            return;
        }
    }
}

/// How many plain WebSockets a node has.
async fn open_sockets(node: SocketAddr) -> usize {
    let metrics = call(node, "GET", "/metrics", &[], "").await.body;
    let name = "ws_connections_active{system=\"snapshots\"} ";
    let line = metrics.lines().find_map(|line| line.strip_prefix(name)).expect("the metric");
    line.parse::<f64>().expect("a number") as usize
}

#[tokio::test]
#[ignore = "minutes of their own: `cargo xtask test --only drills`"]
async fn a_line_that_goes_dead_is_noticed_by_both_sides_and_replaced() {
    let mut scene = Scene::begin().await;
    let node = scene.nodes[0].address;
    for round in 1..=rounds() {
        let before = open_sockets(node).await;
        let line = Line::to(node).await;
        // Its second way is there from the beginning, but it takes it only when the first one is dead.
        let follower = Follower::start(What::Game, vec![line.address, node]);
        within("a follower on that line", async {
            while follower.held.version() == 0 {
                tokio::time::sleep(Duration::from_millis(5)).await;
            }
        })
        .await;
        scene.followers.push(follower);
        line.cut(true);
        let cut = Instant::now();
        let held = Arc::clone(&scene.followers[scene.followers.len() - 1].held);
        while held.connections.load(Ordering::SeqCst) < 2 {
            assert!(cut.elapsed() < Duration::from_secs(10), "round {round}: it never comes back");
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
        let noticed = cut.elapsed();
        let state = scene.caught_up("after a line was cut").await;
        // One more socket than before: the follower's new one. The dead one is gone once its pings are not answered.
        while open_sockets(node).await > before + 1 {
            assert!(cut.elapsed() < Duration::from_secs(20), "round {round}: the node keeps the dead socket");
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
        let by_node = cut.elapsed();
        println!(
            "a line, round {round}: noticed by the client after {noticed:?}, by the node after {by_node:?}; state {state:?}"
        );
    }
    scene.end().await;
}
