//! The way of a room's events out to its members' sockets, from one delivery to the next: at once, or together with what
//! waits behind, in one go where all of a group get the same, and with a turn for others in between.
//!
//! Who gets what is the round's.

use std::sync::Arc;

use super::{
    alike::Alike,
    batch::Batch,
    direct::Frame,
    group::Group,
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

/// What it takes of that for each member of a group that gets a packet in one go.
const ALIKE: usize = 3;

/// One room's, while its deliveries are drained.
pub(crate) struct WayOut {
    pub(crate) node: Arc<Node>,
    room: Arc<str>,
    batch: Batch,
    /// The room as it was when the batch began.
    occupancy: Option<Occupancy>,
    /// Its groups of then that may each have the same.
    groups: Vec<Group>,
    /// Whether what a group had together was let out since it was opened.
    made_room: bool,
    batching: bool,
    /// Who of the open group is to get its event in one go.
    alike: Option<Alike>,
    /// What was done since others last had their turn.
    done: usize,
}

impl WayOut {
    pub(crate) fn new(node: Arc<Node>, room: Arc<str>) -> Self {
        Self {
            node,
            room,
            batch: Batch::default(),
            occupancy: None,
            groups: Vec::new(),
            made_room: false,
            batching: false,
            alike: None,
            done: 0,
        }
    }

    /// Begins a delivery; `more` wait behind it.
    pub(crate) fn begin(&mut self, more: bool) {
        self.batching = more || !self.batch.is_empty();
    }

    /// Gives others their turn before a delivery that would have to stop for it in the middle, and so could not go out in
    /// one go.
    pub(crate) async fn pause_before(&mut self, members: usize) {
        if self.batch.is_empty() && self.done > 0 && self.done + members * (LOOK + ALIKE) > CHUNK {
            self.pause().await;
        }
    }

    /// Notes the room as the delivery's members were taken from it: all of them, or by audience.
    pub(crate) fn look_at(&mut self, occupancy: &Occupancy, groups: &[Group]) {
        if self.batch.is_empty() {
            self.occupancy = Some(occupancy.clone());
            self.groups.clear();
        }
        // Whose events depend on their audience once have different packets.
        if groups.len() > self.groups.len() {
            self.groups = groups.to_vec();
        }
    }

    /// Begins with a group. Its members are sent to in their order, and then it is closed.
    pub(crate) fn open(&mut self, group: &Group) {
        self.made_room = false;
        self.alike = self.node.members.has_mirror(group).then(|| Alike::new(group));
    }

    /// Sends the member at this place of the open group an event, with others of the group or of the room before anything
    /// else runs.
    pub(crate) fn send(&mut self, place: usize, member: &Arc<Member>, event: &Frame) {
        if self.batching && member.batches {
            if !self.batch.put(member, event) {
                self.make_room(member);
                self.batch.put(member, event);
            }
        } else if !self.alike.as_mut().is_some_and(|alike| alike.note(place, event)) {
            self.send_apart();
            self.done += PACKET;
            self.node.emit(member, event);
        }
    }

    /// Ends with the open group.
    pub(crate) fn close(&mut self) {
        let Some(alike) = self.alike.take() else { return };
        match alike.send(&self.node, &self.room) {
            Ok(members) => self.done += members * ALIKE,
            Err(alike) => {
                self.alike = Some(alike);
                self.send_apart();
            }
        }
    }

    /// Sends those of the open group their event who were to get it in one go; the rest of the group gets it one by one.
    fn send_apart(&mut self) {
        let Some(alike) = self.alike.take() else { return };
        let (room, mut packets) = (self.room(), 0);
        for (member, event) in alike.recipients() {
            packets += 1;
            room.let_out(member, event);
        }
        self.done += packets * PACKET;
    }

    /// Lets out what one member has, with those who have the same.
    fn make_room(&mut self, member: &Member) {
        if !std::mem::replace(&mut self.made_room, true)
            && let Some(group) = self.groups.iter().find(|group| group.contains_key(&member.id)).cloned()
        {
            self.flush_group(&group);
        }
        self.flush_to(member);
    }

    /// Lets out what all of a group have, if it is one packet.
    fn flush_group(&mut self, group: &Group) {
        if !self.node.members.has_mirror(group) {
            return;
        }
        let Some(common) = self.batch.alike(group) else { return };
        if self.node.emit_to_group(&self.room, group, &common.left_out, &common.packet) {
            self.done += (group.len() - common.left_out.len()) * ALIKE;
            self.batch.forget(group, &common);
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
        self.send_apart();
        let groups = std::mem::take(&mut self.groups);
        groups.iter().for_each(|group| self.flush_group(group));
        self.groups = groups;
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
            self.pause().await;
        }
    }

    async fn pause(&mut self) {
        self.flush();
        self.done = 0;
        tokio::task::yield_now().await;
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
