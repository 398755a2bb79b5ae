//! The way of a room's events out to its members' sockets, from one delivery to the next: at once, or together with what
//! waits behind, in one go where all of a group get the same, and with a turn for others in between.
//!
//! Who gets what is the round's.

use std::{borrow::Cow, sync::Arc};

use super::{
    alike::Alike,
    batch::Batch,
    direct::Frame,
    group::Group,
    lines::{Event, Line, Lines},
    member::{Member, OutboxError, Standing},
    members::Occupancy,
    round::Node,
};

/// How much is done, over one delivery or several of a room, before other tasks get their turn. Giving it sooner costs a
/// write for each event: only what is queued when a socket's writer runs goes out in one.
const CHUNK: usize = 65_536;

/// For each member of a large room, how much is done altogether before its next delivery: about as much as writing to all of
/// them takes, which is what others wait for anyway once it is done.
const SWEEP: usize = 64;

/// What it takes of that to look at a member.
const LOOK: usize = 1;

/// What it takes of that to queue a packet.
const PACKET: usize = 6;

/// What it takes of that for each member of a group that gets a packet in one go.
const ALIKE: usize = 2;

/// One room's, while its deliveries are drained.
pub(crate) struct WayOut {
    pub(crate) node: Arc<Node>,
    room: Arc<str>,
    /// What waits for all of a group. While there is something, nothing waits for anybody alone.
    lines: Lines,
    batch: Batch,
    /// The room as it was when the batch began.
    occupancy: Option<Occupancy>,
    /// Its groups of then that may each have the same.
    groups: Vec<Group>,
    /// Whether what a group had together was let out since it was opened.
    made_room: bool,
    batching: bool,
    /// Whether what all of the open group get waits for them together.
    together: bool,
    /// Who of the open group is to get its event in one go.
    alike: Option<Alike>,
    /// What was done since others last had their turn, and how much of it before the delivery that is under way.
    done: usize,
    before: usize,
}

impl WayOut {
    pub(crate) fn new(node: Arc<Node>, room: Arc<str>) -> Self {
        Self {
            node,
            room,
            lines: Lines::default(),
            batch: Batch::default(),
            occupancy: None,
            groups: Vec::new(),
            made_room: false,
            batching: false,
            together: false,
            alike: None,
            done: 0,
            before: 0,
        }
    }

    /// Begins a delivery; `more` wait behind it.
    pub(crate) fn begin(&mut self, more: bool) {
        self.batching = more || self.keeps();
    }

    /// Whether something waits for what is behind it.
    fn keeps(&self) -> bool {
        !self.lines.is_empty() || !self.batch.is_empty()
    }

    /// Gives others their turn, if it is time, before a delivery to so many.
    pub(crate) async fn pause_before(&mut self, members: usize) {
        if self.done > 0 && self.done + members * (LOOK + ALIKE) > CHUNK.max(members * SWEEP) {
            self.pause().await;
        }
        self.before = self.done;
    }

    /// Notes the room as the delivery's members were taken from it: all of them, or by audience.
    pub(crate) fn look_at(&mut self, occupancy: &Occupancy, groups: &[Group]) {
        if !self.keeps() {
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
        self.together = self.batching && self.batch.is_empty() && group.batches();
        self.alike = self.node.members.has_mirror(group).then(|| Alike::new(group));
    }

    /// Sends the member at this place of the open group an event, with others of the group or of the room before anything
    /// else runs.
    pub(crate) fn send(&mut self, place: usize, member: &Arc<Member>, event: Cow<'_, Frame>) {
        let waits_alone = self.batching && member.batches && !self.together;
        if !waits_alone {
            if self.alike.as_mut().is_some_and(|alike| alike.note(place, &event)) {
                return;
            }
            self.send_noted();
        }
        self.send_apart(member, event.into_owned());
    }

    /// Ends with the open group.
    pub(crate) fn close(&mut self) {
        match self.alike.take_if(|alike| alike.are_most()).and_then(Alike::into_event) {
            Some((group, event)) => self.send_to_group(&group, event),
            None => self.send_noted(),
        }
    }

    fn send_to_group(&mut self, group: &Group, event: Event) {
        if self.together && self.batch.is_empty() && self.lines.are_of_kind(group) {
            if !self.lines.fits(group, &event) {
                self.flush_kept();
            }
            return self.lines.put(group, event);
        }
        let Event { frame, left_out } = &event;
        if !self.together && self.node.emit_to_group(&self.room, group, left_out, frame.clone()) {
            self.done += (group.len() - left_out.len()) * ALIKE;
            return;
        }
        group.without(left_out).for_each(|member| self.send_apart(member, frame.clone()));
    }

    /// Sends those of the open group their event who were to get it in one go; the rest of the group gets it one by one.
    fn send_noted(&mut self) {
        let Some(alike) = self.alike.take() else { return };
        alike.recipients().for_each(|(member, event)| self.send_apart(member, event.clone()));
    }

    fn send_apart(&mut self, member: &Arc<Member>, event: Frame) {
        if !self.batching || !member.batches {
            self.done += PACKET;
            return self.room().let_out(member, event);
        }
        self.lines.take().into_iter().for_each(|line| line.hand_over(&mut self.batch));
        if !self.batch.put(member, &event) {
            self.make_room(member);
            self.batch.put(member, &event);
        }
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
        if self.node.emit_to_group(&self.room, group, &common.left_out, common.packet.clone()) {
            self.done += (group.len() - common.left_out.len()) * ALIKE;
            self.batch.forget(group, &common);
        }
    }

    /// Lets out what one member has. To be called before what goes to it another way.
    pub(crate) fn flush_to(&mut self, member: &Member) {
        self.lines.take().into_iter().for_each(|line| line.hand_over(&mut self.batch));
        if let Some(packet) = self.batch.take(member) {
            self.done += PACKET;
            self.room().let_out(member, packet);
        }
    }

    /// Lets out what was put together. To be called before anything that waits.
    pub(crate) fn flush(&mut self) {
        self.send_noted();
        self.flush_kept();
    }

    fn flush_kept(&mut self) {
        let mut lines = self.lines.take().into_iter();
        let refused = lines.find(|line| !self.let_out(line));
        // Whoever has changed groups since is in two of them, and gets what is in the first first.
        refused.into_iter().chain(lines).for_each(|line| line.hand_over(&mut self.batch));
        let groups = std::mem::take(&mut self.groups);
        groups.iter().for_each(|group| self.flush_group(group));
        self.groups = groups;
        let mut batch = std::mem::take(&mut self.batch);
        let (room, mut packets) = (self.room(), 0);
        batch.drain(|member, packet| {
            packets += 1;
            room.let_out(member, packet);
        });
        self.done += packets * PACKET;
    }

    /// Lets out what all of a group have, and what the others of it have; false if it is not what most of them have.
    fn let_out(&mut self, line: &Line) -> bool {
        let others = line.others();
        let (group, left) = (&line.group, others.len());
        if left > group.most_left_out() || !self.node.emit_to_group(&self.room, group, &others, line.packet())
        {
            return false;
        }
        let room = self.room();
        let packets = others.iter().filter_map(|place| line.packet_of(*place));
        packets.for_each(|(member, packet)| room.let_out(member, packet));
        self.done += (group.len() - left) * ALIKE + left * PACKET;
        true
    }

    fn room(&self) -> Room<'_> {
        let unchanged = self.occupancy.as_ref().is_some_and(Occupancy::is_unchanged);
        Room { node: &self.node, name: &self.room, unchanged }
    }

    /// Gives others their turn in a delivery to very many.
    pub(crate) async fn breathe(&mut self) {
        self.done += LOOK;
        if self.done - self.before >= CHUNK {
            self.pause().await;
        }
    }

    async fn pause(&mut self) {
        self.flush();
        (self.done, self.before) = (0, 0);
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
    fn let_out(&self, member: &Member, packet: Frame) {
        let is_there = self.unchanged || self.node.members.is_in(member.id, self.name);
        if is_there && member.standing() == Standing::Open {
            self.node.emit(member, packet);
        }
    }
}

impl Node {
    /// Sends a member a packet.
    pub(crate) fn emit(&self, member: &Member, packet: Frame) {
        let events = packet.events();
        if self.queue(member, packet) {
            self.metrics.sent.increment(u64::from(events));
        }
    }

    /// Queues a packet for a member; false if it was not.
    pub(crate) fn queue(&self, member: &Member, packet: Frame) -> bool {
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
