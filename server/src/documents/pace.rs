//! How fast one socket may talk: whoever is faster is listened to later. Nothing that it says is left out, since to Yjs an
//! update that is left out is a hole.

use std::num::NonZeroU32;

use futures_util::FutureExt as _;
use governor::{
    DefaultDirectRateLimiter, Quota, RateLimiter,
    clock::{Clock as _, DefaultClock},
};

use crate::ws::Work;

/// More than any hand makes.
const EACH_SECOND: NonZeroU32 = NonZeroU32::new(500).unwrap();
const AT_ONCE: NonZeroU32 = NonZeroU32::new(1000).unwrap();

/// One socket's pace.
pub(super) struct Pace {
    limiter: DefaultDirectRateLimiter,
    clock: DefaultClock,
}

impl Pace {
    pub(super) fn new() -> Self {
        let quota = Quota::per_second(EACH_SECOND).allow_burst(AT_ONCE);
        Self { limiter: RateLimiter::direct(quota), clock: DefaultClock::default() }
    }

    /// Counts a message; what is to be waited for before the next one is heard, if anything is.
    pub(super) fn wait(&mut self) -> Option<Work> {
        let not_until = self.limiter.check().err()?;
        let wait = not_until.wait_time_from(self.clock.now());
        let work = async move {
            tokio::time::sleep(wait).await;
            Ok(())
        };
        Some(work.boxed())
    }
}
