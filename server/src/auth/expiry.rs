//! When a token's time comes, by the clock of timers.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use tokio::time::Instant;

/// The instant of a time in seconds since 1970: now, if it has passed, and never further ahead than a timer can be.
pub(crate) fn instant_of(seconds: u64) -> Instant {
    const FAR: Duration = Duration::from_secs(10 * 365 * 24 * 3600);
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    Instant::now() + Duration::from_secs(seconds).saturating_sub(now).min(FAR)
}
