//! The bus over Redis: a channel per room, subscribed to while this node has a member of the room.
//!
//! A message is published once and never again, and Redis keeps none: while it is away the other nodes miss what is
//! sent. What was missed is counted and not made up for. This node's own members never wait for Redis.

use std::{
    collections::{HashMap, VecDeque},
    future::Future,
    pin::Pin,
    sync::{
        Arc, Mutex, MutexGuard, PoisonError, Weak,
        atomic::{AtomicU64, Ordering},
    },
};

use futures_util::{FutureExt as _, future::BoxFuture};
use syncline::run::Delivery;

use super::{
    Bus, BusError, Inbound, Interest, envelope,
    sequence::{Arrival, Newest, Numbers},
};
use crate::{
    observe::Metrics,
    redis_link::{Held, Listener, Pushed, RedisLink, Subscriber},
};

/// What the names of rooms' channels begin with.
const PREFIX: &str = "syncline:room:";

/// How many deliveries may wait for their way to Redis, and how many bytes they may have together.
const MAX_WAITING: usize = 4096;
const MAX_WAITING_BYTES: usize = 16 * 1024 * 1024;

/// How much goes to Redis in one write.
const BATCH: usize = 256;
const BATCH_BYTES: usize = 1024 * 1024;

/// The bus of many nodes that share a Redis.
pub(crate) struct RedisBus(Arc<Shared>);

struct Shared {
    /// What this node is known by in its envelopes.
    origin: u64,
    link: Arc<RedisLink>,
    subscriber: Subscriber,
    inbound: Arc<dyn Inbound>,
    metrics: Arc<Metrics>,
    outgoing: Mutex<Outgoing>,
    rooms: Arc<Mutex<Rooms>>,
    failed: AtomicU64,
    refused: AtomicU64,
}

/// What waits for its way to Redis, in order.
#[derive(Default)]
struct Outgoing {
    numbers: Numbers,
    waiting: VecDeque<(String, Vec<u8>)>,
    bytes: usize,
    /// Whether a task takes from it; there is one only while something waits.
    is_drained: bool,
}

/// The rooms with a member on this node.
type Rooms = HashMap<Arc<str>, Room>;

#[derive(Default)]
struct Room {
    holders: usize,
    newest: Newest,
}

impl RedisBus {
    pub(crate) fn new(link: Arc<RedisLink>, inbound: Arc<dyn Inbound>, metrics: Arc<Metrics>) -> Self {
        Self(Arc::new_cyclic(|shared| Shared {
            origin: rand::random(),
            subscriber: link.subscriber(PREFIX, listener(Weak::clone(shared))),
            link,
            inbound,
            metrics,
            outgoing: Mutex::default(),
            rooms: Arc::default(),
            failed: AtomicU64::new(0),
            refused: AtomicU64::new(0),
        }))
    }
}

impl Bus for RedisBus {
    fn publish(
        &self,
        delivery: Arc<Delivery>,
    ) -> Pin<Box<dyn Future<Output = Result<(), BusError>> + Send + '_>> {
        Box::pin(async move {
            self.0.inbound.deliver(Arc::clone(&delivery)).await;
            self.0.send(&delivery)
        })
    }

    fn interest(&self, room: &Arc<str>) -> Option<Arc<dyn Interest>> {
        lock(&self.0.rooms).entry(Arc::clone(room)).or_default().holders += 1;
        let held = self.0.subscriber.hold(&format!("{PREFIX}{room}"));
        Some(Arc::new(Member { room: Arc::clone(room), rooms: Arc::clone(&self.0.rooms), held }))
    }
}

/// Somebody on this node is in the room.
struct Member {
    room: Arc<str>,
    rooms: Arc<Mutex<Rooms>>,
    held: Held,
}

impl Interest for Member {
    fn confirmed(&self) -> BoxFuture<'_, ()> {
        self.held.confirmed().boxed()
    }
}

impl Drop for Member {
    fn drop(&mut self) {
        let mut rooms = lock(&self.rooms);
        if let Some(room) = rooms.get_mut(&self.room) {
            room.holders -= 1;
            if room.holders == 0 {
                rooms.remove(&self.room);
            }
        }
    }
}

impl Shared {
    /// Puts a delivery in line for Redis. It has its number also if it does not get there: the others see the hole.
    fn send(self: &Arc<Self>, delivery: &Delivery) -> Result<(), BusError> {
        let mut outgoing = lock(&self.outgoing);
        let place = outgoing.numbers.next(&delivery.room);
        if self.link.is_away() {
            return Err(self.failure("Redis is away", 1));
        }
        let Some(message) = envelope::write(self.origin, place, delivery) else {
            return Err(self.failure("the delivery is too large", 1));
        };
        if outgoing.waiting.len() >= MAX_WAITING || outgoing.bytes + message.len() > MAX_WAITING_BYTES {
            return Err(self.failure("too much waits for Redis", 1));
        }
        outgoing.bytes += message.len();
        outgoing.waiting.push_back((format!("{PREFIX}{}", delivery.room), message));
        if !std::mem::replace(&mut outgoing.is_drained, true) {
            tokio::spawn(Arc::clone(self).drain());
        }
        Ok(())
    }

    async fn drain(self: Arc<Self>) {
        while let Some(batch) = self.next_batch() {
            let mut publishes = redis::pipe();
            for (channel, message) in &batch {
                publishes.publish(channel, message).ignore();
            }
            // The next batch waits for the answer to this one: so they stay in order.
            let sent =
                self.link.commands(async |mut connection| publishes.query_async::<()>(&mut connection).await);
            if let Err(error) = sent.await {
                self.metrics.bus_failures.increment(batch.len() as u64);
                self.failure(&error.to_string(), batch.len() as u64);
            }
        }
    }

    fn next_batch(&self) -> Option<Vec<(String, Vec<u8>)>> {
        let mut outgoing = lock(&self.outgoing);
        let (mut batch, mut bytes) = (Vec::new(), 0);
        while batch.len() < BATCH && bytes < BATCH_BYTES {
            let Some(next) = outgoing.waiting.pop_front() else { break };
            bytes += next.1.len();
            batch.push(next);
        }
        outgoing.bytes -= bytes;
        outgoing.is_drained = !batch.is_empty();
        outgoing.is_drained.then_some(batch)
    }

    /// What came on a channel.
    fn arrived(&self, channel: &str, message: &[u8]) {
        let Some((room, _)) = channel.strip_prefix(PREFIX).and_then(|room| {
            let rooms = lock(&self.rooms);
            rooms.get_key_value(room).map(|(room, known)| (Arc::clone(room), known.holders))
        }) else {
            // The last member has left in the meantime.
            return;
        };
        let envelope = match envelope::read(&room, message) {
            Ok(envelope) => envelope,
            Err(why) => {
                self.metrics.bus_malformed.increment(1);
                let total = self.refused.fetch_add(1, Ordering::Relaxed) + 1;
                if total.is_power_of_two() {
                    tracing::warn!(%why, bytes = message.len(), total, "a message from Redis could not be read");
                }
                return;
            }
        };
        if envelope.origin == self.origin {
            return;
        }
        self.metrics.bus_received.increment(1);
        let arrival = match lock(&self.rooms).get_mut(&room) {
            Some(known) => known.newest.note(envelope.origin, envelope.place),
            None => return,
        };
        match arrival {
            Arrival::Next => {}
            Arrival::After(missed) => self.metrics.bus_missed.increment(missed),
            Arrival::Late => return self.metrics.bus_late.increment(1),
        }
        if !self.inbound.offer(Arc::new(envelope.delivery)) {
            self.metrics.bus_missed.increment(1);
        }
    }

    fn gap(&self) {
        // The first connection of all is none to anybody.
        if !lock(&self.rooms).is_empty() {
            self.metrics.bus_gaps.increment(1);
            tracing::warn!("events of other nodes may have been missed");
        }
    }

    fn failure(&self, why: &str, count: u64) -> BusError {
        let before = self.failed.fetch_add(count, Ordering::Relaxed);
        // The first, and then ever more seldom: under load there are thousands a second.
        if before.checked_ilog2() != (before + count).checked_ilog2() {
            tracing::warn!(why, total = before + count, "deliveries did not reach the other nodes");
        }
        BusError(why.to_owned())
    }
}

fn listener(shared: Weak<Shared>) -> Listener {
    Box::new(move |pushed| {
        let Some(shared) = shared.upgrade() else { return };
        match pushed {
            Pushed::Message { channel, message } => shared.arrived(channel, message),
            Pushed::Gap => shared.gap(),
        }
    })
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests;
