//! `cargo xtask bench`: the load generator in release mode. What it measures and prints is the bench crate's.

use std::{ffi::OsString, process::ExitCode};

use clap::Args;

use crate::workspace;

/// Options of `cargo xtask bench`.
#[derive(Debug, Args)]
#[command(disable_help_flag = true)]
pub(crate) struct Options {
    /// Passed on to the bench of events: `--quick` for a short run, `--help` for all there is
    #[arg(trailing_var_arg = true, allow_hyphen_values = true)]
    arguments: Vec<OsString>,
}

/// Builds the bench and runs it.
pub(crate) fn run(options: &Options) -> anyhow::Result<ExitCode> {
    let events = ["run", "--release", "--package", "syncline-bench", "--", "events"];
    workspace::cargo(events).arguments(&options.arguments).succeed()?;
    Ok(ExitCode::SUCCESS)
}
