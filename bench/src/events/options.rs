//! What `bench events` is asked for, and what that comes to: the shape, the rounds, how long each run is.

use std::path::PathBuf;

use anyhow::ensure;
use clap::{Args, ValueEnum};

use crate::load::Shape;
use crate::report::Settings;

const QUICK_SECONDS: f64 = 60.0;
/// What one server takes in a round besides its three runs: two starts, connecting, warming up, memory settling.
const OVERHEAD_SECONDS: f64 = 2.4;
const RUNS: f64 = 3.0;

/// What to run.
#[derive(Debug, Args)]
pub(crate) struct Options {
    /// Two short rounds of Syncline and its reference: about a minute in all.
    #[arg(long)]
    pub(super) quick: bool,
    /// The load, as named in the README.
    #[arg(long, value_enum, ignore_case = true, default_value_t = Preset::G)]
    shape: Preset,
    /// Changes the shape: how many connections.
    #[arg(long)]
    connections: Option<usize>,
    /// Changes the shape: connections in a room.
    #[arg(long)]
    room_size: Option<usize>,
    /// Changes the shape: connections that send.
    #[arg(long)]
    senders: Option<usize>,
    /// Changes the shape: bytes of a request's data.
    #[arg(long)]
    payload: Option<usize>,
    /// Only these servers, by name; the reference is always among them.
    #[arg(long = "server")]
    pub(super) servers: Vec<String>,
    /// Node's Socket.IO too, which a full run has by itself.
    #[arg(long)]
    pub(super) node: bool,
    #[arg(long)]
    rounds: Option<usize>,
    /// Measured time of each of the three runs on each server.
    #[arg(long)]
    seconds: Option<f64>,
    /// Requests that each sender keeps under way at saturation.
    #[arg(long, default_value_t = 1)]
    window: u64,
    /// Requests that each sender keeps under way in the pipelined run, the one that can show inversions.
    #[arg(long, default_value_t = 16)]
    pipeline: u64,
    /// Deliveries per second of the run at a fixed rate.
    #[arg(long, default_value_t = 100_000)]
    rate: u64,
    /// Connections of the idle memory measurement.
    #[arg(long, default_value_t = 2_000)]
    idle: usize,
    /// After the three runs, rising rates up to the first that a server does not hold.
    #[arg(long)]
    ladder: bool,
    /// The rates of the ladder, in deliveries per second.
    #[arg(long, value_delimiter = ',', default_values_t = RATES)]
    ladder_rates: Vec<u64>,
    /// Measured time of each rate of the ladder.
    #[arg(long, default_value_t = 1.5)]
    ladder_seconds: f64,
    /// On a process of their own, runs in which so many percent of the connections stop reading.
    #[arg(long, value_name = "PERCENT")]
    stuck: Option<f64>,
    /// Leave server and load generator to the scheduler.
    #[arg(long)]
    pub(super) no_pin: bool,
    /// Where the figures go as JSON.
    #[arg(long, default_value = "target/bench/events.json")]
    pub(super) out: PathBuf,
    /// Draws charts into this folder.
    #[arg(long, value_name = "FOLDER")]
    pub(super) charts: Option<PathBuf>,
}

/// Finer where most servers end.
const RATES: [u64; 13] = [
    20_000, 30_000, 40_000, 60_000, 80_000, 100_000, 150_000, 200_000, 300_000, 400_000, 500_000, 700_000,
    1_000_000,
];

/// The loads that the project's targets speak of.
#[derive(Clone, Copy, Debug, ValueEnum)]
enum Preset {
    /// 1,000 connections, rooms of 100, 100 senders, 150 B: the main shape.
    G,
    /// As G with 10 senders.
    B,
    /// One room of 1,000, 4 senders.
    C,
    /// As G with 4 KiB payloads.
    D,
    /// One room of 5,000, 4 senders.
    E,
    /// As G with 10,000 connections.
    F,
}

impl Preset {
    fn shape(self) -> Shape {
        let main = Shape { connections: 1_000, room_size: 100, senders: 100, payload: 150 };
        match self {
            Self::G => main,
            Self::B => Shape { senders: 10, ..main },
            Self::C => Shape { room_size: 1_000, senders: 4, ..main },
            Self::D => Shape { payload: 4_096, ..main },
            Self::E => Shape { connections: 5_000, room_size: 5_000, senders: 4, ..main },
            Self::F => Shape { connections: 10_000, ..main },
        }
    }
}

impl Options {
    fn shape(&self) -> anyhow::Result<Shape> {
        let preset = self.shape.shape();
        Shape {
            connections: self.connections.unwrap_or(preset.connections),
            room_size: self.room_size.unwrap_or(preset.room_size),
            senders: self.senders.unwrap_or(preset.senders),
            payload: self.payload.unwrap_or(preset.payload),
        }
        .checked()
    }

    /// How the figures of so many servers are to be taken.
    pub(super) fn settings(&self, servers: usize, pinned: bool, cores: usize) -> anyhow::Result<Settings> {
        let (rounds, seconds) = self.times(servers);
        let shape = self.shape()?;
        if let Some(percent) = self.stuck {
            ensure!(!shape.listeners(percent).is_empty(), "{percent} % of the connections are none");
        }
        Ok(Settings {
            shape,
            rounds,
            seconds,
            window: self.window,
            pipeline: self.pipeline,
            steady_rate: self.rate,
            ladder_rates: if self.ladder { self.ladder_rates.clone() } else { Vec::new() },
            ladder_seconds: self.ladder_seconds,
            stuck_percent: self.stuck,
            idle_connections: self.idle,
            pinned,
            cores,
            optimized: !cfg!(debug_assertions),
        })
    }

    /// Rounds, and seconds of each run. A quick bench has shorter runs the more servers there are.
    fn times(&self, servers: usize) -> (usize, f64) {
        let rounds = self.rounds.unwrap_or(if self.quick { 2 } else { 5 });
        let quick = || (QUICK_SECONDS / (rounds * servers) as f64 - OVERHEAD_SECONDS) / RUNS;
        let seconds = if self.quick { quick().clamp(0.5, 2.0) } else { 5.0 };
        (rounds, self.seconds.unwrap_or(seconds))
    }
}
