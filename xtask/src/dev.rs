//! `cargo xtask dev`: the playground, built and started. It opens no window: there is no page of its own yet.

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
        "Building the playground: the server with every handler in handlers/ (the first time takes minutes)."
    );
    println!("It then says `listening on ...`, and takes, until Ctrl-C stops it:");
    println!("  health      http://localhost:{port}/healthz");
    println!(
        "  guest token curl -X POST http://localhost:{port}/api/dev/token -H 'content-type: application/json' -d '{{}}'"
    );
    println!("  Socket.IO   http://localhost:{port}/socket.io/");
    let status =
        workspace::cargo(["run", "--package", "playground"]).variable("PORT", port.to_string()).run()?;
    let stopped_as_asked = program::interrupted() || status.success();
    Ok(if stopped_as_asked { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}
