//! The mass disconnect: very many connections end in one instant, and how much of their memory the server gives back.
//!
//! Then as many come again: memory that was kept and not lost is theirs now.

use std::time::{Duration, Instant};

use anyhow::Context as _;
use serde::Serialize;

use super::samples::{Emptied, files};
use super::{Part, Stage, mib, steady};
use crate::events::join_more;
use crate::load::{Faults, Measures, Shape};
use crate::process;
use crate::report::targets::{Goal, Verdict};

/// How long there is load before they go: what they cost is not only what idle ones cost.
const LOADED: Duration = Duration::from_secs(5);
/// Connections for each of the rooms in which nothing is sent.
const SECOND_ROOMS: usize = 20;

/// What a mass disconnect is asked for.
pub(super) struct Crowd {
    pub(super) shape: Shape,
    /// Deliveries a second before they go.
    pub(super) rate: u64,
    /// When memory is looked at, after they went.
    pub(super) settle: Duration,
}

/// What came of a mass disconnect.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Disconnect {
    shape: Shape,
    rate: u64,
    connected_after_seconds: f64,
    run: Measures,
    /// Resident memory of a fresh process, the most until they went, so long after, and with as many there again.
    memory_before_kib: u64,
    memory_peak_kib: u64,
    memory_after_kib: u64,
    memory_again_kib: u64,
    settle_seconds: f64,
    files: Emptied,
    checked: u64,
    faults: Faults,
}

impl Crowd {
    pub(super) fn run(&self, stage: &Stage) -> anyhow::Result<Disconnect> {
        let running = stage.start()?;
        let memory = || process::memory_kib(running.id()).context("the server's memory cannot be looked at");
        let (memory_before_kib, files_before) = (memory()?, files(&running)?);
        let began = Instant::now();
        let another = |connection| Some(format!("second-{}", connection / SECOND_ROOMS));
        let come = || join_more(stage.server, &running, self.shape, &[], &another);
        let mut session = come()?;
        let connected_after_seconds = began.elapsed().as_secs_f64();
        let run = session.run(&steady(self.rate, LOADED))?;
        let (checked, faults) = (session.checked(), session.faults());

        let went = Instant::now();
        drop(session);
        let files = Emptied::wait(&running, files_before)?;
        std::thread::sleep(self.settle.saturating_sub(went.elapsed()));
        let memory_after_kib = memory()?;
        let memory_peak_kib = process::peak_memory_kib(running.id()).context("its peak is not known")?;
        let again = come().context("as many, after all had gone")?;
        let memory_again_kib = memory()?;
        drop(again);
        Ok(Disconnect {
            shape: self.shape,
            rate: self.rate,
            connected_after_seconds,
            run,
            memory_before_kib,
            memory_peak_kib,
            memory_after_kib,
            memory_again_kib,
            settle_seconds: self.settle.as_secs_f64(),
            files,
            checked,
            faults,
        })
    }
}

impl Disconnect {
    fn kept(&self) -> f64 {
        self.memory_after_kib as f64 / self.memory_peak_kib as f64
    }
}

impl Part for Disconnect {
    fn title(&self) -> String {
        format!("mass disconnect: {} connections with two rooms each", self.shape.connections)
    }

    fn rows(&self) -> Vec<(&'static str, String)> {
        let [before, peak, after, again] =
            [self.memory_before_kib, self.memory_peak_kib, self.memory_after_kib, self.memory_again_kib]
                .map(mib);
        let (settle, kept) = (self.settle_seconds, self.kept() * 100.0);
        vec![
            ("connected after", format!("{:.1} s", self.connected_after_seconds)),
            ("p99 ms before they go", format!("{:.1} at {} deliveries/s", self.run.p99_ms, self.rate)),
            (
                "MiB of memory",
                format!(
                    "{before:.1} fresh, {peak:.1} at most, {after:.1} {settle} s after: {kept:.0} % of the most"
                ),
            ),
            ("MiB with as many again", format!("{again:.1}")),
            ("open files", self.files.show()),
            ("deliveries checked", self.checked.to_string()),
            ("faults", self.faults.show()),
        ]
    }

    fn targets(&self) -> Vec<Option<Verdict>> {
        let Emptied { before, after, .. } = self.files;
        vec![
            Verdict::of("mass disconnect: memory afterwards", Goal::AtMost(0.5), "x the peak", [self.kept()]),
            Verdict::of(
                "mass disconnect: files open at the end",
                Goal::AtMost(0.0),
                "more than before",
                [after.saturating_sub(before) as f64],
            ),
        ]
    }

    fn wrong(&self) -> Vec<String> {
        self.files.wrong().into_iter().chain(self.faults.wrong("before they went")).collect()
    }
}
