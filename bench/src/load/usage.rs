//! Processor time of both sides over a stretch of a run.

use std::time::{Duration, Instant};

use crate::process;

/// Processor time spent, at one moment.
pub(super) struct Usage {
    at: Instant,
    server: Option<Duration>,
    load: Option<Duration>,
}

impl Usage {
    pub(super) fn now(server: u32) -> Self {
        Self { at: Instant::now(), server: process::cpu_of(server), load: process::own_cpu() }
    }

    /// Shares of a core that the server and the load generator used since then.
    pub(super) fn since(&self, before: &Self) -> (Option<f64>, Option<f64>) {
        let wall = (self.at - before.at).as_secs_f64();
        let share = |after: Option<Duration>, before: Option<Duration>| {
            Some(after?.saturating_sub(before?).as_secs_f64() / wall)
        };
        (share(self.server, before.server), share(self.load, before.load))
    }
}
