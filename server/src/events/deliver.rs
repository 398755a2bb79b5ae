//! Delivery: the second half of an event's way, on every node that has members of its room.
//!
//! One FIFO a room. What happens to one delivery is `round`'s; here is only the order of a room's deliveries.

use std::{
    collections::{HashMap, VecDeque, hash_map::Entry},
    future::Future,
    pin::Pin,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use syncline::run::Delivery;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use super::{
    round::{self, Node},
    way_out::WayOut,
};
use crate::cluster::Inbound;

/// How many deliveries of one room may wait on this node. At the bound a local request waits for room, and what comes
/// from other nodes is dropped.
const ROOM_QUEUE: usize = 1024;

/// How many bytes the deliveries of other nodes may have that wait, in all rooms together.
const REMOTE_BYTES: usize = 64 * 1024 * 1024;

/// Delivers to the members on this node.
pub(crate) struct Deliver {
    node: Arc<Node>,
    queues: Arc<Queues>,
    remote_bytes: Arc<Semaphore>,
}

type Queues = Mutex<HashMap<Arc<str>, RoomQueue>>;

/// A room's deliveries in order. There is one only while something drains it.
struct RoomQueue {
    places: Arc<Semaphore>,
    waiting: VecDeque<Waiting>,
}

struct Waiting {
    delivery: Arc<Delivery>,
    _place: OwnedSemaphorePermit,
    /// What it takes of the bytes of other nodes' deliveries, if it is one.
    _bytes: Option<OwnedSemaphorePermit>,
}

impl RoomQueue {
    fn new() -> Self {
        Self { places: Arc::new(Semaphore::new(ROOM_QUEUE)), waiting: VecDeque::new() }
    }
}

impl Deliver {
    pub(crate) fn new(node: Arc<Node>) -> Self {
        Self { node, queues: Arc::default(), remote_bytes: Arc::new(Semaphore::new(REMOTE_BYTES)) }
    }

    async fn enqueue(&self, delivery: Arc<Delivery>) {
        let queue = lock(&self.queues).get(&delivery.room).map(|queue| Arc::clone(&queue.places));
        let places = queue.unwrap_or_else(|| Arc::new(Semaphore::new(ROOM_QUEUE)));
        let Ok(place) = Arc::clone(&places).acquire_owned().await else { return };
        let room = Arc::clone(&delivery.room);
        self.node.metrics.room_queue.increment(1);
        let waiting = Waiting { delivery, _place: place, _bytes: None };
        match lock(&self.queues).entry(Arc::clone(&room)) {
            Entry::Occupied(mut queue) => return queue.get_mut().waiting.push_back(waiting),
            Entry::Vacant(none) => {
                none.insert(RoomQueue { places, waiting: VecDeque::from([waiting]) });
            }
        }
        tokio::spawn(drain(Arc::clone(&self.node), Arc::clone(&self.queues), room));
    }

    fn try_enqueue(&self, delivery: Arc<Delivery>) -> Option<()> {
        let size = delivery.client_input.get().len() + delivery.server_output.get().len();
        let bytes = Arc::clone(&self.remote_bytes).try_acquire_many_owned(u32::try_from(size).ok()?).ok()?;
        let room = Arc::clone(&delivery.room);
        let mut queues = lock(&self.queues);
        let is_drained = queues.contains_key(&room);
        let queue = queues.entry(Arc::clone(&room)).or_insert_with(RoomQueue::new);
        let place = Arc::clone(&queue.places).try_acquire_owned().ok()?;
        queue.waiting.push_back(Waiting { delivery, _place: place, _bytes: Some(bytes) });
        drop(queues);
        self.node.metrics.room_queue.increment(1);
        if !is_drained {
            tokio::spawn(drain(Arc::clone(&self.node), Arc::clone(&self.queues), room));
        }
        Some(())
    }
}

impl Inbound for Deliver {
    fn deliver(&self, delivery: Arc<Delivery>) -> Pin<Box<dyn Future<Output = ()> + Send + '_>> {
        Box::pin(self.enqueue(delivery))
    }

    fn offer(&self, delivery: Arc<Delivery>) -> bool {
        self.try_enqueue(delivery).is_some()
    }
}

fn lock(queues: &Queues) -> MutexGuard<'_, HashMap<Arc<str>, RoomQueue>> {
    queues.lock().unwrap_or_else(PoisonError::into_inner)
}

async fn drain(node: Arc<Node>, queues: Arc<Queues>, room: Arc<str>) {
    let (mut way_out, mut deliveries) = (WayOut::new(Arc::clone(&node), Arc::clone(&room)), 0);
    while let Some((waiting, more)) = next(&queues, &room) {
        way_out.begin(more);
        round::deliver(&waiting.delivery, &mut way_out).await;
        node.metrics.room_queue.decrement(1);
        drop(waiting);
        deliveries += 1;
        if !more {
            way_out.flush();
        }
        // Writers get their turn long before a recipient that reads could have its queue filled.
        if deliveries == node.burst {
            deliveries = 0;
            way_out.flush();
            tokio::task::yield_now().await;
        }
    }
}

/// The next delivery, and whether more wait behind it.
fn next(queues: &Queues, room: &str) -> Option<(Waiting, bool)> {
    let mut queues = lock(queues);
    let waiting = &mut queues.get_mut(room)?.waiting;
    match waiting.pop_front() {
        Some(next) => Some((next, !waiting.is_empty())),
        None => {
            queues.remove(room);
            None
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::value::RawValue;
    use syncline::{Functions, Registry, run::Exclude};
    use syncline_i18n::Catalog;

    use super::*;
    use crate::{error::Errors, events::members::Members, observe::Metrics};

    fn deliver() -> Deliver {
        let registry = Arc::new(Registry::none());
        Deliver::new(Arc::new(Node {
            metrics: Metrics::new(&registry, &[], &[]),
            registry,
            functions: Functions::new(Arc::new(())),
            members: Arc::new(Members::new(false, None)),
            errors: Arc::new(Errors::new(Catalog::builder().build().unwrap())),
            burst: 1,
        }))
    }

    fn delivery(room: &str, bytes: usize) -> Arc<Delivery> {
        let input = RawValue::from_string(format!("\"{}\"", "x".repeat(bytes))).unwrap();
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

    async fn drained(deliver: &Deliver) {
        while !lock(&deliver.queues).is_empty() {
            tokio::task::yield_now().await;
        }
    }

    /// On one thread nothing is drained before this gives way.
    #[tokio::test]
    async fn what_other_nodes_send_is_dropped_at_the_bound_of_its_room_and_holds_up_no_other() {
        let deliver = deliver();
        for number in 0..ROOM_QUEUE {
            assert!(deliver.offer(delivery("a", 1)), "{number}");
        }
        assert!(!deliver.offer(delivery("a", 1)));
        assert!(deliver.offer(delivery("b", 1)));
        // What comes from here waits for its place and gets it.
        deliver.deliver(delivery("a", 1)).await;
        drained(&deliver).await;
        assert!(deliver.offer(delivery("a", 1)));
    }

    #[tokio::test]
    async fn what_other_nodes_send_is_dropped_at_the_bound_of_its_bytes() {
        let deliver = deliver();
        let size = REMOTE_BYTES / 16;
        for number in 0..15 {
            assert!(deliver.offer(delivery(&number.to_string(), size)));
        }
        assert!(!deliver.offer(delivery("a", size)));
        assert!(deliver.offer(delivery("a", 1)), "a smaller one has room");
        drained(&deliver).await;
        assert_eq!(deliver.remote_bytes.available_permits(), REMOTE_BYTES, "all is given back");
        assert!(deliver.offer(delivery("a", size)));
    }
}
