//! The way in: accepted connections, the checks before any system sees a request, limits, and the way out at a stop.
//!
//! It knows sockets and HTTP, and nothing of what is sent over them.

mod address;
mod body;
mod conditional;
mod crowd;
mod drain;
mod front;
mod handshakes;
mod kill_switch;
mod limits;
mod linger;
mod public;
mod serve;
mod upgrades;

use std::{sync::Arc, time::Duration};

pub(crate) use address::{ClientAddress, TrustedProxies};
pub(crate) use body::read_json_body;
pub(crate) use conditional::names_tag;
pub(crate) use crowd::Crowd;
pub(crate) use drain::in_waves;
pub(crate) use front::{Front, RequestContext, front};
pub(crate) use handshakes::{HandshakeLimiter, PendingHandshake};
pub(crate) use kill_switch::KillSwitch;
pub(crate) use limits::{RateLimits, RetryAfter};
pub(crate) use public::is_public;
pub(crate) use serve::{Listening, bind, serve};
pub(crate) use upgrades::Upgrades;

/// How often what has gone stale is forgotten.
const UPKEEP: Duration = Duration::from_secs(10);

/// Forgets stale rate-limit buckets and ended connections, and gives back what was taken for a crowd that has gone, for as
/// long as the server runs.
pub(crate) async fn upkeep(limits: Arc<RateLimits>, upgrades: Arc<Upgrades>, crowd: Crowd) {
    let mut ticks = tokio::time::interval(UPKEEP);
    loop {
        ticks.tick().await;
        limits.sweep();
        upgrades.sweep();
        if crowd.has_gone() {
            let gave = tokio::task::spawn_blocking(syncline_heap::give_back).await;
            tracing::debug!(memory = gave.unwrap_or_default(), "many connections have gone");
        }
    }
}
