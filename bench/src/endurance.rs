//! `bench endurance`: what a server makes of a long time, of a flood of handshakes and of a crowd that goes at once.
//!
//! Each part has a process of its own, and a load beside it whose every message is checked. Memory and times are shown
//! with their targets; only what is wrong fails the bench: a message that is not there once and in order, a file that
//! stays open, a refusal that is not the one that it should be.

mod disconnect;
mod flood;
mod handshakes;
mod samples;
mod soak;

use std::path::PathBuf;
use std::time::Duration;

use anyhow::{Context as _, bail, ensure};
use clap::{Args, ValueEnum};
use disconnect::{Crowd, Disconnect};
use flood::{Flood, Flooding};
use handshakes::LINES;
use serde::Serialize;
use soak::{Load, Soak};

use crate::events::{DRAIN, OTHER_FILES};
use crate::load::{Faults, Fleet, Login, Pace, Plan, Shape};
use crate::process::{Cores, Running, allow_files};
use crate::report::table::write_table;
use crate::report::targets::{self, Verdict};
use crate::server::{Server, named};

const ROOM_SIZE: usize = 100;
const SENDERS: usize = 100;
const PAYLOAD: usize = 150;
/// Those beside whom a flood comes: one room, and few enough to leave the machine to the flood.
const BESIDE_A_FLOOD: Shape = Shape { connections: 100, room_size: 100, senders: 10, payload: PAYLOAD };
const WARM_UP: Duration = Duration::from_millis(300);

/// What to run.
#[derive(Debug, Args)]
pub(crate) struct Options {
    /// Only these parts.
    #[arg(long, value_enum)]
    only: Vec<Which>,
    /// A server by its name; another than one of Syncline's may be wrong in what is no fault of it.
    #[arg(long, default_value = "syncline-equal")]
    server: String,
    /// Soak: how long.
    #[arg(long, default_value_t = 30.0)]
    minutes: f64,
    /// Soak: connections that stay, in rooms of 100.
    #[arg(long, default_value_t = 2_000)]
    connections: usize,
    /// Soak: connections that leave in a second, and come back; 0 for none.
    #[arg(long, default_value_t = 50.0)]
    churn: f64,
    /// Soak and disconnect: deliveries a second.
    #[arg(long, default_value_t = 20_000)]
    rate: u64,
    /// Flood: handshakes a second.
    #[arg(long, default_value_t = 50_000)]
    handshakes: u64,
    /// Flood: how long.
    #[arg(long, default_value_t = 5.0)]
    flood_seconds: f64,
    /// Flood: deliveries a second to those who are connected.
    #[arg(long, default_value_t = 10_000)]
    flood_rate: u64,
    /// Disconnect: connections that go at once, from rooms of 100 and of 20.
    #[arg(long, default_value_t = 10_000)]
    leaving: usize,
    /// Disconnect: when memory is looked at, after they went.
    #[arg(long, default_value_t = 60.0)]
    settle_seconds: f64,
    /// Leave server and load generator to the scheduler.
    #[arg(long)]
    no_pin: bool,
    /// Where the figures go as JSON.
    #[arg(long, default_value = "target/bench/endurance.json")]
    out: PathBuf,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum Which {
    /// A steady load for a long time while others come and go.
    Soak,
    /// Handshakes that nobody finishes.
    Flood,
    /// Very many connections that end at once.
    Disconnect,
}

/// All there is to tell.
#[derive(Debug, Default, Serialize)]
#[serde(rename_all = "camelCase")]
struct Report {
    server: &'static str,
    pinned: bool,
    optimized: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    flood: Option<Flood>,
    #[serde(skip_serializing_if = "Option::is_none")]
    disconnect: Option<Disconnect>,
    #[serde(skip_serializing_if = "Option::is_none")]
    soak: Option<Soak>,
    targets: Vec<Verdict>,
}

/// What every part can tell of itself.
trait Part {
    fn title(&self) -> String;
    fn rows(&self) -> Vec<(&'static str, String)>;
    /// None where there is no figure.
    fn targets(&self) -> Vec<Option<Verdict>>;
    /// What fails the bench.
    fn wrong(&self) -> Vec<String>;
}

/// Where a part is run: which server, on which core.
struct Stage {
    server: &'static Server,
    cores: Option<Cores>,
}

/// Runs the parts, the long one last, prints what they tell and writes the JSON.
pub(crate) fn run(options: &Options) -> anyhow::Result<()> {
    let server = named(&options.server)?;
    ensure!(!server.is_node(), "the servers of Node are in `bench events` only");
    let (load, flooding, crowd) = (options.load()?, options.flooding()?, options.crowd()?);
    let wanted = |part| options.only.is_empty() || options.only.contains(&part);
    // Before the first part, so that nobody waits half an hour to hear of it.
    if wanted(Which::Flood) {
        allow_files(flooding.shape.connections + LINES as usize + OTHER_FILES)?;
    }
    if wanted(Which::Soak) {
        allow_files(load.shape.connections + load.guests() + OTHER_FILES)?;
    }
    if wanted(Which::Disconnect) {
        allow_files(crowd.shape.connections + OTHER_FILES)?;
    }
    let stage = Stage { server, cores: if options.no_pin { None } else { Cores::claim() } };
    if stage.cores.is_none() {
        eprintln!("not pinned: server and load generator share the cores, so the times say little");
    }
    if cfg!(debug_assertions) {
        eprintln!("not an optimized build: the figures say nothing");
    }

    let mut wrong = Vec::new();
    let mut report = Report {
        server: server.name,
        pinned: stage.cores.is_some(),
        optimized: !cfg!(debug_assertions),
        ..Report::default()
    };
    if wanted(Which::Flood) {
        report.flood = part(flooding.run(&stage).context("flood"), &mut report.targets, &mut wrong);
    }
    if wanted(Which::Disconnect) {
        report.disconnect = part(crowd.run(&stage).context("disconnect"), &mut report.targets, &mut wrong);
    }
    if wanted(Which::Soak) {
        report.soak = part(load.run(&stage).context("soak"), &mut report.targets, &mut wrong);
    }
    let mut text = String::new();
    targets::write(&mut text, &report.targets);
    println!("{text}");
    if let Some(folder) = options.out.parent() {
        std::fs::create_dir_all(folder)?;
    }
    std::fs::write(&options.out, serde_json::to_vec_pretty(&report)?)
        .with_context(|| format!("cannot write {}", options.out.display()))?;
    if !wrong.is_empty() {
        bail!("not everything was as it should be\n{}", wrong.join("\n"));
    }
    Ok(())
}

/// Prints what a part tells. One that could not be run to its end fails the bench, and the others are still run.
fn part<P: Part>(
    outcome: anyhow::Result<P>,
    targets: &mut Vec<Verdict>,
    wrong: &mut Vec<String>,
) -> Option<P> {
    match outcome {
        Ok(part) => {
            let rows: Vec<Vec<String>> =
                part.rows().into_iter().map(|(what, figure)| vec![what.to_owned(), figure]).collect();
            let mut text = String::new();
            write_table(&mut text, &part.title(), &rows);
            println!("{text}");
            targets.extend(part.targets().into_iter().flatten());
            wrong.extend(part.wrong());
            Some(part)
        }
        Err(error) => {
            let error = format!("{error:#}");
            // Now, and not after half an hour of what follows.
            eprintln!("{error}");
            wrong.push(error);
            None
        }
    }
}

impl Options {
    fn load(&self) -> anyhow::Result<Load> {
        let Self { minutes, connections, rate, churn, .. } = *self;
        ensure!(minutes > 0.0 && churn >= 0.0, "a time above 0 and a churn that is not below");
        let shape = Shape { connections, room_size: ROOM_SIZE, senders: SENDERS, payload: PAYLOAD };
        Ok(Load { minutes, shape: shape.checked()?, rate, churn })
    }

    fn flooding(&self) -> anyhow::Result<Flooding> {
        ensure!(self.flood_seconds > 0.0 && self.handshakes > 0, "a flood");
        Ok(Flooding {
            shape: BESIDE_A_FLOOD,
            rate: self.flood_rate,
            handshakes_per_second: self.handshakes,
            lasting: Duration::from_secs_f64(self.flood_seconds),
        })
    }

    fn crowd(&self) -> anyhow::Result<Crowd> {
        let shape =
            Shape { connections: self.leaving, room_size: ROOM_SIZE, senders: SENDERS, payload: PAYLOAD };
        let settle = Duration::try_from_secs_f64(self.settle_seconds)?;
        Ok(Crowd { shape: shape.checked()?, rate: self.rate, settle })
    }
}

impl Stage {
    fn start(&self) -> anyhow::Result<Running> {
        Running::start(self.server.program()?, self.cores)
    }

    /// Somebody comes into a room and leaves: the server serves.
    fn newcomer(&self, running: &Running) -> anyhow::Result<()> {
        let login = Login {
            tokens: self.server.tokens(1)?,
            batch: self.server.batch,
            rooms: &|_| vec!["room-0".to_owned()],
            to_be_stuck: &[],
        };
        Fleet::connect(running.address, &login).map(drop)
    }
}

/// A run at a fixed rate.
fn steady(deliveries_per_second: u64, measured: Duration) -> Plan {
    Plan {
        pace: Pace::Open { deliveries_per_second },
        warm_up: WARM_UP,
        measured,
        drain: DRAIN,
        most_under_way: None,
    }
}

impl Faults {
    fn show(&self) -> String {
        if *self == Self::default() { "none".to_owned() } else { format!("{self:?}") }
    }

    fn wrong(&self, whose: &str) -> Option<String> {
        (*self != Self::default())
            .then(|| format!("not every message arrived as it should, {whose}: {self:?}"))
    }
}

fn mib(kib: u64) -> f64 {
    kib as f64 / 1024.0
}

fn shown(figure: Option<f64>) -> String {
    figure.map_or_else(|| "-".to_owned(), |figure| format!("{figure:.1}"))
}
