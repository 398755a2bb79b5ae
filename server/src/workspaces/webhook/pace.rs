//! When what: how long updates are gathered, how long an attempt may take, when the next one is, and when it was enough.

use std::time::{Duration, SystemTime};

/// The times of a webhook.
#[derive(Clone, Copy, Debug)]
pub(super) struct Pace {
    /// How long updates of a workspace are gathered before they are told.
    pub(super) gather: Duration,
    /// How long an attempt may take, from the name's resolution to the answer's head.
    pub(super) attempt: Duration,
    /// The first pause after a failure; each next one is twice as long.
    pub(super) first_pause: Duration,
    /// The longest pause, whatever the receiver asks for.
    pub(super) longest_pause: Duration,
    /// How old an event is that is given up when an attempt fails.
    pub(super) give_up: Duration,
    /// How long to wait when the journal fails.
    pub(super) storage: Duration,
    /// Over how long those are spread who waited for a receiver that is back.
    pub(super) spread: Duration,
}

impl Pace {
    pub(super) const DEFAULT: Self = Self {
        gather: Duration::from_millis(100),
        attempt: Duration::from_secs(10),
        first_pause: Duration::from_secs(1),
        longest_pause: Duration::from_secs(3600),
        give_up: Duration::from_secs(24 * 3600),
        storage: Duration::from_secs(1),
        spread: Duration::from_secs(30),
    };

    /// The pause after so many attempts that failed, of which the last was answered with that wish. Between one half of
    /// it and the whole are left to `chance`, from 0 to 1, so that what failed together does not come back together.
    pub(super) fn pause(&self, failed: u32, wish: Option<Duration>, chance: f64) -> Duration {
        let doublings = failed.saturating_sub(1).min(31);
        let longest = self.first_pause.saturating_mul(1 << doublings).min(self.longest_pause);
        let pause = longest.mul_f64(0.5 + 0.5 * chance.clamp(0.0, 1.0));
        pause.max(wish.unwrap_or_default().min(self.longest_pause))
    }

    /// Whether what happened at `at` is too old by `now`, both in milliseconds since 1970.
    pub(super) fn is_too_old(&self, at: u64, now: u64) -> bool {
        u128::from(now.saturating_sub(at)) >= self.give_up.as_millis()
    }
}

/// What a `Retry-After` asks for: seconds, or a date.
pub(super) fn retry_after(text: &str, now: SystemTime) -> Option<Duration> {
    let text = text.trim();
    if let Ok(seconds) = text.parse() {
        return Some(Duration::from_secs(seconds));
    }
    let date = httpdate::parse_http_date(text).ok()?;
    Some(date.duration_since(now).unwrap_or_default())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn seconds(seconds: f64) -> Duration {
        Duration::from_secs_f64(seconds)
    }

    #[test]
    fn pauses_double_up_to_an_hour() {
        let pace = Pace::DEFAULT;
        let longest: Vec<f64> = [1, 2, 3, 11, 12, 13, 40, u32::MAX]
            .map(|failed| pace.pause(failed, None, 1.0).as_secs_f64())
            .into();
        assert_eq!(longest, [1.0, 2.0, 4.0, 1024.0, 2048.0, 3600.0, 3600.0, 3600.0]);
        assert_eq!(pace.pause(3, None, 0.0), seconds(2.0));
        assert_eq!(pace.pause(3, None, 0.5), seconds(3.0));
    }

    #[test]
    fn a_receiver_may_ask_for_longer_and_not_for_shorter() {
        let pace = Pace::DEFAULT;
        assert_eq!(pace.pause(3, Some(seconds(60.0)), 1.0), seconds(60.0));
        assert_eq!(pace.pause(3, Some(seconds(0.0)), 1.0), seconds(4.0));
        assert_eq!(pace.pause(3, Some(Duration::MAX), 1.0), seconds(3600.0));
    }

    #[test]
    fn wishes() {
        let now = httpdate::parse_http_date("Sun, 06 Nov 1994 08:49:37 GMT").unwrap();
        for (text, wish) in [
            ("120", Some(120.0)),
            (" 0 ", Some(0.0)),
            ("Sun, 06 Nov 1994 08:50:37 GMT", Some(60.0)),
            ("Sun, 06 Nov 1994 08:00:00 GMT", Some(0.0)),
            ("-1", None),
            ("1.5", None),
            ("soon", None),
            ("", None),
            ("99999999999999999999999", None),
        ] {
            assert_eq!(retry_after(text, now), wish.map(seconds), "{text}");
        }
    }

    #[test]
    fn a_day_is_enough() {
        let day = 24 * 3600 * 1000;
        assert!(!Pace::DEFAULT.is_too_old(5, 5 + day - 1));
        assert!(Pace::DEFAULT.is_too_old(5, 5 + day));
        assert!(!Pace::DEFAULT.is_too_old(5, 0), "a clock that was set back");
    }
}
