//! Events that wait for all of a group together: what they have in common is kept once and not for each of them.
//!
//! It sends nothing, and knows of nobody alone but who is not to have an event. Where somebody is to have something else,
//! it is handed over to the batch, which keeps what each has.

use std::sync::Arc;

use super::{
    batch::{Batch, MAX_BYTES},
    direct::Frame,
    group::Group,
    member::{Member, Standing},
};

/// What the groups of a room are to have, in the order in which they go out: the whole room, or its audiences of one kind.
#[derive(Default)]
pub(crate) struct Lines(Vec<Line>);

/// What one group is to have.
pub(crate) struct Line {
    pub(crate) group: Group,
    events: Vec<Event>,
    bytes: usize,
}

/// An event for all of a group but some.
pub(crate) struct Event {
    pub(crate) frame: Frame,
    /// The places of those who are not to have it, in order.
    pub(crate) left_out: Vec<usize>,
}

impl Lines {
    pub(crate) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Whether there is nothing for groups of another kind, which have members in common with this one.
    pub(crate) fn are_of_kind(&self, group: &Group) -> bool {
        self.0.iter().all(|line| line.group.is_of_kind(group))
    }

    /// Whether such an event can stand behind what its group has, without the packet's growing too large.
    pub(crate) fn fits(&self, group: &Group, event: &Event) -> bool {
        let too_large = |line: &Line| line.bytes + event.frame.len() > MAX_BYTES;
        !self.0.iter().any(|line| line.group.is_same(group) && too_large(line))
    }

    /// Puts an event that fits behind what its group has.
    pub(crate) fn put(&mut self, group: &Group, event: Event) {
        let bytes = event.frame.len();
        match self.0.iter_mut().find(|line| line.group.is_same(group)) {
            Some(line) => {
                line.bytes += bytes;
                line.events.push(event);
            }
            None => self.0.push(Line { group: group.clone(), events: vec![event], bytes }),
        }
    }

    /// Takes all of it out.
    pub(crate) fn take(&mut self) -> Vec<Line> {
        std::mem::take(&mut self.0)
    }
}

impl Line {
    /// The places of those who may not have all of it, in order.
    pub(crate) fn others(&self) -> Vec<usize> {
        let closed =
            self.group.values().enumerate().filter(|(_, member)| member.standing() != Standing::Open);
        let mut others: Vec<usize> = closed.map(|(place, _)| place).collect();
        others.extend(self.events.iter().flat_map(|event| &event.left_out));
        others.sort_unstable();
        others.dedup();
        others
    }

    /// All of it as one packet.
    pub(crate) fn packet(&self) -> Frame {
        Frame::joined(&self.events.iter().map(|event| &event.frame).collect::<Vec<_>>())
    }

    /// What one of the others is to have of it, if there is anything.
    pub(crate) fn packet_of(&self, place: usize) -> Option<(&Arc<Member>, Frame)> {
        let (_, member) = self.group.get_index(place)?;
        let has = |event: &&Event| event.left_out.binary_search(&place).is_err();
        let frames: Vec<_> = self.events.iter().filter(has).map(|event| &event.frame).collect();
        (!frames.is_empty()).then(|| (member, Frame::joined(&frames)))
    }

    /// Hands each member's part over to the batch, which has room for it: nobody has more than one packet.
    pub(crate) fn hand_over(self, batch: &mut Batch) {
        for event in &self.events {
            for member in self.group.without(&event.left_out) {
                batch.put(member, &event.frame);
            }
        }
    }
}
