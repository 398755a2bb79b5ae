//! automerge-repo: stock clients (`WebSocketClientAdapter`, protocol version 1) on the documents of workspaces.
//!
//! ```text
//! peer --frame--> CBOR    --message, columns--> changes --ask--> owner (on disk, then told to all)
//!  '--exchange: Automerge's sync protocol, on copies of what is on disk
//! ```
//!
//! A document is found by its id, which the journal keeps once a workspace was written into; no client makes one. What a
//! peer sends is a stranger's: it is measured before it is decoded, away from the sockets, and panics end that peer's
//! connection alone. `gossip` is what peers tell each other and nobody keeps.

mod columns;
mod cursor;
mod exchange;
mod frame;
mod gossip;
mod message;
mod peer;
mod visit;

use std::sync::Arc;

use aws_lc_rs::digest::{SHA256, digest};
use tokio::sync::Semaphore;

pub(super) use self::{gossip::Gossip, peer::Peer, visit::Visitor};
use crate::ws::Edge;

/// How much larger than the largest op a message may be: a client that comes back sends all its changes in one.
pub(super) const MESSAGE_FACTOR: usize = 16;

/// How much larger than a message its changes may be, inflated.
const INFLATED_FACTOR: usize = 4;

/// How many ops a message may hold.
const MAX_OPS: u64 = 100_000;

/// How many messages are decoded or made at a time.
const MAX_AT_A_TIME: usize = 4;

/// How many bytes of changes may be on their way to the disk, in units.
const MAX_ON_THE_WAY: u32 = 32 * 1024;
const UNIT_BYTES: usize = 1024;

/// What all peers share.
pub(super) struct Peers {
    pub(super) edge: Edge,
    /// How this server is called among peers.
    name: Arc<str>,
    bounds: message::Bounds,
    largest_rumour: usize,
    at_a_time: Arc<Semaphore>,
    on_the_way: Arc<Semaphore>,
}

impl Peers {
    pub(super) fn new(edge: Edge, server_id: &str, largest_op: usize) -> Self {
        // The same after a restart: clients go on from where they were. The id itself is for admins.
        let hash = digest(&SHA256, format!("peer:{server_id}").as_bytes());
        let name = bs58::encode(&hash.as_ref()[..16]).into_string();
        Self {
            edge,
            name: format!("syncline-{name}").into(),
            bounds: message::Bounds { bytes: largest_op * MESSAGE_FACTOR * INFLATED_FACTOR, ops: MAX_OPS },
            largest_rumour: largest_op,
            at_a_time: Arc::new(Semaphore::new(MAX_AT_A_TIME)),
            on_the_way: Arc::new(Semaphore::new(MAX_ON_THE_WAY as usize)),
        }
    }

    /// How much room changes of so many bytes take on their way.
    fn units(bytes: usize) -> u32 {
        u32::try_from(bytes.div_ceil(UNIT_BYTES)).unwrap_or(u32::MAX).min(MAX_ON_THE_WAY)
    }
}
