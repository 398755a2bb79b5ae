//! Token buckets: per address, per user and route, and those that handlers declare.
//!
//! A bucket that is full again is forgotten, so memory follows the clients of the last seconds and not of all time.

use std::{net::IpAddr, num::NonZeroU32, sync::Arc};

use governor::{
    Quota, RateLimiter,
    clock::{Clock as _, DefaultClock},
    state::keyed::DashMapStateStore,
};
use syncline::{RateLimit, Registry, RouteId};

use super::ClientAddress;

type Limiter<K> = RateLimiter<K, DashMapStateStore<K>, DefaultClock>;

/// The limits of one server.
pub(crate) struct RateLimits {
    clock: DefaultClock,
    per_address: Option<Limiter<IpAddr>>,
    per_route: Option<Limiter<(Arc<str>, Place)>>,
    declared: Vec<Option<Limiter<Arc<str>>>>,
}

/// Where a user's requests are counted together.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
enum Place {
    Route(usize),
    Workspaces,
}

/// How many whole seconds until a request of the kind can pass.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct RetryAfter(pub(crate) u64);

impl RateLimits {
    pub(crate) fn new(
        per_address: Option<RateLimit>,
        per_route: Option<RateLimit>,
        registry: &Registry,
    ) -> Self {
        Self {
            clock: DefaultClock::default(),
            per_address: per_address.map(|limit| RateLimiter::dashmap(quota(limit))),
            per_route: per_route.map(|limit| RateLimiter::dashmap(quota(limit))),
            declared: registry
                .routes()
                .iter()
                .map(|route| route.rate_limit().map(|limit| RateLimiter::dashmap(quota(limit))))
                .collect(),
        }
    }

    /// Counts any request from that address.
    pub(crate) fn check_address(&self, address: ClientAddress) -> Result<(), RetryAfter> {
        self.check(self.per_address.as_ref(), &address.bucket())
    }

    /// Counts a request of that user on that route.
    pub(crate) fn check_route(&self, user: &Arc<str>, route: RouteId) -> Result<(), RetryAfter> {
        if self.per_route.is_some() {
            self.check(self.per_route.as_ref(), &(Arc::clone(user), Place::Route(route.0)))?;
        }
        self.check(self.declared.get(route.0).and_then(Option::as_ref), user)
    }

    /// Counts what a user says to workspaces.
    pub(crate) fn check_workspaces(&self, user: &Arc<str>) -> Result<(), RetryAfter> {
        if self.per_route.is_none() {
            return Ok(());
        }
        self.check(self.per_route.as_ref(), &(Arc::clone(user), Place::Workspaces))
    }

    fn check<K: std::hash::Hash + Eq + Clone>(
        &self,
        limiter: Option<&Limiter<K>>,
        key: &K,
    ) -> Result<(), RetryAfter> {
        let Some(limiter) = limiter else { return Ok(()) };
        limiter.check_key(key).map_err(|not_until| {
            let wait = not_until.wait_time_from(self.clock.now());
            RetryAfter(wait.as_millis().div_ceil(1000).max(1) as u64)
        })
    }

    /// Forgets the buckets that are full again.
    pub(crate) fn sweep(&self) {
        if let Some(limiter) = &self.per_address {
            limiter.retain_recent();
            limiter.shrink_to_fit();
        }
        if let Some(limiter) = &self.per_route {
            limiter.retain_recent();
            limiter.shrink_to_fit();
        }
        for limiter in self.declared.iter().flatten() {
            limiter.retain_recent();
            limiter.shrink_to_fit();
        }
    }
}

fn quota(limit: RateLimit) -> Quota {
    let at_least_one = |number| NonZeroU32::new(number).unwrap_or(NonZeroU32::MIN);
    let every = limit.period / at_least_one(limit.requests).get();
    Quota::with_period(every.max(std::time::Duration::from_nanos(1)))
        .unwrap_or_else(|| Quota::per_second(at_least_one(limit.requests)))
        .allow_burst(at_least_one(limit.burst))
}
