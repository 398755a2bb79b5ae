//! The stock binary: the state systems, no handlers, so events are off.

use std::process::ExitCode;

use syncline_server::{Config, Server, cli};

fn main() -> ExitCode {
    cli::run("syncline-server", |config| Server::builder(Config { events: false, ..config }).build())
}
