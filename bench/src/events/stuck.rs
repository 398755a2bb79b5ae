//! Connections that stop reading: what becomes of them, what memory they cost, and what the others notice.
//!
//! On a process of its own, so that the other runs are not touched by it. That the stuck ones are closed by the server is
//! as it should be; anything that goes wrong for another is a fault.

use serde::Serialize;

use super::{WARM_UP, join};
use crate::load::{Faults, Measures, Pace};
use crate::process::{Cores, Running};
use crate::report::Settings;
use crate::server::Server;

/// So many saturation runs at most, until all that are stuck are evicted.
const SATURATIONS: usize = 4;

/// What one server made of its stuck connections.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Stuck {
    pub(crate) connections: usize,
    /// At the fixed rate, before they were stuck.
    pub(crate) without: Measures,
    /// At the same rate, with them stuck: what the others saw.
    pub(crate) with: Measures,
    pub(crate) saturation: Measures,
    pub(crate) evicted: usize,
    /// When the last of them was evicted, since they were stuck.
    pub(crate) last_evicted_seconds: Option<f64>,
    /// Resident memory when they were stuck, and the most since.
    pub(crate) memory_before_kib: Option<u64>,
    pub(crate) memory_peak_kib: Option<u64>,
    /// Deliveries of these runs, each looked at.
    pub(crate) checked: u64,
}

/// What the stuck ones did, and the faults of the others.
pub(super) fn measure(
    server: &Server,
    percent: f64,
    settings: &Settings,
    cores: Option<Cores>,
) -> anyhow::Result<(Stuck, Faults)> {
    let stuck = settings.shape.listeners(percent);
    let running = Running::start(server.program()?, cores)?;
    let mut session = join(server, &running, settings.shape, &stuck)?;
    let steady = Pace::Open { deliveries_per_second: settings.steady_rate };
    let without = session.run(&settings.plan(steady, server.warm_up()))?;
    session.stick(&stuck)?;
    let with = session.run(&settings.plan(steady, WARM_UP))?;
    let closed = settings.plan(Pace::Closed { window: settings.window }, WARM_UP);
    let saturation = session.run(&closed)?;
    for _ in 1..SATURATIONS {
        if session.watched().is_some_and(|watch| watch.closed() >= stuck.len()) {
            break;
        }
        session.run(&closed)?;
    }
    let watch = session.watched();
    let memory = watch.and_then(|watch| watch.memory_kib());
    let outcome = Stuck {
        connections: stuck.len(),
        without,
        with,
        saturation,
        evicted: watch.map_or(0, |watch| watch.closed()),
        last_evicted_seconds: watch.and_then(|watch| watch.last_closed()).map(|last| last.as_secs_f64()),
        memory_before_kib: memory.map(|(before, _)| before),
        memory_peak_kib: memory.map(|(_, peak)| peak),
        checked: session.checked(),
    };
    Ok((outcome, session.faults()))
}
