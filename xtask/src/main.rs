//! The workspace's tasks, each one word: `cargo xtask <word>`. Without a word it lists them.
//!
//! A task only starts programs and says what it does; what the programs do is theirs. Unix only, for process
//! groups.

mod bench;
mod codegen;
mod dev;
mod drills;
mod fuzz;
mod npm;
mod program;
mod test;
mod workspace;

use std::process::ExitCode;

use clap::{CommandFactory, Parser, Subcommand};
use syncline_codegen::cli::{CodegenOptions, NewHandlerOptions};

/// The tasks of this workspace.
#[derive(Debug, Parser)]
#[command(name = "cargo xtask", bin_name = "cargo xtask")]
struct Cli {
    #[command(subcommand)]
    task: Option<Task>,
}

#[derive(Debug, Subcommand)]
enum Task {
    /// Builds and starts the playground, a server with the shipped handlers
    Dev(dev::Options),
    /// Runs all tests: formatting, lints, Rust, stock Socket.IO clients
    Test(test::Options),
    /// Writes what is generated from the handlers: the TypeScript of the npm package
    Codegen(CodegenOptions),
    /// Writes a new handler, or the next version of one, and then the types
    NewHandler(NewHandlerOptions),
    /// Measures, in release mode: events against bare socketioxide, endurance, snapshots, streams, workspaces, hostile clients
    Bench(bench::Options),
    /// Kills a Redis, a node and a line under load, many times
    Drills(drills::Options),
    /// Fuzzes one target for a while
    Fuzz(fuzz::Options),
}

fn main() -> ExitCode {
    match run(Cli::parse().task) {
        Ok(code) => code,
        Err(error) => {
            eprintln!("error: {error:#}");
            ExitCode::FAILURE
        }
    }
}

fn run(task: Option<Task>) -> anyhow::Result<ExitCode> {
    program::forward_interrupts()?;
    match task {
        None => {
            Cli::command().print_help()?;
            Ok(ExitCode::SUCCESS)
        }
        Some(Task::Dev(options)) => dev::run(&options),
        Some(Task::Test(options)) => test::run(&options),
        Some(Task::Codegen(options)) => codegen::project()?.codegen(&options),
        Some(Task::NewHandler(options)) => codegen::project()?.new_handler(&options),
        Some(Task::Bench(options)) => bench::run(&options),
        Some(Task::Drills(options)) => drills::run(&options),
        Some(Task::Fuzz(options)) => fuzz::run(&options),
    }
}
