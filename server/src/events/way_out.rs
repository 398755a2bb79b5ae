//! The way of a room's events out to its members' sockets, from one delivery to the next: at once, or together with what
//! waits behind, and with a turn for others in between.
//!
//! Who gets what is the round's.

use std::sync::Arc;

use super::{
    batch::Batch,
    direct::Frame,
    member::{Member, OutboxError, Standing},
    members::Occupancy,
    round::Node,
};

/// How much is done, over one delivery or several of a room, before other tasks get their turn. Giving it sooner costs a
/// write for each event: only what is queued when a socket's writer runs goes out in one.
const CHUNK: usize = 65_536;

/// What it takes of that to look at a member.
const LOOK: usize = 2;

/// What it takes of that to queue a packet.
const PACKET: usize = 6;

/// One room's, while its deliveries are drained.
pub(crate) struct WayOut {
    pub(crate) node: Arc<Node>,
    room: Arc<str>,
    batch: Batch,
    /// The room as it was when the batch began.
    occupancy: Option<Occupancy>,
    batching: bool,
    /// What was done since others last had their turn.
    done: usize,
}

impl WayOut {
    pub(crate) fn new(node: Arc<Node>, room: Arc<str>) -> Self {
        Self { node, room, batch: Batch::default(), occupancy: None, batching: false, done: 0 }
    }

    /// Begins a delivery; `more` wait behind it.
    pub(crate) fn begin(&mut self, more: bool) {
        self.batching = more || !self.batch.is_empty();
    }

    /// Notes the room as the delivery's members were taken from it.
    pub(crate) fn look_at(&mut self, occupancy: &Occupancy) {
        if self.batch.is_empty() {
            self.occupancy = Some(occupancy.clone());
        }
    }

    /// Sends a member an event, now or with others before anything else runs.
    pub(crate) fn send(&mut self, member: &Arc<Member>, event: &Frame) {
        if !self.batching || !member.batches {
            self.done += PACKET;
            return self.node.emit(member, event);
        }
        if !self.batch.put(member, event) {
            self.flush_to(member);
            self.batch.put(member, event);
        }
    }

    /// Lets out what one member has. To be called before what goes to it another way.
    pub(crate) fn flush_to(&mut self, member: &Member) {
        if let Some(packet) = self.batch.take(member) {
            self.done += PACKET;
            self.room().let_out(member, &packet);
        }
    }

    /// Lets out what was put together. To be called before anything that waits.
    pub(crate) fn flush(&mut self) {
        let mut batch = std::mem::take(&mut self.batch);
        let (room, mut packets) = (self.room(), 0);
        batch.drain(|member, packet| {
            packets += 1;
            room.let_out(member, &packet);
        });
        self.done += packets * PACKET;
    }

    fn room(&self) -> Room<'_> {
        let unchanged = self.occupancy.as_ref().is_some_and(Occupancy::is_unchanged);
        Room { node: &self.node, name: &self.room, unchanged }
    }

    /// Gives others their turn, if it is time.
    pub(crate) async fn breathe(&mut self) {
        self.done += LOOK;
        if self.done >= CHUNK {
            self.flush();
            self.done = 0;
            tokio::task::yield_now().await;
        }
    }
}

/// The room as it is now.
struct Room<'a> {
    node: &'a Node,
    name: &'a str,
    /// Since the batch began.
    unchanged: bool,
}

impl Room<'_> {
    /// Sends what was put together to a member that is still there.
    fn let_out(&self, member: &Member, packet: &Frame) {
        let is_there = self.unchanged || self.node.members.is_in(member.id, self.name);
        if is_there && member.standing() == Standing::Open {
            self.node.emit(member, packet);
        }
    }
}

impl Node {
    /// Sends a member a packet.
    pub(crate) fn emit(&self, member: &Member, packet: &Frame) {
        if self.queue(member, packet) {
            self.metrics.sent.increment(u64::from(packet.events()));
        }
    }

    /// Queues a packet for a member; false if it was not.
    pub(crate) fn queue(&self, member: &Member, packet: &Frame) -> bool {
        match member.outbox.emit(packet) {
            Ok(()) => true,
            Err(OutboxError::Full) => {
                member.evict_slow_consumer(&self.metrics);
                false
            }
            Err(OutboxError::Closed) => false,
        }
    }
}
