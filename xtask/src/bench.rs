//! `cargo xtask bench`: the load generator in release mode. What it measures and prints is the bench crate's.

use std::{ffi::OsString, process::ExitCode};

use clap::Args;

use crate::workspace;

/// Options of `cargo xtask bench`.
#[derive(Debug, Args)]
#[command(disable_help_flag = true)]
pub(crate) struct Options {
    /// Which bench: `events` (the default), `endurance`, `micro`, `instructions`, `snapshots`, `streams`, `workspaces`,
    /// `documents` or `hostile`; the rest is passed on to it: `--help` lists all there is, `--quick` is a short run of events
    #[arg(trailing_var_arg = true, allow_hyphen_values = true)]
    arguments: Vec<OsString>,
}

/// The benches, as the bench crate names them.
const BENCHES: [&str; 8] =
    ["events", "endurance", "instructions", "snapshots", "streams", "workspaces", "documents", "hostile"];

/// The one that cargo runs itself.
const MICRO: &str = "micro";

/// Builds the bench and runs it.
pub(crate) fn run(options: &Options) -> anyhow::Result<ExitCode> {
    let named = options.arguments.first().and_then(|first| first.to_str());
    if named == Some(MICRO) {
        let bench = ["bench", "--package", "syncline-bench", "--bench", MICRO, "--"];
        workspace::cargo(bench).arguments(&options.arguments[1..]).succeed()?;
        return Ok(ExitCode::SUCCESS);
    }
    let names_one = named.is_some_and(|named| BENCHES.contains(&named));
    let bench = ["run", "--release", "--package", "syncline-bench", "--"];
    let bench = bench.into_iter().chain((!names_one).then_some(BENCHES[0]));
    workspace::cargo(bench).arguments(&options.arguments).succeed()?;
    Ok(ExitCode::SUCCESS)
}
