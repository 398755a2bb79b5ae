//! What every bus has to do, as suites that each implementation's tests run: one for a node by itself, one for nodes
//! that are to reach each other.

use std::{
    future::Future,
    pin::Pin,
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use serde_json::value::RawValue;
use syncline::run::{Delivery, Exclude};

use super::{Bus, Inbound};

/// Keeps what arrives at a node.
#[derive(Default)]
pub(crate) struct Recorder(Mutex<Vec<Arc<Delivery>>>);

impl Recorder {
    pub(crate) fn seen(&self) -> Vec<String> {
        let seen = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        seen.iter().map(|delivery| format!("{}:{}", delivery.room, delivery.client_input.get())).collect()
    }

    /// Waits until that has arrived.
    pub(crate) async fn until(&self, wanted: &str) {
        let all = async {
            while !self.seen().iter().any(|seen| seen == wanted) {
                tokio::time::sleep(Duration::from_millis(1)).await;
            }
        };
        let arrived = tokio::time::timeout(Duration::from_secs(20), all).await;
        arrived.unwrap_or_else(|_| panic!("{wanted} does not arrive; there are {:?}", self.seen()));
    }

    /// What arrived in the meantime.
    pub(crate) fn take(&self) -> Vec<String> {
        let seen = self.seen();
        self.0.lock().unwrap_or_else(PoisonError::into_inner).clear();
        seen
    }

    fn record(&self, delivery: Arc<Delivery>) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).push(delivery);
    }
}

impl Inbound for Recorder {
    fn deliver(&self, delivery: Arc<Delivery>) -> Pin<Box<dyn Future<Output = ()> + Send + '_>> {
        self.record(delivery);
        Box::pin(std::future::ready(()))
    }

    fn offer(&self, delivery: Arc<Delivery>) -> bool {
        self.record(delivery);
        true
    }
}

/// A bus and what arrives by it.
#[derive(Clone)]
pub(crate) struct Node {
    pub(crate) bus: Arc<dyn Bus>,
    pub(crate) arrived: Arc<Recorder>,
}

impl Node {
    pub(crate) fn new(make: impl FnOnce(Arc<dyn Inbound>) -> Arc<dyn Bus>) -> Self {
        let arrived = Arc::new(Recorder::default());
        Self { bus: make(Arc::clone(&arrived) as Arc<dyn Inbound>), arrived }
    }

    pub(crate) async fn publish(&self, room: &str, number: usize) {
        self.bus.publish(delivery(room, number)).await.unwrap();
    }
}

pub(crate) fn delivery(room: &str, number: usize) -> Arc<Delivery> {
    let input = RawValue::from_string(number.to_string()).unwrap();
    let output = RawValue::from_string("{}".to_owned()).unwrap();
    Arc::new(Delivery {
        name: "a/b".into(),
        version: "v1".into(),
        room: room.into(),
        client_input: input.into(),
        server_output: output.into(),
        exclude: Exclude::Nobody,
    })
}

pub(crate) fn numbered(room: &str, numbers: std::ops::Range<usize>) -> Vec<String> {
    numbers.map(|number| format!("{room}:{number}")).collect()
}

/// What a node does for its own members, with or without others.
pub(crate) async fn check(node: &Node) {
    node.publish("a", 1).await;
    assert_eq!(node.arrived.take(), ["a:1"], "delivered locally, once, before `publish` returns");
    let interest = node.bus.interest(&"a".into());
    if let Some(interest) = &interest {
        interest.confirmed().await;
    }
    for number in 2..100 {
        node.publish("a", number).await;
    }
    assert_eq!(node.arrived.take(), numbered("a", 2..100), "in the order of publishing");
    node.publish("b", 1).await;
    assert_eq!(node.arrived.take(), ["b:1"], "and no more than once, also with members of its own");
}

/// What nodes do for each other.
pub(crate) async fn check_pair([one, other]: [Node; 2]) {
    let interest = |node: &Node, room: &str| node.bus.interest(&room.into()).expect("there are other nodes");
    let fence = interest(&other, "fence");
    fence.confirmed().await;
    // All that a node publishes goes in order, whatever the room, so this arrives after all before it.
    let settle = async || {
        one.publish("fence", 0).await;
        other.arrived.until("fence:0").await;
        let mut seen = other.arrived.take();
        seen.retain(|seen| seen != "fence:0");
        seen
    };

    one.publish("a", 0).await;
    assert!(settle().await.is_empty(), "nobody is in the room there");

    let first = interest(&other, "a");
    first.confirmed().await;
    for number in 1..1000 {
        one.publish("a", number).await;
    }
    assert_eq!(settle().await, numbered("a", 1..1000), "each once, in order, from the confirmation on");

    let (second, own) = (interest(&other, "a"), interest(&one, "a"));
    second.confirmed().await;
    own.confirmed().await;
    one.publish("a", 1000).await;
    assert_eq!(settle().await, ["a:1000"], "once, however many are interested");
    drop(first);
    one.publish("a", 1001).await;
    assert_eq!(settle().await, ["a:1001"], "somebody still is");
    one.arrived.take();
    other.publish("a", 1002).await;
    one.arrived.until("a:1002").await;
    assert_eq!(one.arrived.take(), ["a:1002"], "and the other way");
    other.arrived.take();

    drop(second);
    one.publish("a", 1003).await;
    assert!(settle().await.is_empty(), "the last has left");
    let again = interest(&other, "a");
    again.confirmed().await;
    one.publish("a", 1004).await;
    assert_eq!(settle().await, ["a:1004"], "and somebody came back");

    let all = [Exclude::Socket("s".into()), Exclude::User("ü".into()), Exclude::Nobody];
    for exclude in &all {
        let sent = Delivery { exclude: exclude.clone(), ..Delivery::clone(&delivery("a", 1)) };
        one.bus.publish(Arc::new(sent)).await.unwrap();
    }
    one.publish("a", 2).await;
    other.arrived.until("a:2").await;
    let left_out: Vec<Exclude> =
        other.arrived.0.lock().unwrap().iter().map(|delivery| delivery.exclude.clone()).take(3).collect();
    assert_eq!(left_out, all);
}
