//! The bus: how a delivery gets from the node of its request to every node that has members of its room.
//!
//! It carries deliveries and knows nothing of sockets. Events are at most once across nodes: whatever the bus does,
//! the local node delivers first.

#[cfg(test)]
mod contract;
mod envelope;
mod local;
mod redis;
mod sequence;

use std::{fmt, future::Future, pin::Pin, sync::Arc};

use futures_util::future::BoxFuture;
pub(crate) use local::LocalBus;
pub(crate) use redis::RedisBus;
use syncline::run::Delivery;

/// Takes deliveries that have arrived at this node.
pub(crate) trait Inbound: Send + Sync + 'static {
    /// Queues a delivery for the members on this node; waits while the room's queue is full.
    fn deliver(&self, delivery: Arc<Delivery>) -> Pin<Box<dyn Future<Output = ()> + Send + '_>>;

    /// Queues a delivery of another node; false, and it is gone, while the room's queue is full. Waiting here would
    /// hold up all other rooms.
    fn offer(&self, delivery: Arc<Delivery>) -> bool;
}

/// What other nodes publish to a room is wanted here, for as long as this lives.
pub(crate) trait Interest: Send + Sync {
    /// Waits until it arrives here from then on; not while the other nodes cannot be reached, and never for long.
    fn confirmed(&self) -> BoxFuture<'_, ()>;
}

/// Why a delivery did not leave this node.
#[derive(Debug)]
pub(crate) struct BusError(pub(crate) String);

impl fmt::Display for BusError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl std::error::Error for BusError {}

/// Hands deliveries to this node and to all others.
///
/// What every implementation promises (and the contract suite checks): a delivery reaches the local [`Inbound`]
/// exactly once and before `publish` returns, whether or not others can be reached; deliveries published one after the
/// other arrive in that order. Another node gets each at most once, in that order, while it has an [`Interest`] in the
/// room; and all of them from the confirmation on, as long as nothing fails.
pub(crate) trait Bus: Send + Sync + 'static {
    /// Delivers locally, then publishes to the other nodes.
    ///
    /// # Errors
    /// [`BusError`] when the other nodes cannot be reached; the local node has been served all the same.
    fn publish(
        &self,
        delivery: Arc<Delivery>,
    ) -> Pin<Box<dyn Future<Output = Result<(), BusError>> + Send + '_>>;

    /// Somebody on this node is in the room; nothing if there are no other nodes. Must not block, and nor may its end.
    fn interest(&self, room: &Arc<str>) -> Option<Arc<dyn Interest>>;
}
