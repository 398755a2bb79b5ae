//! `cargo xtask drills`: the failure drills with their full counts, for some minutes. A few rounds of each are a step of
//! `cargo xtask test`; what they do is in `examples/playground/tests/drills`.

use std::process::ExitCode;

use clap::Args;

use crate::test::{failure_drills, yjs_drills};

/// Options of `cargo xtask drills`.
#[derive(Debug, Args)]
pub(crate) struct Options {
    /// Rounds of each drill
    #[arg(long, default_value_t = 20)]
    rounds: usize,
    /// How long a Redis is away, in seconds
    #[arg(long, default_value_t = 10)]
    outage: u64,
    /// Followers of a game, and as many of a room, on each of two nodes
    #[arg(long, default_value_t = 10)]
    followers: usize,
    /// Rounds in which stock Yjs clients write and come and go
    #[arg(long, default_value_t = 100)]
    yjs_rounds: usize,
    /// How long stock Yjs clients do nothing, in seconds
    #[arg(long, default_value_t = 300)]
    yjs_idle: u64,
}

/// Runs them.
pub(crate) fn run(options: &Options) -> anyhow::Result<ExitCode> {
    let Options { rounds, outage, followers, yjs_rounds, yjs_idle } = options;
    let drills = failure_drills().variable("DRILL_ROUNDS", rounds.to_string());
    let drills = drills.variable("DRILL_OUTAGE_SECONDS", outage.to_string());
    drills.variable("DRILL_FOLLOWERS", followers.to_string()).succeed()?;
    yjs_drills(*yjs_rounds, *yjs_idle)?;
    Ok(ExitCode::SUCCESS)
}
