//! On a real redis-server: the contract, and what others on that Redis can do to us.

use std::{sync::Arc, time::Duration};

use serde_json::value::RawValue;
use syncline::{Registry, run::Delivery};

use super::{MAX_WAITING, PREFIX, RedisBus, envelope};
use crate::{
    cluster::{
        Interest,
        contract::{self, Node, delivery, numbered},
        sequence::Place,
    },
    observe::Metrics,
    redis_link::RedisLink,
    redis_server::RedisServer,
};

/// A node with its metrics and its link.
struct Tested {
    node: Node,
    link: Arc<RedisLink>,
    metrics: Arc<Metrics>,
}

impl Tested {
    async fn start(redis: &RedisServer) -> Self {
        let link = Arc::new(RedisLink::new(&redis.url().into(), 2).unwrap());
        let running = Arc::clone(&link);
        tokio::spawn(async move { running.run().await });
        let metrics = Metrics::new(&Registry::none(), &[], &[]);
        let node =
            Node::new(|inbound| Arc::new(RedisBus::new(Arc::clone(&link), inbound, Arc::clone(&metrics))));
        let tested = Self { node, link, metrics };
        tested.up(true).await;
        tested
    }

    async fn up(&self, wanted: bool) {
        let told = async {
            while self.link.is_up() != wanted {
                tokio::time::sleep(Duration::from_millis(2)).await;
            }
        };
        tokio::time::timeout(Duration::from_secs(20), told).await.expect("Redis comes and goes");
    }

    async fn join(&self, room: &str) -> Arc<dyn Interest> {
        let interest = self.node.bus.interest(&room.into()).unwrap();
        interest.confirmed().await;
        interest
    }

    fn count(&self, name: &str) -> u64 {
        let text = self.metrics.handle().render();
        let line = text.lines().find(|line| line.split(' ').next() == Some(name));
        line.and_then(|line| line.rsplit(' ').next()?.parse().ok())
            .unwrap_or_else(|| panic!("{name} in {text}"))
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn fulfils_the_contract() {
    let redis = RedisServer::start();
    let nodes = [Tested::start(&redis).await, Tested::start(&redis).await];
    contract::check(&nodes[0].node).await;
    contract::check_pair(nodes.each_ref().map(|tested| tested.node.clone())).await;
    for tested in nodes {
        assert_eq!(tested.count("syncline_bus_missed_total"), 0);
        assert_eq!(tested.count("syncline_bus_late_total"), 0);
        assert_eq!(tested.count("syncline_bus_failures_total"), 0);
        assert_eq!(tested.count("syncline_bus_gaps_total"), 0, "the first connection is none");
    }
}

/// An envelope of a node that is not ours.
fn foreign(room: &str, place: (u64, u64), number: usize) -> Vec<u8> {
    envelope::write(7, Place { run: place.0, number: place.1 }, &delivery(room, number)).unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn what_cannot_be_read_is_dropped_and_the_next_one_still_comes() {
    let redis = RedisServer::start();
    let tested = Tested::start(&redis).await;
    let _interest = tested.join("a").await;
    let channel = format!("{PREFIX}a");
    let of_another_room = foreign("b", (1, 1), 0);
    let too_large = vec![1; envelope::MAX_BYTES + 1];
    let unreadable: [&[u8]; 7] =
        [b"", b"\x02later", b"\x01nonsense", b"{}", &[0xff; 300], &of_another_room, &too_large];
    for message in unreadable {
        tested.link.publish(&channel, message).await.unwrap();
    }
    tested.link.publish(&channel, &foreign("a", (1, 1), 5)).await.unwrap();
    tested.node.arrived.until("a:5").await;
    assert_eq!(tested.node.arrived.take(), ["a:5"]);
    assert_eq!(tested.count("syncline_bus_malformed_total"), unreadable.len() as u64);
    assert_eq!(tested.count("syncline_bus_received_total"), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_missing_is_counted_and_what_comes_twice_or_too_late_is_dropped() {
    let redis = RedisServer::start();
    let tested = Tested::start(&redis).await;
    let _interest = tested.join("a").await;
    let channel = format!("{PREFIX}a");
    // Each with its number as its payload; the run is the node's own affair.
    for number in [4, 5, 5, 8, 6, 9, 4, 10] {
        let message = foreign("a", (1, number), number as usize);
        tested.link.publish(&channel, &message).await.unwrap();
    }
    tested.node.arrived.until("a:10").await;
    assert_eq!(tested.node.arrived.take(), ["a:4", "a:5", "a:8", "a:9", "a:10"]);
    assert_eq!(tested.count("syncline_bus_missed_total"), 2);
    assert_eq!(tested.count("syncline_bus_late_total"), 3);
}

#[tokio::test(flavor = "multi_thread")]
async fn without_redis_this_node_is_served_at_once_and_the_others_are_back_by_themselves() {
    let mut redis = RedisServer::start();
    let nodes = [Tested::start(&redis).await, Tested::start(&redis).await];
    let [one, other] = &nodes;
    let _interest = other.join("a").await;
    one.node.publish("a", 0).await;
    other.node.arrived.until("a:0").await;
    for round in 1..=2 {
        redis.kill();
        one.up(false).await;
        other.up(false).await;
        one.node.arrived.take();
        let began = std::time::Instant::now();
        for number in 1..=1000 {
            let published = one.node.bus.publish(delivery("a", number)).await;
            assert!(published.is_err(), "{number}");
        }
        assert!(began.elapsed() < Duration::from_secs(1), "{:?}", began.elapsed());
        assert_eq!(one.node.arrived.take(), numbered("a", 1..1001), "each once");
        redis.restart();
        one.up(true).await;
        other.up(true).await;
        other.node.arrived.take();
        one.node.publish("a", 2000).await;
        other.node.arrived.until("a:2000").await;
        assert_eq!(other.node.arrived.take(), ["a:2000"]);
        assert_eq!(other.count("syncline_bus_missed_total"), 1000 * round);
        assert_eq!(other.count("syncline_bus_gaps_total"), round);
        assert_eq!(one.count("syncline_bus_gaps_total"), 0, "nobody there missed anything");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_waits_for_a_redis_that_hangs_is_bounded_and_this_node_goes_on() {
    let redis = RedisServer::start();
    let tested = Tested::start(&redis).await;
    redis.hang(true);
    let mut refused = 0;
    let began = std::time::Instant::now();
    for number in 0..2 * MAX_WAITING {
        refused += usize::from(tested.node.bus.publish(delivery("a", number)).await.is_err());
    }
    assert!(began.elapsed() < Duration::from_secs(1), "{:?}", began.elapsed());
    // A batch or a few are with the connection already.
    assert!((1..=MAX_WAITING).contains(&refused), "{refused}");
    assert_eq!(tested.node.arrived.take().len(), 2 * MAX_WAITING);
    redis.hang(false);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_too_large_stays_on_this_node() {
    let redis = RedisServer::start();
    let nodes = [Tested::start(&redis).await, Tested::start(&redis).await];
    let [one, other] = &nodes;
    let _interest = other.join("a").await;
    let huge = RawValue::from_string(format!(r#""{}""#, "x".repeat(envelope::MAX_BYTES))).unwrap();
    let huge = Delivery { server_output: huge.into(), ..Delivery::clone(&delivery("a", 1)) };
    let published = one.node.bus.publish(Arc::new(huge)).await;
    assert!(published.is_err_and(|error| error.to_string().contains("too large")));
    assert_eq!(one.node.arrived.take(), ["a:1"]);
    one.node.publish("a", 2).await;
    other.node.arrived.until("a:2").await;
    assert_eq!(other.node.arrived.take(), ["a:2"]);
}
