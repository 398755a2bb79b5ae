//! Who follows which room, and what each of them has seen: an entry for a room while somebody follows it.
//!
//! Each follower reads the newest record when it is ready to, so a slow one skips what came between and nothing ever
//! waits in a queue. It is polled, and keeps the waker of whoever polls; how bytes reach a client is not known here.

use std::{
    collections::{HashMap, hash_map},
    net::IpAddr,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    task::{Poll, Waker},
};

use bytes::Bytes;
use slab::Slab;

use super::record::RoomId;
use crate::records::Position;

/// What keeps a connection open that has nothing else to say.
const HEARTBEAT: Bytes = Bytes::from_static(b": heartbeat\n\n");

/// How many streams there may be.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Caps {
    pub(crate) per_address: usize,
    pub(crate) per_room: usize,
}

/// Why nobody more can follow.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Refused {
    /// One of the caps is reached.
    Full,
    /// The server is stopping.
    Closed,
}

/// All streams of a node.
pub(crate) struct Streams {
    caps: Caps,
    entries: Mutex<Entries>,
}

#[derive(Default)]
struct Entries {
    rooms: HashMap<RoomId, Arc<Channel>>,
    addresses: HashMap<IpAddr, usize>,
    closed: bool,
}

/// A room that somebody follows.
#[derive(Default)]
struct Channel(Mutex<State>);

#[derive(Default)]
struct State {
    newest: Option<Newest>,
    followers: Slab<Follower>,
}

#[derive(Clone)]
struct Newest {
    position: Position,
    event: Bytes,
}

#[derive(Default)]
struct Follower {
    /// What the follower was sent, or said that it has.
    seen: Option<Position>,
    /// Whether a heartbeat is due.
    beat: bool,
    ended: bool,
    waker: Option<Waker>,
}

impl Follower {
    fn next(&mut self, newest: Option<&Newest>) -> Option<Bytes> {
        if let Some(newest) = newest.filter(|newest| self.seen < Some(newest.position)) {
            let seen = self.seen.replace(newest.position);
            // A follower that knows that the room is gone need not hear it again.
            if !(newest.position.gone && seen.is_some_and(|seen| seen.gone)) {
                return Some(newest.event.clone());
            }
        }
        std::mem::take(&mut self.beat).then_some(HEARTBEAT)
    }
}

impl Channel {
    fn lock(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Changes every follower and wakes those who wait.
    fn tell(&self, mut state: MutexGuard<'_, State>, change: impl Fn(&mut Follower)) {
        let mut wakers = Vec::new();
        for (_key, follower) in &mut state.followers {
            change(follower);
            wakers.extend(follower.waker.take());
        }
        drop(state);
        for waker in wakers {
            waker.wake();
        }
    }
}

impl Streams {
    pub(crate) fn new(caps: Caps) -> Arc<Self> {
        Arc::new(Self { caps, entries: Mutex::default() })
    }

    fn lock(&self) -> MutexGuard<'_, Entries> {
        self.entries.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn channel(&self, room: &RoomId) -> Option<Arc<Channel>> {
        self.lock().rooms.get(room).map(Arc::clone)
    }

    /// Follows a room from now on.
    ///
    /// # Errors
    /// [`Refused`] when there are too many, or the server is stopping.
    pub(crate) fn follow(self: &Arc<Self>, room: &RoomId, address: IpAddr) -> Result<Subscription, Refused> {
        let mut entries = self.lock();
        if entries.closed {
            return Err(Refused::Closed);
        }
        let from_address = entries.addresses.get(&address).copied().unwrap_or_default();
        let in_room = entries.rooms.get(room).map_or(0, |channel| channel.lock().followers.len());
        if from_address >= self.caps.per_address || in_room >= self.caps.per_room {
            return Err(Refused::Full);
        }
        entries.addresses.insert(address, from_address + 1);
        let channel = Arc::clone(entries.rooms.entry(room.clone()).or_default());
        let key = channel.lock().followers.insert(Follower::default());
        drop(entries);
        tracing::debug!(room_id = room.as_str(), subscribers = in_room + 1, "a subscriber connected");
        Ok(Subscription { streams: Arc::clone(self), room: room.clone(), address, channel, key })
    }

    /// Lets the followers of a room have this event, unless they are at a later position already.
    pub(crate) fn publish(&self, room: &RoomId, position: Position, event: impl FnOnce() -> Bytes) {
        let Some(channel) = self.channel(room) else { return };
        let mut state = channel.lock();
        if state.newest.as_ref().is_none_or(|newest| newest.position < position) {
            state.newest = Some(Newest { position, event: event() });
            channel.tell(state, |_| {});
        }
    }

    /// Whether somebody follows the room and that position is news.
    pub(crate) fn is_behind(&self, room: &RoomId, position: Position) -> bool {
        self.channel(room).is_some_and(|channel| {
            channel.lock().newest.as_ref().is_none_or(|newest| newest.position < position)
        })
    }

    /// Whether somebody follows the room.
    pub(crate) fn has(&self, room: &RoomId) -> bool {
        self.lock().rooms.contains_key(room)
    }

    /// The rooms that somebody follows.
    pub(crate) fn rooms(&self) -> Vec<RoomId> {
        self.lock().rooms.keys().cloned().collect()
    }

    /// A heartbeat is due to everybody.
    pub(crate) fn beat(&self) {
        let channels: Vec<Arc<Channel>> = self.lock().rooms.values().map(Arc::clone).collect();
        for channel in channels {
            channel.tell(channel.lock(), |follower| follower.beat = true);
        }
    }

    /// Nobody more may follow; those who do are to be ended.
    pub(crate) fn close(&self) -> Vec<Ending> {
        let mut entries = self.lock();
        entries.closed = true;
        let endings = entries.rooms.values().flat_map(|channel| {
            let keys: Vec<usize> = channel.lock().followers.iter().map(|(key, _)| key).collect();
            keys.into_iter().map(|key| Ending { channel: Arc::clone(channel), key })
        });
        endings.collect()
    }

    /// How many streams there are.
    pub(crate) fn count(&self) -> usize {
        self.lock().addresses.values().sum()
    }

    fn leave(&self, subscription: &Subscription) {
        let Subscription { room, address, channel, key, .. } = subscription;
        let mut entries = self.lock();
        let mut state = channel.lock();
        state.followers.remove(*key);
        let left = state.followers.len();
        drop(state);
        if left == 0 {
            entries.rooms.remove(room);
        }
        if let hash_map::Entry::Occupied(mut count) = entries.addresses.entry(*address) {
            *count.get_mut() -= 1;
            if *count.get() == 0 {
                count.remove();
            }
        }
        // What a flood has made large need not stay so.
        if entries.rooms.capacity() > 1024 && entries.rooms.len() < entries.rooms.capacity() / 8 {
            entries.rooms.shrink_to_fit();
            entries.addresses.shrink_to_fit();
        }
        drop(entries);
        tracing::debug!(room_id = room.as_str(), subscribers = left, "a subscriber disconnected");
    }
}

/// A stream that is to end.
pub(crate) struct Ending {
    channel: Arc<Channel>,
    key: usize,
}

impl Ending {
    /// Ends it. A place that was given back is nobody's by now: none is given out once the streams are closed.
    pub(crate) fn end(&self) {
        let mut state = self.channel.lock();
        let Some(follower) = state.followers.get_mut(self.key) else { return };
        follower.ended = true;
        let waker = follower.waker.take();
        drop(state);
        if let Some(waker) = waker {
            waker.wake();
        }
    }
}

/// One stream's place among the followers of its room; dropping it gives the place back.
pub(crate) struct Subscription {
    streams: Arc<Streams>,
    room: RoomId,
    address: IpAddr,
    channel: Arc<Channel>,
    key: usize,
}

impl Subscription {
    /// The follower has what is at that position: it is not sent again.
    pub(crate) fn has_seen(&self, position: Position) {
        if let Some(follower) = self.channel.lock().followers.get_mut(self.key) {
            follower.seen = follower.seen.max(Some(position));
        }
    }

    /// The next bytes of the stream, or its end. When there are none yet, `waker` is woken once there may be.
    pub(crate) fn poll(&self, waker: &Waker) -> Poll<Option<Bytes>> {
        let mut state = self.channel.lock();
        let State { newest, followers } = &mut *state;
        let Some(follower) = followers.get_mut(self.key).filter(|follower| !follower.ended) else {
            return Poll::Ready(None);
        };
        match follower.next(newest.as_ref()) {
            Some(bytes) => Poll::Ready(Some(bytes)),
            None => {
                follower.waker = Some(waker.clone());
                Poll::Pending
            }
        }
    }
}

impl Drop for Subscription {
    fn drop(&mut self) {
        self.streams.leave(self);
    }
}

#[cfg(test)]
mod tests;
