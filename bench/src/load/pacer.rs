//! When the messages of an open loop are to be sent. Arithmetic only: it neither waits nor sends.

use std::time::Duration;

use super::shape::Shape;

/// Fixed send times for all senders in turn.
pub(super) struct Pacer {
    start: u64,
    /// Nanoseconds between two messages.
    interval: u128,
    next: u64,
    senders: usize,
}

impl Pacer {
    pub(super) fn new(start: u64, deliveries_per_second: u64, shape: Shape) -> Self {
        let interval = shape.room_size as u128 * 1_000_000_000 / u128::from(deliveries_per_second.max(1));
        Self { start, interval, next: 0, senders: shape.senders }
    }

    fn next_time(&self) -> u64 {
        self.start + (u128::from(self.next) * self.interval / 1_000) as u64
    }

    /// The next sender whose time has come, and that time.
    pub(super) fn due(&mut self, now: u64) -> Option<(usize, u64)> {
        let intended = self.next_time();
        (intended <= now).then(|| {
            let sender = (self.next % self.senders as u64) as usize;
            self.next += 1;
            (sender, intended)
        })
    }

    /// How long the loop may sleep: the clock of the wait is a millisecond, so the last one is spent polling.
    pub(super) fn wait(&self, now: u64) -> Duration {
        Duration::from_millis(self.next_time().saturating_sub(now) / 1_000)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_pacer_sends_in_turn_at_the_rate_it_was_given() {
        let shape = Shape { connections: 20, room_size: 10, senders: 2, payload: 64 };
        let mut pacer = Pacer::new(500, 10_000, shape);
        let mut sent = Vec::new();
        while let Some(due) = pacer.due(500 + 3_000) {
            sent.push(due);
        }
        assert_eq!(sent, [(0, 500), (1, 1_500), (0, 2_500), (1, 3_500)]);
        assert_eq!(pacer.wait(3_500), Duration::from_millis(1));
        assert_eq!(pacer.wait(3_501), Duration::ZERO);
    }
}
