//! What everybody in a workspace is told: its last messages, and how far each watcher has come.
//!
//! A message is held once, for all. A watcher that falls behind what is held is told the whole state anew, so nobody's
//! slowness takes memory and nothing is left out. No IO, no document.

use std::{
    collections::VecDeque,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    task::{Poll, Waker},
};

use slab::Slab;
use tokio_tungstenite::tungstenite::Utf8Bytes;

use super::messages::{self, User};

/// How many messages are held for those who are not as far yet.
const MAX_FRAMES: usize = 1024;

/// And how many bytes of them; the last one is held whatever its size.
const MAX_BYTES: usize = 4 * 1024 * 1024;

/// A feed.
#[derive(Default)]
pub(super) struct Feed(Mutex<State>);

#[derive(Default)]
struct State {
    frames: VecDeque<Utf8Bytes>,
    bytes: usize,
    /// The position of the first frame that is held.
    first: u64,
    /// Who is there: how often that has changed, and how it is told.
    presence: (u64, Utf8Bytes),
    watchers: Slab<Option<Waker>>,
}

impl State {
    fn end(&self) -> u64 {
        self.first + self.frames.len() as u64
    }
}

/// What a watcher is to be told.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Seen {
    /// This.
    Frame(Utf8Bytes),
    /// The whole state: what came in between is not held any more.
    Behind,
}

/// Somebody who is told. Dropping it ends that.
pub(super) struct Watcher {
    feed: Arc<Feed>,
    key: usize,
    /// How far it is; nothing while it has no state to begin with.
    next: Option<u64>,
    /// Which presence it has been told of; nothing if it is not to be told.
    presence: Option<u64>,
}

impl Feed {
    fn lock(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Tells everybody.
    pub(super) fn publish(&self, frames: impl IntoIterator<Item = Utf8Bytes>) {
        self.change(|state| {
            for frame in frames {
                state.bytes += frame.len();
                state.frames.push_back(frame);
                while state.frames.len() > MAX_FRAMES || (state.bytes > MAX_BYTES && state.frames.len() > 1) {
                    state.bytes -= state.frames.pop_front().map_or(0, |frame| frame.len());
                    state.first += 1;
                }
            }
        });
    }

    /// Makes everybody begin anew.
    pub(super) fn reset(&self) {
        self.change(|state| {
            state.first = state.end() + 1;
            state.frames.clear();
            state.bytes = 0;
        });
    }

    /// Who is there now.
    pub(super) fn set_presence(&self, users: &[User]) {
        let frame = messages::presence(users);
        self.change(|state| state.presence = (state.presence.0 + 1, frame));
    }

    fn change(&self, change: impl FnOnce(&mut State)) {
        let mut state = self.lock();
        change(&mut state);
        let wakers: Vec<Waker> = state.watchers.iter_mut().filter_map(|(_, waker)| waker.take()).collect();
        drop(state);
        wakers.into_iter().for_each(Waker::wake);
    }

    /// The position of what comes next: whoever has the state of this moment goes on from there.
    pub(super) fn position(&self) -> u64 {
        self.lock().end()
    }

    /// A watcher, who is behind until it has a state.
    pub(super) fn watch(self: &Arc<Self>, presence: bool) -> Watcher {
        let key = self.lock().watchers.insert(None);
        Watcher { feed: Arc::clone(self), key, next: None, presence: presence.then_some(0) }
    }

    /// How many watch.
    pub(super) fn watchers(&self) -> usize {
        self.lock().watchers.len()
    }
}

impl Watcher {
    /// It has the state of that position.
    pub(super) fn has_state(&mut self, position: u64) {
        self.next = Some(position);
    }

    /// What it is to be told next.
    pub(super) fn poll(&mut self, waker: &Waker) -> Poll<Seen> {
        let mut state = self.feed.lock();
        let held = self.next.filter(|next| *next >= state.first && *next <= state.end());
        let Some(next) = held else {
            self.next = None;
            return Poll::Ready(Seen::Behind);
        };
        if let Some(frame) = state.frames.get((next - state.first) as usize) {
            self.next = Some(next + 1);
            return Poll::Ready(Seen::Frame(frame.clone()));
        }
        let (version, frame) = &state.presence;
        if self.presence.is_some_and(|told| told != *version) {
            self.presence = Some(*version);
            return Poll::Ready(Seen::Frame(frame.clone()));
        }
        match &mut state.watchers[self.key] {
            Some(held) => held.clone_from(waker),
            empty => *empty = Some(waker.clone()),
        }
        Poll::Pending
    }
}

impl Drop for Watcher {
    fn drop(&mut self) {
        self.feed.lock().watchers.try_remove(self.key);
    }
}

#[cfg(test)]
mod tests {
    use std::{
        sync::Arc,
        task::{Poll, Waker},
    };

    use proptest::prelude::*;
    use tokio_tungstenite::tungstenite::Utf8Bytes;

    use super::{Feed, MAX_BYTES, MAX_FRAMES, Seen, Watcher};

    fn next(watcher: &mut Watcher) -> Option<Seen> {
        match watcher.poll(Waker::noop()) {
            Poll::Ready(seen) => Some(seen),
            Poll::Pending => None,
        }
    }

    fn frame(text: impl ToString) -> Utf8Bytes {
        text.to_string().into()
    }

    #[test]
    fn whoever_falls_behind_begins_anew() {
        let feed = Arc::new(Feed::default());
        let mut watcher = feed.watch(false);
        assert_eq!(next(&mut watcher), Some(Seen::Behind));
        watcher.has_state(feed.position());
        assert_eq!(next(&mut watcher), None);
        feed.publish((0..MAX_FRAMES).map(frame));
        assert_eq!(next(&mut watcher), Some(Seen::Frame(frame(0))));
        feed.publish([frame("one more"), frame("and one")]);
        assert_eq!(next(&mut watcher), Some(Seen::Behind));
        watcher.has_state(feed.position());
        assert_eq!(next(&mut watcher), None);
        feed.reset();
        assert_eq!(next(&mut watcher), Some(Seen::Behind));
    }

    #[test]
    fn large_messages_are_not_held_by_number() {
        let feed = Arc::new(Feed::default());
        feed.publish((0..8).map(|_| frame("x".repeat(MAX_BYTES / 4))));
        let state = feed.lock();
        assert_eq!((state.frames.len(), state.bytes), (4, MAX_BYTES));
        drop(state);
        feed.publish([frame("x".repeat(2 * MAX_BYTES))]);
        assert_eq!(feed.lock().frames.len(), 1);
    }

    #[test]
    fn presence_is_told_to_whoever_wants_it_the_newest_alone() {
        let feed = Arc::new(Feed::default());
        let (mut with, mut without) = (feed.watch(true), feed.watch(false));
        with.has_state(0);
        without.has_state(0);
        feed.set_presence(&[]);
        feed.set_presence(&[]);
        assert_eq!(next(&mut with), Some(Seen::Frame(frame(r#"{"type":"presence","users":[]}"#))));
        assert_eq!((next(&mut with), next(&mut without)), (None, None));
    }

    proptest! {
        /// Whatever is published and read in whatever order: a watcher sees what it is told in order and without a gap,
        /// or is told that it is behind.
        #[test]
        fn no_silent_gap(steps in prop::collection::vec((0..2000_usize, 0..1500_usize, any::<bool>()), 1..12)) {
            let feed = Arc::new(Feed::default());
            let mut watcher = feed.watch(false);
            let (mut published, mut knows) = (0_usize, 0_usize);
            let _behind = next(&mut watcher);
            watcher.has_state(feed.position());
            for (publish, read, reset) in steps {
                feed.publish((published..published + publish).map(frame));
                published += publish;
                if reset {
                    feed.reset();
                }
                for _ in 0..read {
                    match next(&mut watcher) {
                        Some(Seen::Frame(text)) => {
                            prop_assert_eq!(text, frame(knows));
                            knows += 1;
                        }
                        Some(Seen::Behind) => {
                            watcher.has_state(feed.position());
                            knows = published;
                        }
                        None => {
                            prop_assert_eq!(knows, published);
                            break;
                        }
                    }
                }
            }
        }
    }
}
