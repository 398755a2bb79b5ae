//! The bench: Syncline beside its peers, under one load, in one run.
//!
//! `events`, `endurance`, `instructions`, `snapshots`, `streams`, `workspaces`, `documents` and `hostile` are the commands
//! for people. The `serve-*` commands are hidden: the runner starts itself with them, so that each server is a process of
//! its own. Nothing here is part of what Syncline ships.

mod bare;
mod bench;
mod ceiling;
mod endurance;
mod events;
mod instructions;
mod load;
mod npm;
mod process;
mod report;
mod server;
mod state;
mod subject;

use clap::{Parser, Subcommand};

/// Measures Syncline against its peers.
#[derive(Debug, Parser)]
struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Sync events: throughput, latency, memory and correctness.
    Events(events::Options),
    /// Sync events: a long time, a flood of handshakes, a crowd that goes at once.
    Endurance(endurance::Options),
    /// Sync events: instructions of the server for a delivery, counted by callgrind.
    Instructions(instructions::Options),
    /// Snapshots: how late a thousand watchers on two nodes see a write.
    Snapshots(state::SnapshotOptions),
    /// Ten thousand streams of rooms on one node: memory, heartbeats, writes.
    Streams(state::StreamOptions),
    /// Workspaces: ops that are on disk, growth, loading, memory; beside the naive way.
    Workspaces(state::WorkspaceOptions),
    /// Documents: updates, memory, loading; beside two servers of npm, which it installs.
    Documents(state::DocumentOptions),
    /// Clients that mean harm: what becomes of them, and of the others.
    Hostile(state::HostileOptions),
    #[command(hide = true)]
    ServeBare {
        #[arg(value_enum)]
        manner: bare::Manner,
        #[arg(long, value_enum, default_value_t = bare::Runtime::MultiThread)]
        runtime: bare::Runtime,
    },
    #[command(hide = true)]
    ServeCeiling,
    #[command(hide = true)]
    ServeSyncline {
        #[arg(long, default_value_t = 1)]
        threads: usize,
        /// A setting beside those that a bench needs, `NAME=value`.
        #[arg(long = "set")]
        settings: Vec<String>,
    },
}

fn main() -> anyhow::Result<()> {
    match Cli::parse().command {
        Command::Events(options) => events::run(&options),
        Command::Endurance(options) => endurance::run(&options),
        Command::Instructions(options) => instructions::run(&options),
        Command::Snapshots(options) => state::snapshots(&options),
        Command::Streams(options) => state::streams(&options),
        Command::Workspaces(options) => state::workspaces(&options),
        Command::Documents(options) => state::documents(&options),
        Command::Hostile(options) => state::hostile(&options),
        Command::ServeBare { manner, runtime } => {
            process::end_with_parent();
            bare::serve(manner, runtime)
        }
        Command::ServeCeiling => {
            process::end_with_parent();
            ceiling::serve()
        }
        Command::ServeSyncline { threads, settings } => {
            process::end_with_parent();
            subject::serve(threads, &settings)
        }
    }
}
