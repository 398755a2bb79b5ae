//! `cargo xtask dev`: the playground, built and started. It opens no browser.

use std::process::ExitCode;

use clap::Args;

use crate::{program, workspace};

/// Options of `cargo xtask dev`.
#[derive(Debug, Args)]
pub(crate) struct Options {
    /// The port to listen on
    #[arg(long, env = "PORT", default_value_t = 4000)]
    port: u16,
}

/// Runs the playground until it ends or Ctrl-C stops it.
pub(crate) fn run(options: &Options) -> anyhow::Result<ExitCode> {
    let Options { port } = options;
    println!(
        "Building the playground, the server with every handler in handlers/; the first time takes minutes."
    );
    println!("Once it says `listening on`, open http://localhost:{port}/ in a browser. Ctrl-C stops it.");
    let status =
        workspace::cargo(["run", "--package", "playground"]).variable("PORT", port.to_string()).run()?;
    let ended_well = status.success() || program::interrupted();
    Ok(if ended_well { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}
