//! The same packet for all of a group at once: encoded once, and queued without a search for each.
//!
//! Who is to have it is decided one by one all the same. Between that and the packet's going out nothing waits, so that
//! nobody's standing, session or lane can have changed; that nobody came or went is the members' to say.

use std::sync::Arc;

use super::{direct::Frame, group::Group, lines::Event, member::Member, round::Node};

/// The recipients of a delivery to a group, for as long as they all get the same.
pub(crate) struct Alike {
    group: Group,
    frame: Option<Frame>,
    /// The places, in order, of those who get nothing, or got something else already.
    left_out: Vec<usize>,
    /// The place after the last that was noted.
    next: usize,
}

impl Alike {
    pub(crate) fn new(group: &Group) -> Self {
        Self { group: group.clone(), frame: None, left_out: Vec::new(), next: 0 }
    }

    /// Notes that whoever has this place in the group gets this, and those between the last one and it do not. False if
    /// others get something else, or too many nothing.
    pub(crate) fn note(&mut self, place: usize, frame: &Frame) -> bool {
        self.left_out.extend(self.next..place);
        self.next = place;
        let is_same = self.frame.get_or_insert_with(|| frame.clone()).is_same(frame);
        if !is_same || self.left_out.len() > self.group.most_left_out() {
            return false;
        }
        self.next += 1;
        true
    }

    /// Whether those who were noted are most of the group.
    pub(crate) fn are_most(&self) -> bool {
        let count = self.next - self.left_out.len();
        count > 0 && self.group.len() - count <= self.group.most_left_out()
    }

    /// What those who were noted get, as an event for all of the group but the others.
    pub(crate) fn into_event(mut self) -> Option<(Group, Event)> {
        self.left_out.extend(self.next..self.group.len());
        Some((self.group, Event { frame: self.frame?, left_out: self.left_out }))
    }

    /// Those who were noted, with what they get.
    pub(crate) fn recipients(&self) -> impl Iterator<Item = (&Arc<Member>, &Frame)> {
        let count = self.next - self.left_out.len();
        let members = self.group.without(&self.left_out).take(count);
        members.zip(self.frame.iter().cycle())
    }
}

impl Node {
    /// Queues a packet for all of a group but those at these places, in order. If that cannot be done at once nothing is.
    pub(crate) fn emit_to_group(&self, room: &str, group: &Group, left_out: &[usize], packet: Frame) -> bool {
        let events = packet.events();
        let Some(unsent) = self.members.send(room, group, left_out, packet) else { return false };
        let sent = (group.len() - left_out.len()).saturating_sub(unsent.sockets);
        self.metrics.sent.increment(sent as u64 * u64::from(events));
        if unsent.full > 0 {
            // Nothing has been written to a connection since, so that no queue has more room than it had. Whoever got the
            // last place of its queue counts as full as well.
            for member in group.without(left_out).filter(|member| member.outbox.is_full()) {
                member.evict_slow_consumer(&self.metrics);
            }
        }
        true
    }
}

#[cfg(test)]
mod tests;
