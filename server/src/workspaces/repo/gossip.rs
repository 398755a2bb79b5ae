//! What the Automerge clients of a document tell each other and nobody keeps: cursors, who looks at what. Of this node
//! alone.
//!
//! Whoever does not listen fast enough misses the oldest of it. What it means is the clients'.

use std::{
    collections::VecDeque,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    task::{Poll, Waker},
};

use bytes::Bytes;
use slab::Slab;

/// How many wait for one listener.
const MAX_WAITING: usize = 64;

/// Something that is told.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Rumour {
    pub(super) sender: Box<str>,
    pub(super) session: Box<str>,
    pub(super) count: u64,
    pub(super) data: Bytes,
}

/// Who listens.
#[derive(Default)]
pub(in crate::workspaces) struct Gossip(Mutex<Slab<Ear>>);

#[derive(Default)]
struct Ear {
    waiting: VecDeque<Arc<Rumour>>,
    waker: Option<Waker>,
}

/// Somebody who listens. Dropping it ends that.
pub(super) struct Listener {
    gossip: Arc<Gossip>,
    key: usize,
}

impl Gossip {
    fn lock(&self) -> MutexGuard<'_, Slab<Ear>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn listen(self: &Arc<Self>) -> Listener {
        let key = self.lock().insert(Ear::default());
        Listener { gossip: Arc::clone(self), key }
    }
}

impl Listener {
    /// Tells all others.
    pub(super) fn tell(&self, rumour: Rumour) {
        let rumour = Arc::new(rumour);
        let mut ears = self.gossip.lock();
        let mut wakers = Vec::new();
        for (_, ear) in ears.iter_mut().filter(|(key, _)| *key != self.key) {
            if ear.waiting.len() >= MAX_WAITING {
                ear.waiting.pop_front();
            }
            ear.waiting.push_back(Arc::clone(&rumour));
            wakers.extend(ear.waker.take());
        }
        drop(ears);
        wakers.into_iter().for_each(Waker::wake);
    }

    /// What comes next.
    pub(super) fn poll(&self, waker: &Waker) -> Poll<Arc<Rumour>> {
        let mut ears = self.gossip.lock();
        let Some(ear) = ears.get_mut(self.key) else { return Poll::Pending };
        match ear.waiting.pop_front() {
            Some(rumour) => Poll::Ready(rumour),
            None => {
                ear.waker = Some(waker.clone());
                Poll::Pending
            }
        }
    }
}

impl Drop for Listener {
    fn drop(&mut self) {
        self.gossip.lock().try_remove(self.key);
    }
}

#[cfg(test)]
mod tests {
    use std::{
        sync::Arc,
        task::{Poll, Waker},
    };

    use super::{Gossip, Listener, MAX_WAITING, Rumour};

    fn rumour(count: u64) -> Rumour {
        Rumour { sender: "a".into(), session: "s".into(), count, data: Default::default() }
    }

    fn next(listener: &Listener) -> Option<u64> {
        match listener.poll(Waker::noop()) {
            Poll::Ready(rumour) => Some(rumour.count),
            Poll::Pending => None,
        }
    }

    #[test]
    fn all_others_hear_it_and_the_slow_the_newest() {
        let gossip = Arc::new(Gossip::default());
        let (ada, bob, cy) = (gossip.listen(), gossip.listen(), gossip.listen());
        ada.tell(rumour(1));
        assert_eq!((next(&ada), next(&bob), next(&bob)), (None, Some(1), None));
        (2..=MAX_WAITING as u64 + 1).for_each(|count| ada.tell(rumour(count)));
        assert_eq!((next(&bob), next(&cy)), (Some(2), Some(2)), "one more than wait");
        drop((bob, cy));
        assert_eq!(gossip.lock().len(), 1);
    }
}
