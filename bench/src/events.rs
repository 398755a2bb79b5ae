//! `bench events`: the rounds, each with every server in turn, and the verdict.
//!
//! Servers are interleaved so that whatever else the machine does meets all of them. It fails for correctness
//! only, never for times: a shared machine says too little about those.

use std::path::PathBuf;
use std::time::{Duration, Instant};

use anyhow::{Context as _, bail};
use clap::{Args, ValueEnum};

use crate::load::{Faults, Fleet, Login, Pace, Plan, Session, Shape, Target};
use crate::process::{Cores, Running};
use crate::report::{Outcome, Report, Settings};
use crate::server::{REFERENCE, SERVERS, Server};

const WARM_UP: Duration = Duration::from_millis(300);
/// After so long a silence, what is still under way after a run is lost.
const DRAIN: Duration = Duration::from_secs(5);
const QUICK_SECONDS: f64 = 90.0;
/// What one server takes in a round besides its three runs: two starts, connecting, memory settling.
const OVERHEAD_SECONDS: f64 = 1.5;

/// What to run.
#[derive(Debug, Args)]
pub(crate) struct Options {
    /// Three short rounds: about two minutes in all.
    #[arg(long)]
    quick: bool,
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
    servers: Vec<String>,
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
    /// Leave server and load generator to the scheduler.
    #[arg(long)]
    no_pin: bool,
    /// Where the figures go as JSON.
    #[arg(long, default_value = "target/bench/events.json")]
    out: PathBuf,
}

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

    /// Rounds, and seconds of each run. A quick bench has shorter runs the more servers there are.
    fn times(&self, servers: usize) -> (usize, f64) {
        let rounds = self.rounds.unwrap_or(if self.quick { 3 } else { 5 });
        let quick =
            || (QUICK_SECONDS / (rounds * servers) as f64 - OVERHEAD_SECONDS) / 3.0 - WARM_UP.as_secs_f64();
        let seconds = if self.quick { quick().clamp(0.5, 2.0) } else { 5.0 };
        (rounds, self.seconds.unwrap_or(seconds))
    }
}

/// Runs all rounds, prints the tables and writes the JSON.
pub(crate) fn run(options: &Options) -> anyhow::Result<()> {
    let shape = options.shape()?;
    let servers = chosen(&options.servers)?;
    // Counted first: once pinned, this thread has one core only.
    let machine_cores = std::thread::available_parallelism().map_or(1, usize::from);
    let cores = if options.no_pin { None } else { Cores::claim() };
    let (rounds, seconds) = options.times(servers.len());
    let settings = Settings {
        shape,
        rounds,
        seconds,
        window: options.window,
        pipeline: options.pipeline,
        steady_rate: options.rate,
        idle_connections: options.idle,
        pinned: cores.is_some(),
        cores: machine_cores,
        optimized: !cfg!(debug_assertions),
    };
    introduce(&settings, cores);

    let mut outcomes = Vec::new();
    for round in 0..settings.rounds {
        for server in &servers {
            let outcome = measure(server, round, &settings, cores).with_context(|| server.name)?;
            eprintln!(
                "round {} {}: {:.0} deliveries/s, p99 {:.1} ms",
                round + 1,
                server.name,
                outcome.saturation.deliveries_per_second,
                outcome.saturation.p99_ms
            );
            outcomes.push(outcome);
        }
    }
    let report = Report { settings, reference: REFERENCE, outcomes };
    println!("\n{}", report.table());
    if let Some(folder) = options.out.parent() {
        std::fs::create_dir_all(folder)?;
    }
    std::fs::write(&options.out, serde_json::to_vec_pretty(&report)?)
        .with_context(|| format!("cannot write {}", options.out.display()))?;
    verdict(&report.outcomes, &servers)
}

fn chosen(names: &[String]) -> anyhow::Result<Vec<&'static Server>> {
    if let Some(unknown) = names.iter().find(|name| !SERVERS.iter().any(|server| server.name == **name)) {
        let known: Vec<&str> = SERVERS.iter().map(|server| server.name).collect();
        bail!("no server `{unknown}`; there are {}", known.join(", "));
    }
    let chosen = |server: &&Server| match names {
        [] => !server.on_request,
        names => server.name == REFERENCE || names.iter().any(|name| name == server.name),
    };
    Ok(SERVERS.iter().filter(chosen).collect())
}

fn introduce(settings: &Settings, cores: Option<Cores>) {
    let Shape { connections, room_size, senders, payload } = settings.shape;
    eprintln!("{connections} connections, rooms of {room_size}, {senders} senders, {payload} B");
    match cores {
        Some(cores) => eprintln!("server on core {}, load generator on core {}", cores.server, cores.load),
        None => eprintln!("not pinned: server and load generator share the cores, so the figures say little"),
    }
    if !settings.optimized {
        eprintln!("not an optimized build: the figures say nothing");
    }
}

/// One server in one round: a fresh process under load, and another one full of idle connections.
fn measure(
    server: &Server,
    round: usize,
    settings: &Settings,
    cores: Option<Cores>,
) -> anyhow::Result<Outcome> {
    let shape = settings.shape;
    let running = Running::start(server.command, cores)?;
    let rooms: Vec<String> = (0..shape.rooms()).map(|room| format!("room-{room}")).collect();
    let fleet = Fleet::connect(
        running.address,
        &Login {
            tokens: server.tokens(shape.connections)?,
            rooms: &|connection| vec![rooms[shape.room_of(connection)].clone()],
        },
    )?;
    let Server { route, client_output, .. } = *server;
    let target = Target { route, client_output, rooms, process: running.id() };
    let mut session = Session::new(fleet, shape, target);
    let measured = Duration::from_secs_f64(settings.seconds);
    let plan = |pace| Plan { pace, warm_up: WARM_UP, measured, drain: DRAIN };
    let saturation = session.run(&plan(Pace::Closed { window: settings.window }))?;
    let pipelined = session.run(&plan(Pace::Closed { window: settings.pipeline }))?;
    let steady = session.run(&plan(Pace::Open { deliveries_per_second: settings.steady_rate }))?;
    let faults = session.faults();
    drop((session, running));

    let (kib_per_idle_connection, connects_per_second) = idle(server, settings.idle_connections, cores)?;
    Ok(Outcome {
        round,
        server: server.name,
        saturation,
        pipelined,
        steady,
        connects_per_second,
        kib_per_idle_connection,
        faults,
    })
}

/// Memory that each of `connections` idle connections adds to a fresh server, and how fast they came in.
fn idle(server: &Server, connections: usize, cores: Option<Cores>) -> anyhow::Result<(Option<f64>, f64)> {
    let tokens = server.tokens(connections)?;
    let running = Running::start(server.command, cores)?;
    let before = running.settled_memory_kib();
    let began = Instant::now();
    let fleet = Fleet::connect(
        running.address,
        &Login {
            tokens,
            rooms: &|connection| {
                vec![format!("left-{}", connection / 100), format!("right-{}", connection % 20)]
            },
        },
    )?;
    let connects_per_second = connections as f64 / began.elapsed().as_secs_f64();
    let after = running.settled_memory_kib();
    drop(fleet);
    let each =
        before.zip(after).map(|(before, after)| after.saturating_sub(before) as f64 / connections as f64);
    Ok((each, connects_per_second))
}

/// Fails when a message was lost, doubled, out of order, not acked or not for who got it, naming where.
fn verdict(outcomes: &[Outcome], servers: &[&Server]) -> anyhow::Result<()> {
    let mut failed = Vec::new();
    for server in servers {
        for outcome in outcomes.iter().filter(|outcome| outcome.server == server.name) {
            let tolerated = if server.may_reorder { outcome.faults.reordered } else { 0 };
            if outcome.faults != (Faults { reordered: tolerated, ..Faults::default() }) {
                failed.push(format!("{} in round {}: {:?}", server.name, outcome.round + 1, outcome.faults));
            }
        }
    }
    if !failed.is_empty() {
        bail!("not every message arrived once, in order and where it belongs\n{}", failed.join("\n"));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    const STRICT: Server = Server {
        name: "strict",
        command: &[],
        route: "bench/echo",
        token: |_| Ok(String::new()),
        client_output: |_| String::new(),
        may_reorder: false,
        on_request: false,
    };
    const LOOSE: Server = Server { name: "loose", may_reorder: true, ..STRICT };

    fn passes(server: &Server, faults: Faults) -> bool {
        verdict(&[Outcome { server: server.name, faults, ..Outcome::default() }], &[server]).is_ok()
    }

    #[test]
    fn any_fault_fails_the_bench_save_the_inversions_of_a_peer() {
        assert!(passes(&STRICT, Faults::default()));
        let inverted = Faults { reordered: 3, ..Faults::default() };
        assert!(!passes(&STRICT, inverted));
        assert!(passes(&LOOSE, inverted));
        for faults in [
            Faults { lost: 1, ..inverted },
            Faults { doubled: 1, ..inverted },
            Faults { wrong: 1, ..inverted },
            Faults { missing_acks: 1, ..inverted },
            Faults { doubled_acks: 1, ..inverted },
            Faults { refused: 1, ..inverted },
            Faults { stray: 1, ..inverted },
            Faults { disconnected: 1, ..inverted },
        ] {
            assert!(!passes(&LOOSE, faults), "{faults:?}");
        }
    }
}
