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

use super::round::{self, Node};
use crate::cluster::Inbound;

/// How many deliveries of one room may wait on this node. At the bound a local request waits for room.
const ROOM_QUEUE: usize = 1024;

/// Delivers to the members on this node.
pub(crate) struct Deliver {
    node: Arc<Node>,
    queues: Arc<Queues>,
}

type Queues = Mutex<HashMap<Arc<str>, RoomQueue>>;

/// A room's deliveries in order. There is one only while something drains it.
struct RoomQueue {
    places: Arc<Semaphore>,
    waiting: VecDeque<(Arc<Delivery>, OwnedSemaphorePermit)>,
}

impl Deliver {
    pub(crate) fn new(node: Arc<Node>) -> Self {
        Self { node, queues: Arc::default() }
    }

    async fn enqueue(&self, delivery: Arc<Delivery>) {
        let queue = lock(&self.queues).get(&delivery.room).map(|queue| Arc::clone(&queue.places));
        let places = queue.unwrap_or_else(|| Arc::new(Semaphore::new(ROOM_QUEUE)));
        let Ok(place) = Arc::clone(&places).acquire_owned().await else { return };
        let room = Arc::clone(&delivery.room);
        self.node.metrics.room_queue.increment(1);
        match lock(&self.queues).entry(Arc::clone(&room)) {
            Entry::Occupied(mut queue) => return queue.get_mut().waiting.push_back((delivery, place)),
            Entry::Vacant(none) => {
                none.insert(RoomQueue { places, waiting: VecDeque::from([(delivery, place)]) });
            }
        }
        tokio::spawn(drain(Arc::clone(&self.node), Arc::clone(&self.queues), room));
    }
}

impl Inbound for Deliver {
    fn deliver(&self, delivery: Arc<Delivery>) -> Pin<Box<dyn Future<Output = ()> + Send + '_>> {
        Box::pin(self.enqueue(delivery))
    }
}

fn lock(queues: &Queues) -> MutexGuard<'_, HashMap<Arc<str>, RoomQueue>> {
    queues.lock().unwrap_or_else(PoisonError::into_inner)
}

async fn drain(node: Arc<Node>, queues: Arc<Queues>, room: Arc<str>) {
    let (mut served, mut deliveries) = (0, 0);
    while let Some((delivery, place)) = next(&queues, &room) {
        round::deliver(&node, &delivery, &mut served).await;
        node.metrics.room_queue.decrement(1);
        drop(place);
        deliveries += 1;
        // Writers get their turn long before a recipient that reads could have its queue filled.
        if deliveries == node.burst {
            deliveries = 0;
            tokio::task::yield_now().await;
        }
    }
}

fn next(queues: &Queues, room: &str) -> Option<(Arc<Delivery>, OwnedSemaphorePermit)> {
    let mut queues = lock(queues);
    let next = queues.get_mut(room)?.waiting.pop_front();
    if next.is_none() {
        queues.remove(room);
    }
    next
}
