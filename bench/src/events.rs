//! `bench events`: the rounds, each with every server in turn, and the verdict.
//!
//! Servers are interleaved so that whatever else the machine does meets all of them. It fails for correctness
//! only, never for times: a shared machine says too little about those.

mod ladder;
mod options;
mod stuck;

use std::time::{Duration, Instant};

use anyhow::{Context as _, bail};
pub(crate) use ladder::Ladder;
pub(crate) use options::Options;
pub(crate) use stuck::Stuck;

use crate::load::{Faults, Fleet, Login, Pace, Plan, Session, Shape, Target};
use crate::npm::NODE;
use crate::process::{Cores, Running, allow_files};
use crate::report::{Outcome, Report, Settings, charts};
use crate::server::{REFERENCE, Server, chosen};

const WARM_UP: Duration = Duration::from_millis(300);
/// After so long a silence, what is still under way after a run is lost.
pub(crate) const DRAIN: Duration = Duration::from_secs(5);

/// What either side has open beside its connections, generously.
pub(crate) const OTHER_FILES: usize = 100;

/// Runs all rounds, prints the tables and writes the JSON.
pub(crate) fn run(options: &Options) -> anyhow::Result<()> {
    let servers = chosen(&options.servers, options.quick, options.node)?;
    // Counted first: once pinned, this thread has one core only.
    let machine_cores = std::thread::available_parallelism().map_or(1, usize::from);
    // Before anything is measured, and with all cores.
    if servers.iter().any(|server| server.is_node()) {
        NODE.install("`--quick` or `--server`")?;
    }
    let cores = if options.no_pin { None } else { Cores::claim() };
    let settings = options.settings(servers.len(), cores.is_some(), machine_cores)?;
    allow_files(settings.shape.connections.max(settings.idle_connections) + OTHER_FILES)?;
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
    let report = Report::new(settings, REFERENCE, outcomes);
    println!("\n{}", report.table());
    if let Some(folder) = options.out.parent() {
        std::fs::create_dir_all(folder)?;
    }
    std::fs::write(&options.out, serde_json::to_vec_pretty(&report)?)
        .with_context(|| format!("cannot write {}", options.out.display()))?;
    if let Some(folder) = &options.charts {
        charts::write(&report, folder)?;
    }
    verdict(&report.outcomes, &servers)
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

/// One server in one round: a fresh process under load, another one full of idle connections, and, if that was
/// asked for, one with connections that stop reading.
fn measure(
    server: &Server,
    round: usize,
    settings: &Settings,
    cores: Option<Cores>,
) -> anyhow::Result<Outcome> {
    let running = Running::start(server.program()?, cores)?;
    let mut session = join(server, &running, settings.shape, &[])?;
    let closed = |window, warm_up| settings.plan(Pace::Closed { window }, warm_up);
    let open = Pace::Open { deliveries_per_second: settings.steady_rate };
    let saturation = session.run(&closed(settings.window, server.warm_up()))?;
    let pipelined = session.run(&closed(settings.pipeline, WARM_UP))?;
    let steady = session.run(&settings.plan(open, WARM_UP))?;
    let ladder = match settings.ladder_rates.as_slice() {
        [] => None,
        rates => Some(ladder::climb(&mut session, rates, settings)?),
    };
    let (mut checked, mut faults) = (session.checked(), session.faults());
    drop((session, running));

    let (kib_per_idle_connection, connects_per_second) = idle(server, settings.idle_connections, cores)?;
    let stuck = settings.stuck_percent.map(|percent| stuck::measure(server, percent, settings, cores));
    let stuck = stuck.transpose()?.map(|(stuck, of_the_others)| {
        faults += of_the_others;
        checked += stuck.checked;
        stuck
    });
    Ok(Outcome {
        round,
        server: server.name,
        saturation,
        pipelined,
        steady,
        ladder,
        stuck,
        connects_per_second,
        kib_per_idle_connection,
        checked,
        faults,
    })
}

/// Connects a fleet of this shape, each connection in its room. Those that are to be stuck still read.
pub(crate) fn join<'a>(
    server: &'a Server,
    running: &Running,
    shape: Shape,
    to_be_stuck: &[usize],
) -> anyhow::Result<Session<'a>> {
    join_more(server, running, shape, to_be_stuck, &|_| None)
}

/// The rooms of a fleet of this shape.
pub(crate) fn rooms_of(shape: Shape) -> Vec<String> {
    (0..shape.rooms()).map(|room| format!("room-{room}")).collect()
}

/// The same, with another room for each connection, in which nothing is sent.
pub(crate) fn join_more<'a>(
    server: &'a Server,
    running: &Running,
    shape: Shape,
    to_be_stuck: &[usize],
    another: &dyn Fn(usize) -> Option<String>,
) -> anyhow::Result<Session<'a>> {
    let rooms = rooms_of(shape);
    let fleet = Fleet::connect(
        running.address,
        &Login {
            tokens: server.tokens(shape.connections)?,
            batch: server.batch,
            rooms: &|connection| {
                let own = rooms[shape.room_of(connection)].clone();
                std::iter::once(own).chain(another(connection)).collect()
            },
            to_be_stuck,
        },
    )?;
    let Server { route, client_output, .. } = *server;
    Ok(Session::new(fleet, shape, Target { route, client_output, rooms, process: running.id() }))
}

impl Settings {
    fn plan(&self, pace: Pace, warm_up: Duration) -> Plan {
        let measured = Duration::from_secs_f64(self.seconds);
        Plan { pace, warm_up, measured, drain: DRAIN, most_under_way: None }
    }
}

/// Memory that each of `connections` idle connections adds to a fresh server, and how fast they came in.
fn idle(server: &Server, connections: usize, cores: Option<Cores>) -> anyhow::Result<(Option<f64>, f64)> {
    let tokens = server.tokens(connections)?;
    let running = Running::start(server.program()?, cores)?;
    let before = running.settled_memory_kib();
    let began = Instant::now();
    let fleet = Fleet::connect(
        running.address,
        &Login {
            tokens,
            batch: server.batch,
            rooms: &|connection| {
                vec![format!("left-{}", connection / 100), format!("right-{}", connection % 20)]
            },
            to_be_stuck: &[],
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

    fn passes(may_reorder: bool, faults: Faults) -> bool {
        let mut server = Server::peer("some", &[]);
        server.may_reorder = may_reorder;
        verdict(&[Outcome { server: server.name, faults, ..Outcome::default() }], &[&server]).is_ok()
    }

    #[test]
    fn any_fault_fails_the_bench_save_the_inversions_of_a_peer() {
        assert!(passes(false, Faults::default()));
        let inverted = Faults { reordered: 3, ..Faults::default() };
        assert!(!passes(false, inverted));
        assert!(passes(true, inverted));
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
            assert!(!passes(true, faults), "{faults:?}");
        }
    }
}
