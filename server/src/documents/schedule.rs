//! When a document is saved: some time after its last change, at the latest some time after the first, and later and later
//! while saving fails. No IO.

use std::time::Duration;

use tokio::time::Instant;

/// The first pause after a save that failed; each next one is twice as long.
const FIRST_PAUSE: Duration = Duration::from_millis(500);

/// The longest pause.
const LONGEST_PAUSE: Duration = Duration::from_secs(15);

/// How long a change may wait.
#[derive(Clone, Copy, Debug)]
pub(super) struct Patience {
    /// From the last one on.
    pub(super) debounce: Duration,
    /// From the first one on.
    pub(super) at_most: Duration,
}

/// What is known of a document's saves.
#[derive(Debug, Default)]
pub(super) struct Schedule {
    /// When the first and the last of the changes were made that are not saved.
    unsaved: Option<(Instant, Instant)>,
    /// What a save holds that is under way: when its first change was made, and how often saving has failed before.
    saving: Option<Instant>,
    failures: u32,
    /// Not before this.
    pause_until: Option<Instant>,
    /// Without waiting.
    at_once: bool,
}

impl Schedule {
    /// Something has changed.
    pub(super) fn changed(&mut self, now: Instant) {
        let first = self.unsaved.map_or(now, |(first, _)| first);
        self.unsaved = Some((first, now));
    }

    /// Whatever is not saved is to be saved now.
    pub(super) fn hurry(&mut self) {
        self.at_once = self.unsaved.is_some();
        self.pause_until = None;
    }

    /// When it is to be saved, if it is.
    pub(super) fn due(&self, patience: Patience) -> Option<Instant> {
        let (first, last) = self.unsaved.filter(|_| self.saving.is_none())?;
        let due = match self.at_once {
            true => first,
            false => (last + patience.debounce).min(first + patience.at_most),
        };
        Some(self.pause_until.map_or(due, |until| until.max(due)))
    }

    /// It is being saved as it is: what changes from now on is not in it.
    pub(super) fn begin(&mut self) {
        self.saving = self.unsaved.take().map(|(first, _)| first);
        self.at_once = false;
    }

    /// What was being saved is.
    pub(super) fn saved(&mut self) {
        self.saving = None;
        self.failures = 0;
        self.pause_until = None;
    }

    /// What was being saved is not.
    pub(super) fn failed(&mut self, now: Instant) {
        if let Some(first) = self.saving.take() {
            let last = self.unsaved.map_or(first, |(_, last)| last);
            self.unsaved = Some((first, last));
        }
        let pause =
            FIRST_PAUSE.saturating_mul(2_u32.saturating_pow(self.failures.min(16))).min(LONGEST_PAUSE);
        self.failures = self.failures.saturating_add(1);
        self.pause_until = Some(now + pause);
    }

    /// What was being saved is to be saved again, with what was found there: no failure.
    pub(super) fn again(&mut self) {
        if let Some(first) = self.saving.take() {
            let last = self.unsaved.map_or(first, |(_, last)| last);
            self.unsaved = Some((first, last));
        }
        self.at_once = true;
    }

    /// Whether all of it is saved.
    pub(super) fn is_settled(&self) -> bool {
        self.unsaved.is_none() && self.saving.is_none()
    }

    /// Whether saving has failed and not succeeded since.
    pub(super) fn is_failing(&self) -> bool {
        self.failures > 0
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use tokio::time::Instant;

    use super::{LONGEST_PAUSE, Patience, Schedule};

    const PATIENCE: Patience =
        Patience { debounce: Duration::from_secs(5), at_most: Duration::from_secs(30) };

    fn seconds(seconds: u64) -> Duration {
        Duration::from_secs(seconds)
    }

    #[test]
    fn after_the_last_change_and_at_the_latest_after_the_first() {
        let start = Instant::now();
        let mut schedule = Schedule::default();
        assert_eq!(schedule.due(PATIENCE), None);
        schedule.changed(start);
        assert_eq!(schedule.due(PATIENCE), Some(start + seconds(5)));
        for second in 1..40 {
            schedule.changed(start + seconds(second));
        }
        assert_eq!(schedule.due(PATIENCE), Some(start + seconds(30)));
        schedule.hurry();
        assert_eq!(schedule.due(PATIENCE), Some(start));
    }

    #[test]
    fn what_changes_while_it_is_saved_is_saved_next() {
        let start = Instant::now();
        let mut schedule = Schedule::default();
        schedule.changed(start);
        schedule.begin();
        assert_eq!((schedule.due(PATIENCE), schedule.is_settled()), (None, false));
        schedule.changed(start + seconds(1));
        schedule.saved();
        assert_eq!((schedule.due(PATIENCE), schedule.is_settled()), (Some(start + seconds(6)), false));
        schedule.begin();
        schedule.saved();
        assert!(schedule.is_settled());
    }

    #[test]
    fn a_failure_forgets_nothing_and_waits_longer_each_time() {
        let start = Instant::now();
        let mut schedule = Schedule::default();
        schedule.changed(start);
        let mut pauses = Vec::new();
        for _ in 0..8 {
            schedule.begin();
            schedule.failed(start + seconds(10));
            assert!(schedule.is_failing() && !schedule.is_settled());
            let due = schedule.due(PATIENCE).expect("it is not given up");
            pauses.push(due - (start + seconds(10)));
        }
        assert_eq!(pauses[..3], [500, 1000, 2000].map(Duration::from_millis));
        assert_eq!(pauses[7], LONGEST_PAUSE);
        schedule.begin();
        schedule.saved();
        assert!(!schedule.is_failing() && schedule.is_settled());
    }
}
