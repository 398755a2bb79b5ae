//! The way out at a stop: many connections are ended in waves, so that their clients do not come back all at once.
//!
//! How one is ended is its system's.

use std::time::Duration;

/// In how many waves.
const WAVES: usize = 20;

/// Over how long at most.
const SPREAD: Duration = Duration::from_secs(3);

/// Ends each of these, over a quarter of `budget` at most.
pub(crate) async fn in_waves<T>(all: &[T], budget: Duration, end: impl Fn(&T)) {
    let pause = (budget / 4).min(SPREAD) / WAVES as u32;
    for wave in all.chunks(all.len().div_ceil(WAVES).max(1)) {
        wave.iter().for_each(&end);
        tokio::time::sleep(pause).await;
    }
}
