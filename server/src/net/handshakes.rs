//! A bound on handshakes that were begun and not finished, so that a flood of them costs answers and not memory.

use std::sync::{
    Arc,
    atomic::{AtomicUsize, Ordering},
};

/// Counts unfinished handshakes.
#[derive(Clone, Debug)]
pub(crate) struct HandshakeLimiter {
    pending: Arc<AtomicUsize>,
    /// How many are no reason to do anything.
    few: usize,
    max: usize,
}

/// One unfinished handshake: it counts until it is dropped.
#[derive(Debug)]
pub(crate) struct PendingHandshake(Arc<AtomicUsize>);

impl HandshakeLimiter {
    /// So many a second, of which each may take so many seconds.
    pub(crate) fn new(per_second: usize, seconds: usize) -> Self {
        Self { pending: Arc::default(), few: per_second, max: per_second * seconds }
    }

    /// Whether more than a second's are under way.
    pub(crate) fn are_many(&self) -> bool {
        self.pending.load(Ordering::Acquire) > self.few
    }

    /// Begins a handshake, or nothing when too many are under way.
    pub(crate) fn begin(&self) -> Option<PendingHandshake> {
        let begun = self.pending.fetch_update(Ordering::AcqRel, Ordering::Acquire, |pending| {
            (pending < self.max).then_some(pending + 1)
        });
        begun.ok().map(|_| PendingHandshake(Arc::clone(&self.pending)))
    }
}

impl Drop for PendingHandshake {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::AcqRel);
    }
}

#[cfg(test)]
mod tests {
    use super::HandshakeLimiter;

    #[test]
    fn finished_handshakes_make_room() {
        let limiter = HandshakeLimiter::new(1, 2);
        let first = limiter.begin().unwrap();
        assert!(!limiter.are_many());
        let _second = limiter.begin().unwrap();
        assert!(limiter.are_many() && limiter.begin().is_none());
        drop(first);
        assert!(!limiter.are_many() && limiter.begin().is_some());
    }
}
