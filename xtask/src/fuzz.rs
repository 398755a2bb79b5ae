//! `cargo xtask fuzz`: one fuzz target for a while. The targets live in `fuzz/`, outside the workspace.

use std::process::ExitCode;

use anyhow::bail;
use clap::Args;

use crate::program::Program;

/// Options of `cargo xtask fuzz`.
#[derive(Debug, Args)]
pub(crate) struct Options {
    /// A target of the folder `fuzz`
    #[arg(default_value = "sync_request")]
    target: String,
    /// How long to look for a crash
    #[arg(long, default_value_t = 60)]
    seconds: u64,
}

/// Fuzzes until the time is up or a crash is found.
pub(crate) fn run(options: &Options) -> anyhow::Result<ExitCode> {
    // Fuzzing needs the nightly compiler; by its plain name `cargo` is the one that can choose a toolchain.
    let cargo = || Program::named("cargo").arguments(["+nightly"]);
    if cargo().arguments(["--version"]).output().is_none() {
        bail!("fuzzing needs the nightly compiler: rustup toolchain install nightly");
    }
    if cargo().arguments(["fuzz", "--version"]).output().is_none() {
        bail!("fuzzing needs cargo-fuzz: cargo install cargo-fuzz --locked");
    }
    let time = format!("-max_total_time={}", options.seconds);
    println!("Fuzzing `{}` for {} s.", options.target, options.seconds);
    // yrs keeps what belongs to a document with documents in it for ever, which would end the run at once.
    let leaks = "-detect_leaks=0";
    cargo().arguments(["fuzz", "run", &options.target, "--", &time, leaks]).succeed()?;
    Ok(ExitCode::SUCCESS)
}
