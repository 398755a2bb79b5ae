//! When a socket that is refused again and again is let go.

use std::{
    sync::{Mutex, PoisonError},
    time::{Duration, Instant},
};

/// How many refusals in one window are too many.
const MAX_REFUSALS: u32 = 1000;

/// The window.
const WINDOW: Duration = Duration::from_secs(10);

/// Counts one socket's refusals.
#[derive(Debug, Default)]
pub(crate) struct Abuse(Mutex<Option<(Instant, u32)>>);

impl Abuse {
    /// Counts a refusal; true when it was one too many.
    pub(crate) fn refused(&self) -> bool {
        self.refused_at(Instant::now())
    }

    fn refused_at(&self, now: Instant) -> bool {
        let mut window = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let (since, count) = match *window {
            Some((since, count)) if now.duration_since(since) < WINDOW => (since, count + 1),
            _ => (now, 1),
        };
        *window = Some((since, count));
        count > MAX_REFUSALS
    }
}

#[cfg(test)]
mod tests {
    use std::time::Instant;

    use super::{Abuse, MAX_REFUSALS, WINDOW};

    #[test]
    fn only_going_on_is_abuse() {
        let (abuse, start) = (Abuse::default(), Instant::now());
        assert!((0..MAX_REFUSALS).all(|_| !abuse.refused_at(start)));
        assert!(abuse.refused_at(start));
        assert!(!abuse.refused_at(start + WINDOW));
    }
}
