//! The one place of sessions, rooms, and who is in which: with a generation per change of a room, and the partition
//! of its members by audience.
//!
//! Plain state under one lock that is never held across an await. It sends nothing but what goes to a group at once, which
//! has to be the same instant in which the group is looked at.

use std::{
    any::TypeId,
    collections::HashMap,
    panic::{AssertUnwindSafe, catch_unwind},
    sync::{
        Arc, Mutex, MutexGuard, OnceLock, PoisonError, Weak,
        atomic::{AtomicU64, Ordering},
    },
};

use indexmap::{IndexMap, IndexSet};
use syncline::{
    Session, SyncResult, codes,
    run::{AudienceKey, AudienceOf},
};

use super::{
    direct::Frame,
    group::{Circle, Group, Mirrors, Unsent},
    member::{Member, SocketId},
};
use crate::cluster::{Bus, Interest};

/// How many rooms one socket may join.
pub(crate) const MAX_ROOMS: usize = 50;

/// Tells whether anybody has joined or left a room since it was looked at.
#[derive(Clone)]
pub(crate) struct Occupancy {
    generation: Arc<AtomicU64>,
    seen: u64,
}

impl Occupancy {
    pub(crate) fn is_unchanged(&self) -> bool {
        self.generation.load(Ordering::Acquire) == self.seen
    }
}

/// The pseudo-room of every socket.
pub(crate) const EVERYBODY: &str = "all";

/// Every socket of this node and every room that one of them is in.
pub(crate) struct Members {
    state: Mutex<State>,
    /// Whether the pseudo-room is kept.
    everybody: bool,
    /// Where groups have their mirrors, if they may have any.
    mirrors: Option<Arc<dyn Mirrors>>,
    /// Where what other nodes publish comes from. It holds what delivers, which holds the members.
    bus: OnceLock<Weak<dyn Bus>>,
}

#[derive(Default)]
struct State {
    sockets: HashMap<SocketId, Entry>,
    rooms: HashMap<Arc<str>, Room>,
}

struct Entry {
    member: Arc<Member>,
    /// In the order in which they were joined.
    rooms: IndexSet<Arc<str>>,
}

struct Room {
    generation: Arc<AtomicU64>,
    members: Circle,
    partitions: HashMap<TypeId, Partition>,
    /// Wants what other nodes publish, from the first member to the last.
    interest: Option<Arc<dyn Interest>>,
}

/// A room's members by audience. Made at the first delivery that needs it, then kept.
struct Partition {
    audience: Arc<dyn AudienceOf>,
    groups: IndexMap<AudienceKey, Circle>,
    keys: HashMap<SocketId, AudienceKey>,
}

impl Members {
    /// Nobody yet. `everybody` says whether the pseudo-room `all` is kept. With `mirrors`, everything that delivers runs on
    /// one thread.
    pub(crate) fn new(everybody: bool, mirrors: Option<Arc<dyn Mirrors>>) -> Self {
        Self { state: Mutex::default(), everybody, mirrors, bus: OnceLock::new() }
    }

    /// Says by which bus other nodes are reached.
    pub(crate) fn connect(&self, bus: &Arc<dyn Bus>) {
        let _only_once = self.bus.set(Arc::downgrade(bus));
    }

    fn new_room(&self, name: &Arc<str>) -> Room {
        let bus = self.bus.get().and_then(Weak::upgrade);
        Room {
            generation: Arc::default(),
            members: Circle::default(),
            partitions: HashMap::new(),
            interest: bus.and_then(|bus| bus.interest(name)),
        }
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Adds a socket. False if it has closed in the meantime: then it is not added.
    pub(crate) fn add(&self, member: Arc<Member>) -> bool {
        let mut state = self.lock();
        if member.is_closed() {
            return false;
        }
        // The same connection may have left the namespace and come back before its leaving was noticed.
        self.forget(&mut state, member.id);
        if self.everybody {
            let name: Arc<str> = EVERYBODY.into();
            state.rooms.entry(name).or_insert_with_key(|name| self.new_room(name)).add(&member);
        }
        state.sockets.insert(member.id, Entry { member, rooms: IndexSet::new() });
        true
    }

    /// Removes a socket from everything. False if it was not there.
    pub(crate) fn remove(&self, member: &Member) -> bool {
        let mut state = self.lock();
        member.close();
        let is_there =
            state.sockets.get(&member.id).is_some_and(|entry| std::ptr::eq(&*entry.member, member));
        is_there && self.forget(&mut state, member.id)
    }

    fn forget(&self, state: &mut State, id: SocketId) -> bool {
        let Some(entry) = state.sockets.remove(&id) else { return false };
        for room in &entry.rooms {
            state.leave(id, room);
        }
        if self.everybody {
            state.leave(id, EVERYBODY);
        }
        true
    }

    /// Joins a room and returns all the socket's rooms. Joining twice changes nothing.
    pub(crate) fn join(&self, id: SocketId, room: &str) -> SyncResult<Vec<Arc<str>>> {
        let mut state = self.lock();
        let state = &mut *state;
        let Some(entry) = state.sockets.get_mut(&id) else { return Ok(Vec::new()) };
        if !entry.rooms.contains(room) {
            if entry.rooms.len() >= MAX_ROOMS {
                return Err(codes::ROOM_LIMIT.with("max", MAX_ROOMS));
            }
            let name =
                state.rooms.get_key_value(room).map_or_else(|| Arc::from(room), |(name, _)| Arc::clone(name));
            let room = state.rooms.entry(Arc::clone(&name)).or_insert_with_key(|name| self.new_room(name));
            room.add(&entry.member);
            entry.rooms.insert(name);
        }
        Ok(entry.rooms.iter().cloned().collect())
    }

    /// Leaves a room and returns the socket's other rooms. Leaving a room that it is not in changes nothing.
    pub(crate) fn leave(&self, id: SocketId, room: &str) -> Vec<Arc<str>> {
        let mut state = self.lock();
        let Some(entry) = state.sockets.get_mut(&id) else { return Vec::new() };
        let left = entry.rooms.shift_remove(room);
        let rooms = entry.rooms.iter().cloned().collect();
        if left {
            state.leave(id, room);
        }
        rooms
    }

    /// The socket's rooms, in the order in which they were joined.
    pub(crate) fn rooms_of(&self, id: SocketId) -> Vec<Arc<str>> {
        self.lock().sockets.get(&id).map(|entry| entry.rooms.iter().cloned().collect()).unwrap_or_default()
    }

    /// The room's interest in what other nodes publish, if there are any and somebody is in it.
    pub(crate) fn interest(&self, room: &str) -> Option<Arc<dyn Interest>> {
        self.lock().rooms.get(room)?.interest.clone()
    }

    /// Whether the socket is in the room.
    pub(crate) fn is_in(&self, id: SocketId, room: &str) -> bool {
        let state = self.lock();
        let entry = state.sockets.get(&id);
        entry.is_some_and(|entry| entry.rooms.contains(room) || (self.everybody && room == EVERYBODY))
    }

    /// Replaces a socket's session; its place in every partition follows.
    pub(crate) fn update_session(&self, member: &Arc<Member>, change: impl FnOnce(&Session) -> Session) {
        let mut state = self.lock();
        let state = &mut *state;
        member.set_session(Arc::new(change(&member.session())));
        let Some(entry) = state.sockets.get(&member.id) else { return };
        let everybody = self.everybody.then_some(EVERYBODY);
        for room in entry.rooms.iter().map(|room| &**room).chain(everybody) {
            if let Some(room) = state.rooms.get_mut(room) {
                for partition in room.partitions.values_mut() {
                    partition.remove(member.id);
                    partition.add(member);
                }
            }
        }
    }

    /// Everybody in the room now. Nothing if nobody is in it.
    pub(crate) fn room(&self, room: &str) -> Option<(Occupancy, Group)> {
        let state = self.lock();
        let room = state.rooms.get(room)?;
        Some((room.occupancy(), room.members.group(None)))
    }

    /// The room now, by audience. Nothing if nobody is in it.
    pub(crate) fn audiences(
        &self,
        room: &str,
        audience: &Arc<dyn AudienceOf>,
    ) -> Option<(Occupancy, Vec<Group>)> {
        let mut state = self.lock();
        let room = state.rooms.get_mut(room)?;
        let members = &room.members;
        let partition = room.partitions.entry(audience.id()).or_insert_with(|| {
            let mut partition =
                Partition { audience: Arc::clone(audience), groups: IndexMap::new(), keys: HashMap::new() };
            for member in members.values() {
                partition.add(member);
            }
            partition
        });
        let id = audience.id();
        let groups =
            partition.groups.iter().map(|(key, circle)| circle.group(Some((id, key.clone())))).collect();
        Some((room.occupancy(), groups))
    }

    /// How many are in the room.
    pub(crate) fn count(&self, room: &str) -> usize {
        self.lock().rooms.get(room).map_or(0, |room| room.members.len())
    }

    /// Whether something may go to a group at once.
    pub(crate) fn has_mirror(&self, group: &Group) -> bool {
        group.is_large() && self.mirrors.as_ref().is_some_and(|mirrors| mirrors.is_ready())
    }

    /// Queues a packet for all of a group but those at these places, in order, if the group is still exactly what it was.
    pub(crate) fn send(
        &self,
        room: &str,
        group: &Group,
        left_out: &[usize],
        packet: Frame,
    ) -> Option<Unsent> {
        let mirrors = self.mirrors.as_ref()?;
        let mut state = self.lock();
        let room = state.rooms.get_mut(room)?;
        let circle = match group.audience() {
            None => &mut room.members,
            Some((audience, key)) => room.partitions.get_mut(audience)?.groups.get_mut(key)?,
        };
        circle.send(group, left_out, packet, mirrors)
    }

    /// Everybody on this node.
    pub(crate) fn all(&self) -> Vec<Arc<Member>> {
        self.lock().sockets.values().map(|entry| Arc::clone(&entry.member)).collect()
    }

    /// How many rooms have a member.
    pub(crate) fn room_count(&self) -> usize {
        self.lock().rooms.len()
    }
}

#[cfg(test)]
impl Members {
    /// All mirrors by name, and who should be in each.
    pub(crate) fn mirrored(&self) -> Vec<(String, std::collections::BTreeSet<SocketId>)> {
        let state = self.lock();
        let circles = state.rooms.values().flat_map(|room| {
            let partitions = room.partitions.values().flat_map(|partition| partition.groups.values());
            std::iter::once(&room.members).chain(partitions)
        });
        circles.filter_map(Circle::mirrored).collect()
    }
}

impl State {
    fn leave(&mut self, id: SocketId, name: &str) {
        let Some(room) = self.rooms.get_mut(name) else { return };
        room.remove(id);
        if room.members.is_empty() {
            self.rooms.remove(name);
        }
    }
}

impl Room {
    fn occupancy(&self) -> Occupancy {
        Occupancy { generation: Arc::clone(&self.generation), seen: self.generation.load(Ordering::Acquire) }
    }

    fn add(&mut self, member: &Arc<Member>) {
        self.generation.fetch_add(1, Ordering::AcqRel);
        self.members.add(member);
        for partition in self.partitions.values_mut() {
            partition.add(member);
        }
    }

    fn remove(&mut self, id: SocketId) {
        self.generation.fetch_add(1, Ordering::AcqRel);
        self.members.remove(id);
        for partition in self.partitions.values_mut() {
            partition.remove(id);
        }
    }
}

impl Partition {
    fn add(&mut self, member: &Arc<Member>) {
        let session = member.session();
        // A key function is the app's code: one that panics leaves its member out instead of taking the room down.
        let Ok(key) = catch_unwind(AssertUnwindSafe(|| self.audience.key(&session))) else {
            tracing::error!(
                "an audience's key function panicked; the socket gets none of that audience's events"
            );
            return;
        };
        self.groups.entry(key.clone()).or_default().add(member);
        self.keys.insert(member.id, key);
    }

    fn remove(&mut self, id: SocketId) {
        let Some(key) = self.keys.remove(&id) else { return };
        if let Some(group) = self.groups.get_mut(&key) {
            group.remove(id);
            if group.is_empty() {
                self.groups.swap_remove(&key);
            }
        }
    }
}
