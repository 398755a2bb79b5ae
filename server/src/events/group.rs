//! Groups of members that are sent to together: those of a room, and those of each of its audiences.
//!
//! Once something goes to all of a group at once, a room of socketioxide's stands beside it, its mirror: it is named by us,
//! so that no name of a user's matters, and follows the group under the members' lock. A group that is never sent to has
//! none. It ends by itself, with its last member.

#[cfg(test)]
use std::collections::BTreeSet;
use std::{
    any::TypeId,
    ops::Deref,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
};

use indexmap::IndexMap;
use syncline::run::AudienceKey;

use super::{
    direct::Frame,
    member::{Member, SocketId},
};

/// A smaller group gains nothing by a mirror.
const SMALLEST: usize = 4;

type Sockets = IndexMap<SocketId, Arc<Member>>;

/// Where mirrors stand.
pub(crate) trait Mirrors: Send + Sync {
    /// Whether there can be one yet.
    fn is_ready(&self) -> bool;

    fn add(&self, mirror: &str, socket: SocketId);

    fn remove(&self, mirror: &str, socket: SocketId);

    /// Queues a packet for every socket of a mirror.
    fn send(&self, mirror: &str, packet: Frame) -> Unsent;
}

/// For whom a packet could not be queued. Nobody says which.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Unsent {
    pub(crate) sockets: usize,
    /// How many of them do not read as fast as they are written to.
    pub(crate) full: usize,
}

/// A group as it was when it was looked at.
#[derive(Clone)]
pub(crate) struct Group {
    members: Arc<Sockets>,
    audience: Option<Audience>,
    /// How many of them take several events in one packet.
    batching: usize,
}

/// Which of a room's groups it is, if it is not the whole room.
pub(super) type Audience = (TypeId, AudienceKey);

impl Group {
    pub(super) fn audience(&self) -> Option<&Audience> {
        self.audience.as_ref()
    }

    /// The key of the audience that it is, if it is one.
    pub(crate) fn key(&self) -> Option<&AudienceKey> {
        self.audience.as_ref().map(|(_, key)| key)
    }

    /// Whether all of them take several events in one packet.
    pub(crate) fn batches(&self) -> bool {
        self.batching == self.len()
    }

    /// Whether it is the same group, with the same members.
    pub(crate) fn is_same(&self, other: &Self) -> bool {
        Arc::ptr_eq(&self.members, &other.members)
    }

    /// Whether both are audiences of one kind, or the whole room.
    pub(crate) fn is_of_kind(&self, other: &Self) -> bool {
        self.audience.as_ref().map(|(kind, _)| kind) == other.audience.as_ref().map(|(kind, _)| kind)
    }

    /// Whether it may have a mirror.
    pub(crate) fn is_large(&self) -> bool {
        self.len() >= SMALLEST
    }

    /// How many may be left out of what goes to all others at once. Each is taken out of the mirror for it and put back,
    /// which costs as much as is saved for one who gets it.
    pub(crate) fn most_left_out(&self) -> usize {
        self.len() / 4
    }

    /// All but those at these places, which are in order.
    pub(crate) fn without(&self, left_out: &[usize]) -> impl Iterator<Item = &Arc<Member>> {
        let mut left_out = left_out.iter().copied().peekable();
        let members = self.values().enumerate();
        members.filter_map(move |(place, member)| left_out.next_if_eq(&place).is_none().then_some(member))
    }
}

impl Deref for Group {
    type Target = Sockets;

    fn deref(&self) -> &Sockets {
        &self.members
    }
}

/// A group as it is now.
#[derive(Default)]
pub(super) struct Circle {
    members: Arc<Sockets>,
    batching: usize,
    mirror: Option<Mirror>,
}

struct Mirror {
    name: Box<str>,
    mirrors: Arc<dyn Mirrors>,
}

impl Circle {
    pub(super) fn group(&self, audience: Option<Audience>) -> Group {
        Group { members: Arc::clone(&self.members), audience, batching: self.batching }
    }

    pub(super) fn values(&self) -> impl Iterator<Item = &Arc<Member>> {
        self.members.values()
    }

    pub(super) fn len(&self) -> usize {
        self.members.len()
    }

    pub(super) fn is_empty(&self) -> bool {
        self.members.is_empty()
    }

    pub(super) fn add(&mut self, member: &Arc<Member>) {
        // Copied only while a delivery still holds the group as it was.
        let before = Arc::make_mut(&mut self.members).insert(member.id, Arc::clone(member));
        self.batching += usize::from(member.batches);
        self.batching -= before.map_or(0, |before| usize::from(before.batches));
        if let Some(Mirror { name, mirrors }) = &self.mirror {
            mirrors.add(name, member.id);
        }
    }

    pub(super) fn remove(&mut self, id: SocketId) {
        let gone = Arc::make_mut(&mut self.members).swap_remove(&id);
        self.batching -= gone.map_or(0, |gone| usize::from(gone.batches));
        if let Some(Mirror { name, mirrors }) = &self.mirror {
            mirrors.remove(name, id);
        }
    }

    /// Whether it is still exactly that group, with nobody come, gone or put back: every change is made on a copy for as
    /// long as somebody holds what was before.
    fn is(&self, group: &Group) -> bool {
        Arc::ptr_eq(&self.members, &group.members)
    }

    /// Queues a packet for all of a group but those at these places, unless the group is not what it was.
    pub(super) fn send(
        &mut self,
        group: &Group,
        left_out: &[usize],
        packet: Frame,
        mirrors: &Arc<dyn Mirrors>,
    ) -> Option<Unsent> {
        if !self.is(group) {
            return None;
        }
        let Mirror { name, mirrors } = self.mirror.get_or_insert_with(|| Mirror::of(group, mirrors));
        // Cheaper than socketioxide's own `except`, which asks for every recipient whether it is one of those, and takes a
        // room for each.
        let left_out = || left_out.iter().filter_map(|place| group.get_index(*place));
        left_out().for_each(|(id, _)| mirrors.remove(name, *id));
        let unsent = mirrors.send(name, packet);
        left_out().for_each(|(id, _)| mirrors.add(name, *id));
        Some(unsent)
    }
}

#[cfg(test)]
impl Circle {
    /// Its mirror's name, if it has one and somebody is in it, and who should be.
    pub(super) fn mirrored(&self) -> Option<(String, BTreeSet<SocketId>)> {
        let mirror = self.mirror.as_ref().filter(|_| !self.is_empty())?;
        Some((mirror.name.to_string(), self.members.keys().copied().collect()))
    }
}

impl Mirror {
    fn of(group: &Group, mirrors: &Arc<dyn Mirrors>) -> Self {
        static COUNT: AtomicU64 = AtomicU64::new(0);
        let name = COUNT.fetch_add(1, Ordering::Relaxed).to_string().into_boxed_str();
        group.keys().for_each(|id| mirrors.add(&name, *id));
        Self { name, mirrors: Arc::clone(mirrors) }
    }
}
