//! A socket's inbox: its events in the order of their arrival, one after the other, at most so many waiting.
//!
//! It is drained by a task that lives only while there is something to drain. What an event does is the edge's.

use std::{
    collections::VecDeque,
    sync::{Mutex, MutexGuard, PoisonError},
};

/// Events that wait, and whether somebody drains them.
#[derive(Debug)]
pub(crate) struct Inbox<T> {
    state: Mutex<State<T>>,
    bound: usize,
}

#[derive(Debug)]
struct State<T> {
    waiting: VecDeque<T>,
    draining: bool,
    /// Events that run beside the others; they take up places too.
    beside: usize,
}

/// What became of an event.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Admitted<T> {
    /// It waits its turn.
    Queued,
    /// It waits, and somebody has to drain the inbox.
    Drain,
    /// There is no place for it.
    Full(T),
}

impl<T> Inbox<T> {
    pub(crate) fn new(bound: usize) -> Self {
        Self { state: Mutex::new(State { waiting: VecDeque::new(), draining: false, beside: 0 }), bound }
    }

    fn lock(&self) -> MutexGuard<'_, State<T>> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Takes an event.
    pub(crate) fn push(&self, event: T) -> Admitted<T> {
        let mut state = self.lock();
        if state.waiting.len() + state.beside >= self.bound {
            return Admitted::Full(event);
        }
        state.waiting.push_back(event);
        if std::mem::replace(&mut state.draining, true) { Admitted::Queued } else { Admitted::Drain }
    }

    /// The next event; nothing ends the draining.
    pub(crate) fn next(&self) -> Option<T> {
        let mut state = self.lock();
        let next = state.waiting.pop_front();
        if next.is_none() {
            state.draining = false;
            // An idle socket keeps no buffer.
            state.waiting = VecDeque::new();
        }
        next
    }

    /// An event leaves the order and runs beside the others.
    pub(crate) fn step_aside(&self) {
        self.lock().beside += 1;
    }

    /// Such an event is done.
    pub(crate) fn done_beside(&self) {
        self.lock().beside -= 1;
    }
}

#[cfg(test)]
mod tests {
    use super::{Admitted, Inbox};

    #[test]
    fn order_bound_and_draining() {
        let inbox = Inbox::new(2);
        assert_eq!(inbox.push(1), Admitted::Drain);
        assert_eq!(inbox.push(2), Admitted::Queued);
        assert_eq!(inbox.push(3), Admitted::Full(3));
        assert_eq!(inbox.next(), Some(1));
        inbox.step_aside();
        assert_eq!(inbox.push(3), Admitted::Full(3));
        inbox.done_beside();
        assert_eq!(inbox.push(3), Admitted::Queued);
        assert_eq!((inbox.next(), inbox.next(), inbox.next()), (Some(2), Some(3), None));
        assert_eq!(inbox.push(4), Admitted::Drain);
    }
}
