//! The ladder: at which rate a server still delivers in time.
//!
//! Rates rise until the first that is not held; those above it are not tried, as a server that is behind would only fall
//! further.

use std::time::Duration;

use serde::Serialize;

use super::{DRAIN, WARM_UP};
use crate::load::{Measures, Pace, Plan, Session};
use crate::report::Settings;

/// A rate is held when 99 in 100 deliveries are there after so long,
const P99_MS: f64 = 50.0;
/// and so much of it is delivered.
const DELIVERED: f64 = 0.95;
/// Requests of one sender under way at which the server has fallen behind: Syncline refuses them soon after.
const MOST_UNDER_WAY: u64 = 60;

/// The rates that were tried.
#[derive(Debug, Serialize)]
pub(crate) struct Ladder {
    pub(crate) steps: Vec<Step>,
}

/// One rate.
#[derive(Debug, Serialize)]
pub(crate) struct Step {
    /// In deliveries per second.
    pub(crate) rate: u64,
    pub(crate) held: bool,
    pub(crate) run: Measures,
}

impl Ladder {
    /// The highest rate that was held, and how.
    pub(crate) fn highest(&self) -> Option<&Step> {
        self.steps.iter().rev().find(|step| step.held)
    }
}

pub(super) fn climb(session: &mut Session<'_>, rates: &[u64], settings: &Settings) -> anyhow::Result<Ladder> {
    let measured = Duration::from_secs_f64(settings.ladder_seconds);
    // A message more or less between two looks at the clock.
    let slack = settings.shape.room_size as f64 / settings.ladder_seconds;
    let mut steps = Vec::new();
    for rate in rates {
        let run = session.run(&Plan {
            pace: Pace::Open { deliveries_per_second: *rate },
            warm_up: WARM_UP,
            measured,
            drain: DRAIN,
            most_under_way: Some(MOST_UNDER_WAY),
        })?;
        let held = holds(*rate, &run, slack);
        steps.push(Step { rate: *rate, held, run });
        if !held {
            break;
        }
    }
    Ok(Ladder { steps })
}

fn holds(rate: u64, run: &Measures, slack: f64) -> bool {
    !run.fell_behind && run.p99_ms <= P99_MS && run.deliveries_per_second + slack >= rate as f64 * DELIVERED
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_rate_is_held_when_all_of_it_comes_in_time() {
        let run = Measures { deliveries_per_second: 99_000.0, p99_ms: 49.0, ..Measures::default() };
        assert!(holds(100_000, &run, 0.0));
        assert!(!holds(100_000, &Measures { p99_ms: 51.0, ..run }, 0.0));
        assert!(!holds(100_000, &Measures { fell_behind: true, ..run }, 0.0));
        let few = Measures { deliveries_per_second: 94_000.0, ..run };
        assert!(!holds(100_000, &few, 0.0));
        assert!(holds(100_000, &few, 2_000.0), "a message that came a moment late");
    }

    #[test]
    fn the_highest_is_the_last_that_was_held() {
        let step = |rate, held| Step { rate, held, run: Measures::default() };
        let ladder = Ladder { steps: vec![step(1, true), step(2, true), step(3, false)] };
        assert_eq!(ladder.highest().map(|step| step.rate), Some(2));
        assert!(Ladder { steps: vec![step(1, false)] }.highest().is_none());
    }
}
