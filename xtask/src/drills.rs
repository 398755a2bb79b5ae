//! `cargo xtask drills`: the failure drills with their full counts, for some minutes. A few rounds of each are a step of
//! `cargo xtask test`; what they do is in `examples/playground/tests/drills`, for the journal in its `embedded/crash.rs`, for documents
//! in `server/tests/documents/killed.rs` and `e2e/yjs`.

use std::process::ExitCode;

use clap::Args;

use crate::test::{document_drill, failure_drills, journal_drill, yjs_drills};

/// Options of `cargo xtask drills`.
#[derive(Debug, Args)]
pub(crate) struct Options {
    /// Rounds of each drill
    #[arg(long, default_value_t = 20)]
    rounds: usize,
    /// How long a Redis is away, in seconds; nodes are cut apart, and a bucket is away, for three times as long
    #[arg(long, default_value_t = 10)]
    outage: u64,
    /// Followers of a game, and as many of a room, on each of two nodes
    #[arg(long, default_value_t = 10)]
    followers: usize,
    /// How often the journal's writer is killed
    #[arg(long, default_value_t = 500)]
    journal_kills: usize,
    /// Keys of the large workspace
    #[arg(long, default_value_t = 100_000)]
    keys: usize,
    /// How often the node of documents is killed
    #[arg(long, default_value_t = 100)]
    document_kills: usize,
    /// Rounds in which stock Yjs clients write and come and go
    #[arg(long, default_value_t = 100)]
    yjs_rounds: usize,
    /// How long stock Yjs clients do nothing, in seconds
    #[arg(long, default_value_t = 300)]
    yjs_idle: u64,
}

/// Runs them.
pub(crate) fn run(options: &Options) -> anyhow::Result<ExitCode> {
    let Options { rounds, outage, followers, journal_kills, keys, document_kills, yjs_rounds, yjs_idle } =
        options;
    journal_drill().variable("DRILL_JOURNAL_KILLS", journal_kills.to_string()).succeed()?;
    let drills = failure_drills().variable("DRILL_ROUNDS", rounds.to_string());
    let drills = drills.variable("DRILL_OUTAGE_SECONDS", outage.to_string());
    let drills = drills.variable("DRILL_FOLLOWERS", followers.to_string());
    drills.variable("DRILL_KEYS", keys.to_string()).succeed()?;
    let killed = document_drill("killed::what_a_second_client_has_seen_outlives_a_kill_under_load");
    killed.variable("DRILL_DOCUMENT_KILLS", document_kills.to_string()).succeed()?;
    for (test, outages) in [
        ("cluster::a_redis_that_was_away_leaves_no_difference", 1),
        ("s3::editing_goes_on_while_the_bucket_is_away", 3),
    ] {
        let seconds = (outage * outages).to_string();
        document_drill(test).variable("DRILL_DOCUMENT_OUTAGE_SECONDS", seconds).succeed()?;
    }
    yjs_drills(*yjs_rounds, *yjs_idle)?;
    Ok(ExitCode::SUCCESS)
}
