//! What everybody who has the same thing open is told: its last messages, and how far each watcher has come.
//!
//! A message is held once, for all. A watcher that falls behind what is held is told so, and its system gives it the whole
//! state: nobody's slowness takes memory, and nothing is left out. What a message says is not known here. No IO.

use std::{
    collections::VecDeque,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    task::{Poll, Waker},
};

use bytes::Bytes;
use slab::Slab;
use tokio_tungstenite::tungstenite::Utf8Bytes;

/// How many messages are held for those who are not as far yet.
const MAX_FRAMES: usize = 1024;

/// And how many bytes of them; the last one is held whatever its size.
const MAX_BYTES: usize = 4 * 1024 * 1024;

/// A message of a feed. Cheap to clone.
pub(crate) trait Frame: Clone {
    /// How many bytes are held for it.
    fn bytes(&self) -> usize;
}

impl Frame for Utf8Bytes {
    fn bytes(&self) -> usize {
        self.len()
    }
}

impl Frame for Bytes {
    fn bytes(&self) -> usize {
        self.len()
    }
}

/// A feed.
pub(crate) struct Feed<F>(Mutex<State<F>>);

struct State<F> {
    frames: VecDeque<F>,
    bytes: usize,
    /// The position of the first frame that is held.
    first: u64,
    /// What is told only as it is now: how often it has changed, and how it is told.
    notice: (u64, Option<F>),
    watchers: Slab<Watching>,
}

/// A watcher, as the feed sees it.
#[derive(Default)]
struct Watching {
    waker: Option<Waker>,
    /// How far it is; nothing while it has no state to begin with.
    next: Option<u64>,
}

impl<F> Default for Feed<F> {
    fn default() -> Self {
        Self(Mutex::new(State {
            frames: VecDeque::new(),
            bytes: 0,
            first: 0,
            notice: (0, None),
            watchers: Slab::new(),
        }))
    }
}

impl<F> State<F> {
    fn end(&self) -> u64 {
        self.first + self.frames.len() as u64
    }
}

/// What a watcher is to be told.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Seen<F> {
    /// This.
    Frame(F),
    /// The whole state: what came in between is not held any more.
    Behind,
}

/// Somebody who is told. Dropping it ends that.
pub(crate) struct Watcher<F: Frame> {
    feed: Arc<Feed<F>>,
    key: usize,
    /// Which notice it has been told; nothing if it is not to be told any.
    notice: Option<u64>,
}

impl<F: Frame> Feed<F> {
    fn lock(&self) -> MutexGuard<'_, State<F>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Tells everybody.
    pub(crate) fn publish(&self, frames: impl IntoIterator<Item = F>) {
        self.change(|state| {
            for frame in frames {
                state.bytes += frame.bytes();
                state.frames.push_back(frame);
                while state.frames.len() > MAX_FRAMES || (state.bytes > MAX_BYTES && state.frames.len() > 1) {
                    state.bytes -= state.frames.pop_front().map_or(0, |frame| frame.bytes());
                    state.first += 1;
                }
            }
        });
    }

    /// Makes everybody begin anew.
    pub(crate) fn reset(&self) {
        self.change(|state| {
            state.first = state.end() + 1;
            state.frames.clear();
            state.bytes = 0;
        });
    }

    /// Lets go of what every watcher has been told.
    pub(crate) fn trim(&self) {
        let mut state = self.lock();
        let end = state.end();
        let needed = state.watchers.iter().filter_map(|(_, watching)| watching.next).min().unwrap_or(end);
        while state.first < needed.min(end) {
            state.bytes -= state.frames.pop_front().map_or(0, |frame| frame.bytes());
            state.first += 1;
        }
        state.frames.shrink_to_fit();
    }

    /// What is told to whoever wants notices, as it is now.
    pub(crate) fn set_notice(&self, frame: F) {
        self.change(|state| state.notice = (state.notice.0 + 1, Some(frame)));
    }

    fn change(&self, change: impl FnOnce(&mut State<F>)) {
        let mut state = self.lock();
        change(&mut state);
        let wakers: Vec<Waker> =
            state.watchers.iter_mut().filter_map(|(_, watching)| watching.waker.take()).collect();
        drop(state);
        wakers.into_iter().for_each(Waker::wake);
    }

    /// The position of what comes next: whoever has the state of this moment goes on from there.
    pub(crate) fn position(&self) -> u64 {
        self.lock().end()
    }

    /// A watcher, who is behind until it has a state.
    pub(crate) fn watch(self: &Arc<Self>, notices: bool) -> Watcher<F> {
        let key = self.lock().watchers.insert(Watching::default());
        Watcher { feed: Arc::clone(self), key, notice: notices.then_some(0) }
    }

    /// How many watch.
    pub(crate) fn watchers(&self) -> usize {
        self.lock().watchers.len()
    }
}

impl<F: Frame> Watcher<F> {
    /// It has the state of that position.
    pub(crate) fn has_state(&self, position: u64) {
        if let Some(watching) = self.feed.lock().watchers.get_mut(self.key) {
            watching.next = Some(position);
        }
    }

    /// What it is to be told next.
    pub(crate) fn poll(&mut self, waker: &Waker) -> Poll<Seen<F>> {
        let mut state = self.feed.lock();
        let (first, end) = (state.first, state.end());
        let State { frames, notice, watchers, .. } = &mut *state;
        let watching = &mut watchers[self.key];
        let Some(next) = watching.next.filter(|next| (first..=end).contains(next)) else {
            watching.next = None;
            return Poll::Ready(Seen::Behind);
        };
        if let Some(frame) = frames.get((next - first) as usize) {
            watching.next = Some(next + 1);
            return Poll::Ready(Seen::Frame(frame.clone()));
        }
        let (version, frame) = notice;
        if let Some(frame) = frame
            && self.notice.is_some_and(|told| told != *version)
        {
            self.notice = Some(*version);
            return Poll::Ready(Seen::Frame(frame.clone()));
        }
        match &mut watching.waker {
            Some(held) => held.clone_from(waker),
            empty => *empty = Some(waker.clone()),
        }
        Poll::Pending
    }
}

impl<F: Frame> Drop for Watcher<F> {
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

    fn next(watcher: &mut Watcher<Utf8Bytes>) -> Option<Seen<Utf8Bytes>> {
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
    fn a_notice_is_told_to_whoever_wants_it_the_newest_alone() {
        let feed = Arc::new(Feed::default());
        let (mut with, mut without) = (feed.watch(true), feed.watch(false));
        with.has_state(0);
        without.has_state(0);
        assert_eq!(next(&mut with), None, "there is none yet");
        feed.set_notice(frame("one is here"));
        feed.set_notice(frame("two are here"));
        assert_eq!(next(&mut with), Some(Seen::Frame(frame("two are here"))));
        assert_eq!((next(&mut with), next(&mut without)), (None, None));
    }

    #[test]
    fn what_everybody_has_is_let_go_of_and_nothing_else() {
        let feed = Arc::new(Feed::default());
        let (mut quick, mut slow) = (feed.watch(false), feed.watch(false));
        quick.has_state(0);
        slow.has_state(0);
        feed.publish((0..3).map(frame));
        while next(&mut quick).is_some() {}
        assert_eq!(next(&mut slow), Some(Seen::Frame(frame(0))));
        feed.trim();
        assert_eq!(feed.lock().frames.len(), 2);
        assert_eq!(next(&mut slow), Some(Seen::Frame(frame(1))));
        drop(slow);
        feed.trim();
        let state = feed.lock();
        assert_eq!((state.frames.len(), state.bytes), (0, 0));
        drop(state);
        feed.publish([frame(3)]);
        assert_eq!(next(&mut quick), Some(Seen::Frame(frame(3))));
    }

    proptest! {
        /// Whatever is published and read in whatever order: a watcher sees what it is told in order and without a gap,
        /// or is told that it is behind.
        #[test]
        fn no_silent_gap(steps in prop::collection::vec((0..2000_usize, 0..1500_usize, any::<bool>(), any::<bool>()), 1..12)) {
            let feed = Arc::new(Feed::default());
            let mut watcher = feed.watch(false);
            let (mut published, mut knows) = (0_usize, 0_usize);
            let _behind = next(&mut watcher);
            watcher.has_state(feed.position());
            for (publish, read, reset, trim) in steps {
                feed.publish((published..published + publish).map(frame));
                published += publish;
                if reset {
                    feed.reset();
                }
                if trim {
                    feed.trim();
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
