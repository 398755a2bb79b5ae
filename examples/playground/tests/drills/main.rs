//! Failure drills on real processes: nodes of the playground's binary, a redis-server and a nats-server, that are killed,
//! stopped and cut off under load.
//!
//! Whoever survives, or comes back, has to hold what was committed last within [`RECOVERY`], and nobody may ever see a
//! version go back. Here a few rounds of each run; `cargo xtask drills` runs many, with longer outages. What a single
//! system does in each case is tested with that system.

mod cut;
mod followers;
mod nats_lost;
#[path = "../../../../server/tests/support/nats_server.rs"]
mod nats_server;
mod node;
mod node_lost;
#[path = "../../../../server/tests/support/own_server.rs"]
#[expect(dead_code, reason = "the tests of nodes use the rest")]
mod own_server;
mod redis_lost;
#[path = "../../../../server/tests/support/redis_server.rs"]
#[expect(dead_code, reason = "the tests of records and of TLS use the rest")]
mod redis_server;
mod scene;
mod workspace_killed;
mod workspace_large;
mod workspace_nodes;
mod workspace_writers;
mod workspaces_apart;
mod writers;

use std::time::Duration;

/// How long it may take, from the end of a failure, until everybody holds what was committed last.
pub(crate) const RECOVERY: Duration = Duration::from_secs(5);

/// How many rounds each drill has.
pub(crate) fn rounds() -> usize {
    number("DRILL_ROUNDS", 2)
}

/// How long a Redis or a NATS is away.
pub(crate) fn outage() -> Duration {
    Duration::from_secs(number("DRILL_OUTAGE_SECONDS", 2) as u64)
}

/// How many followers of each kind there are on each node.
pub(crate) fn followers() -> usize {
    number("DRILL_FOLLOWERS", 10)
}

/// How many keys the large workspace has.
pub(crate) fn keys() -> usize {
    number("DRILL_KEYS", 5_000)
}

fn number(name: &str, otherwise: usize) -> usize {
    std::env::var(name).map_or(otherwise, |text| text.parse().unwrap_or_else(|_| panic!("{name}: a number")))
}
