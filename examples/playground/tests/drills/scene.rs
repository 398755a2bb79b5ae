//! The scene of a drill: a Redis, two nodes, writers, and followers on either node that may go to the other one.

use std::time::{Duration, Instant};

use crate::{
    RECOVERY, followers,
    followers::{Follower, What},
    node::Node,
    redis_server::RedisServer,
    writers::Writer,
};

pub(crate) struct Scene {
    pub(crate) redis: RedisServer,
    pub(crate) nodes: [Node; 2],
    pub(crate) writers: Vec<Writer>,
    pub(crate) followers: Vec<Follower>,
}

impl Scene {
    /// Everything runs, and everybody has seen something.
    pub(crate) async fn begin() -> Self {
        let redis = RedisServer::start();
        let nodes = [Node::start(&redis).await, Node::start(&redis).await];
        let [one, other] = [nodes[0].address, nodes[1].address];
        let kinds = [What::Game, What::Room];
        let writers = kinds.map(|what| Writer::start(what, vec![one, other])).into();
        let orders = [vec![one, other], vec![other, one]];
        let followers = kinds.into_iter().flat_map(|what| {
            let orders = orders.iter().cycle().take(2 * followers());
            orders.map(move |order| Follower::start(what, order.clone())).collect::<Vec<_>>()
        });
        let scene = Self { redis, nodes, writers, followers: followers.collect() };
        scene.caught_up("at the beginning").await;
        scene
    }

    /// Waits until each follower holds at least what was committed when this was called; how long that took.
    pub(crate) async fn caught_up(&self, when: &str) -> Duration {
        let began = Instant::now();
        let goal = |what: What| {
            let writer = self.writers.iter().find(|writer| writer.what == what).expect("a writer");
            writer.committed().max(1)
        };
        let goals = [What::Game, What::Room].map(|what| (what, goal(what)));
        let is_behind = |follower: &&Follower| {
            goals.iter().any(|(what, goal)| *what == follower.what && follower.held.version() < *goal)
        };
        loop {
            let behind = self.followers.iter().filter(is_behind).count();
            if behind == 0 {
                return began.elapsed();
            }
            let late = began.elapsed() > RECOVERY;
            assert!(!late, "{when}: {behind} of {} followers are behind {goals:?}", self.followers.len());
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    }

    /// Waits until writes succeed again on both nodes; how long that took.
    pub(crate) async fn writes_go_on(&self) -> Duration {
        let began = Instant::now();
        for writer in &self.writers {
            // Each node in turn, so both have answered by then.
            let goal = writer.committed() + 4;
            while writer.committed() < goal {
                assert!(began.elapsed() < RECOVERY, "{:?} is not written any more", writer.what);
                tokio::time::sleep(Duration::from_millis(10)).await;
            }
        }
        began.elapsed()
    }

    /// The end: writers stop, and every follower ends on the very last version, having never gone back.
    pub(crate) async fn end(self) {
        let Self { redis: _redis, nodes, writers, followers } = self;
        let mut last = Vec::new();
        for writer in writers {
            let (what, failed) = (writer.what, writer.failed());
            let version = writer.stop(nodes[0].address).await;
            println!("{what:?}: ended on version {version}; {failed} writes failed");
            last.push((what, version));
        }
        let began = Instant::now();
        for follower in &followers {
            let (_, version) = last.iter().find(|(what, _)| *what == follower.what).expect("a version");
            while follower.held.version() < *version {
                assert!(
                    began.elapsed() < RECOVERY,
                    "{:?} stays on {}",
                    follower.what,
                    follower.held.version()
                );
                tokio::time::sleep(Duration::from_millis(10)).await;
            }
            assert_eq!(follower.held.version(), *version, "nobody holds what was not committed");
            let faults = follower.held.faults();
            assert!(faults.is_empty(), "{:?} went back: {faults:?}", follower.what);
        }
    }
}
