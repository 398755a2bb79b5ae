//! The flood: handshakes over long polling that nobody finishes, and what those notice who are connected.

use std::time::Duration;

use anyhow::{Context as _, anyhow};
use serde::Serialize;

use super::handshakes::{Answers, Storm};
use super::{Part, Stage, mib, steady};
use crate::events::join;
use crate::load::{Faults, Measures, Shape};
use crate::process;
use crate::report::targets::{Goal, Verdict};

/// How long the load goes on after the flood: longer than a server waits for the end of a handshake.
const AFTER: Duration = Duration::from_secs(6);

/// What a flood is asked for.
pub(super) struct Flooding {
    pub(super) shape: Shape,
    /// Deliveries a second to those who are connected.
    pub(super) rate: u64,
    pub(super) handshakes_per_second: u64,
    pub(super) lasting: Duration,
}

/// What came of a flood.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Flood {
    shape: Shape,
    rate: u64,
    handshakes_per_second: u64,
    seconds: f64,
    answers: Answers,
    /// What the others saw.
    before: Measures,
    during: Measures,
    after: Measures,
    /// Resident memory before it, the most ever, and when a server waits for none of it any more.
    memory_before_kib: u64,
    memory_peak_kib: u64,
    memory_after_kib: u64,
    checked: u64,
    faults: Faults,
}

impl Flooding {
    pub(super) fn run(&self, stage: &Stage) -> anyhow::Result<Flood> {
        let running = stage.start()?;
        let memory = || process::memory_kib(running.id()).context("the server's memory cannot be looked at");
        let mut session = join(stage.server, &running, self.shape, &[])?;
        let before = session.run(&steady(self.rate, self.lasting))?;
        let memory_before_kib = memory()?;
        let storm =
            Storm { address: running.address, per_second: self.handshakes_per_second, lasting: self.lasting };
        let storm = std::thread::spawn(move || storm.rage());
        let during = session.run(&steady(self.rate, self.lasting))?;
        let answers = storm.join().map_err(|_| anyhow!("the flood's thread has panicked"))??;
        let after = session.run(&steady(self.rate, AFTER))?;
        let (checked, faults) = (session.checked(), session.faults());
        let memory_peak_kib = process::peak_memory_kib(running.id()).context("its peak is not known")?;
        stage.newcomer(&running).context("a newcomer after the flood")?;
        Ok(Flood {
            shape: self.shape,
            rate: self.rate,
            handshakes_per_second: self.handshakes_per_second,
            seconds: self.lasting.as_secs_f64(),
            answers,
            before,
            during,
            after,
            memory_before_kib,
            memory_peak_kib,
            memory_after_kib: memory()?,
            checked,
            faults,
        })
    }
}

impl Flood {
    /// How many times the others' p99 it is during the flood.
    fn moved(&self) -> Option<f64> {
        Some(self.during.p99_ms / self.before.p99_ms).filter(|moved| moved.is_finite())
    }
}

impl Part for Flood {
    fn title(&self) -> String {
        let Self { handshakes_per_second, seconds, shape, rate, .. } = self;
        let Shape { connections, .. } = shape;
        format!(
            "handshake flood: {handshakes_per_second}/s for {seconds} s beside {connections} connections with {rate} deliveries/s"
        )
    }

    fn rows(&self) -> Vec<(&'static str, String)> {
        let each = |figure: fn(&Measures) -> f64| {
            let [before, during, after] = [&self.before, &self.during, &self.after].map(figure);
            format!("{before:.2} before, {during:.2} during, {after:.2} after")
        };
        let [before, peak, after] =
            [self.memory_before_kib, self.memory_peak_kib, self.memory_after_kib].map(mib);
        vec![
            ("handshakes", self.answers.show()),
            ("MiB of memory", format!("{before:.1} before, {peak:.1} at most, {after:.1} after")),
            ("the others' p50 ms", each(|run| run.p50_ms)),
            ("the others' p99 ms", each(|run| run.p99_ms)),
            ("send lag p99 ms", each(|run| run.send_lag_p99_ms)),
            ("deliveries checked", self.checked.to_string()),
            ("faults", self.faults.show()),
        ]
    }

    fn targets(&self) -> Vec<Option<Verdict>> {
        let peak_mb = self.memory_peak_kib as f64 * 1024.0 / 1e6;
        vec![
            Verdict::of("handshake flood: memory at most", Goal::Below(256.0), "MB", [peak_mb]),
            Verdict::of("handshake flood: the others' p99", Goal::Below(2.0), "x without", self.moved()),
        ]
    }

    fn wrong(&self) -> Vec<String> {
        self.answers.wrong().into_iter().chain(self.faults.wrong("of the others")).collect()
    }
}
