//! What one socket is to be told besides what everybody is, from wherever. No IO.

use std::{
    collections::VecDeque,
    sync::{Arc, Mutex, MutexGuard, PoisonError, atomic::AtomicU64, atomic::Ordering},
    task::Waker,
};

use bytes::Bytes;

use super::awareness::Source;
use crate::ws::End;

/// A socket's seat at a document, in this process.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(super) struct SeatId(u64);

impl SeatId {
    /// Whose awareness it is that comes from there.
    pub(super) fn source(self) -> Source {
        Source::Socket(self.0)
    }

    /// One that nobody has had.
    pub(super) fn next() -> Self {
        static NEXT: AtomicU64 = AtomicU64::new(1);
        Self(NEXT.fetch_add(1, Ordering::Relaxed))
    }
}

/// An answer.
#[derive(Clone, Debug)]
pub(super) enum Answer {
    /// This message.
    Frame(Bytes),
    /// This message, with which it is as far as that position of the feed.
    Missed(u64, Bytes),
    /// One of its updates is in the journal (true), or was not taken.
    Update(bool),
    /// That the connection ends.
    End(End),
}

/// The answers of one seat: at most a few for each thing that was heard and is under way, which is bounded, and one state.
#[derive(Default)]
pub(super) struct Answers(Mutex<State>);

#[derive(Default)]
struct State {
    waiting: VecDeque<Answer>,
    waker: Option<Waker>,
    is_left: bool,
}

impl Answers {
    fn lock(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn push(&self, answer: Answer) {
        let mut state = self.lock();
        state.waiting.push_back(answer);
        let waker = state.waker.take();
        drop(state);
        if let Some(waker) = waker {
            waker.wake();
        }
    }

    /// Whoever had the seat has left it.
    pub(super) fn leave(&self) {
        self.lock().is_left = true;
    }

    pub(super) fn is_left(&self) -> bool {
        self.lock().is_left
    }

    pub(super) fn frame(&self, frame: Bytes) {
        self.push(Answer::Frame(frame));
    }

    /// It ends here.
    pub(super) fn end(&self, end: End) {
        self.push(Answer::End(end));
    }

    /// The next one; whoever asks is woken when there is one.
    pub(super) fn poll(&self, waker: &Waker) -> Option<Answer> {
        let mut state = self.lock();
        let next = state.waiting.pop_front();
        match (&next, &mut state.waker) {
            (Some(_), _) => {}
            (None, Some(held)) => held.clone_from(waker),
            (None, empty) => *empty = Some(waker.clone()),
        }
        if state.waiting.is_empty() {
            state.waiting.shrink_to_fit();
        }
        next
    }
}

/// A seat, as its document's owner knows it.
#[derive(Clone)]
pub(super) struct Seat {
    pub(super) id: SeatId,
    pub(super) answers: Arc<Answers>,
    /// Whether it is told of each of its updates what became of it, and not asked for any before it asks itself.
    pub(super) counts_updates: bool,
}
