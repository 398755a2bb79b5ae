//! `cargo xtask dev`: the playground's server and its page, built and started, the page with hot reload.

use std::{
    env,
    io::{IsTerminal as _, stdout},
    process::ExitCode,
};

use anyhow::bail;
use clap::Args;

use crate::{
    npm,
    program::{self, Program},
    workspace,
};

/// Options of `cargo xtask dev`.
#[derive(Debug, Args)]
pub(crate) struct Options {
    /// The port that the server listens on
    #[arg(long, env = "PORT", default_value_t = 4000)]
    port: u16,
    /// The port of the page with hot reload; the next free one if it is taken
    #[arg(long, default_value_t = 5173)]
    page_port: u16,
    /// Opens no browser
    #[arg(long)]
    no_open: bool,
}

/// Runs the playground until it ends or Ctrl-C stops it.
pub(crate) fn run(options: &Options) -> anyhow::Result<ExitCode> {
    let Options { port, page_port, no_open } = options;
    if let Some(lack) = npm::lack() {
        bail!(
            "the playground's page needs {lack}. Without it the server alone is `cargo run --package playground`"
        );
    }
    println!(
        "Building the client package, the page and the server; the first time takes minutes. Ctrl-C stops it."
    );
    npm::build(npm::CLIENT)?;
    npm::build(npm::PLAYGROUND)?;
    workspace::cargo(["build", "--package", "playground"]).succeed()?;
    println!(
        "The server listens on port {port} and serves the page as it was just built. Hot reload is on the page below."
    );
    let server =
        workspace::cargo(["run", "--quiet", "--package", "playground"]).variable("PORT", port.to_string());
    let mut page = Program::named("npm")
        .arguments(["run", "dev", "--", "--port", &page_port.to_string()])
        .folder(npm::PLAYGROUND)
        .variable("SYNCLINE_SERVER", format!("http://localhost:{port}"));
    if !no_open && someone_looks() {
        page = page.arguments(["--open"]);
    }
    let status = program::run_together([server, page])?;
    let ended_well = status.success() || program::interrupted();
    Ok(if ended_well { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

/// Whether this was typed by somebody in front of a screen.
fn someone_looks() -> bool {
    let screen = cfg!(target_os = "macos")
        || ["DISPLAY", "WAYLAND_DISPLAY"].iter().any(|name| env::var_os(name).is_some());
    stdout().is_terminal() && screen && !workspace::in_ci()
}
