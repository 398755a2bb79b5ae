//! The command line of a server binary: `--help` and `--check-config` list every setting; without them it serves.

use std::process::ExitCode;

use clap::{Arg, ArgAction, Command};

use crate::{BuildError, Config, Server, help_text, init_logging};

/// Reads the command line and the settings, builds the server and runs it until it is told to stop.
///
/// Exit codes: 0 after a graceful stop, 2 for settings or handlers that are not right, 1 for anything else.
#[expect(
    clippy::print_stderr,
    clippy::print_stdout,
    reason = "this is what the operator reads before there is a log"
)]
pub fn run(name: &'static str, build: impl FnOnce(Config) -> Result<Server, BuildError>) -> ExitCode {
    let check = Arg::new("check-config").long("check-config").action(ArgAction::SetTrue);
    let matches = Command::new(name)
        .version(env!("CARGO_PKG_VERSION"))
        .about("Typed real-time sync over Socket.IO and HTTP")
        .arg(check.help("Check the settings and the handlers, say what they come to, and exit"))
        .after_help(help_text())
        .get_matches();
    let config = match Config::load() {
        Ok(config) => config,
        Err(error) => {
            eprintln!("{name}: {error}");
            return ExitCode::from(2);
        }
    };
    let check_only = matches.get_flag("check-config");
    if check_only {
        print!("{config}");
    } else {
        init_logging(&config);
    }
    let server = match build(config) {
        Ok(server) => server,
        Err(error) => {
            eprintln!("{name}: {error}");
            return ExitCode::from(2);
        }
    };
    if check_only {
        println!("all right");
        return ExitCode::SUCCESS;
    }
    match server.run() {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("{name}: {error}");
            ExitCode::FAILURE
        }
    }
}
