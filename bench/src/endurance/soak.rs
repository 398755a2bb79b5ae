//! The soak: a steady load for a long time while others come and go, and whether memory or files grow with it.

use std::net::SocketAddr;
use std::time::{Duration, Instant};

use serde::Serialize;

use super::samples::{Emptied, Sample, Sampler, files, slope_of_second_half};
use super::{Part, Stage, mib, shown, steady};
use crate::events::{join, rooms_of};
use crate::load::{Churn, Faults, Guests, Measures, Session, Shape};
use crate::process;
use crate::report::targets::{Goal, Verdict};

/// How long a guest stays.
const STAY_SECONDS: f64 = 4.0;
/// How long the load goes on between two looks at what came of it.
const SLICE: Duration = Duration::from_secs(60);
/// What is left of the time when it is no more worth a look.
const REST: Duration = Duration::from_secs(1);
const SAMPLE: Duration = Duration::from_secs(1);

/// What a soak is asked for.
pub(super) struct Load {
    pub(super) minutes: f64,
    pub(super) shape: Shape,
    /// Deliveries a second.
    pub(super) rate: u64,
    /// Guests that leave in a second.
    pub(super) churn: f64,
}

/// What came of a soak.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Soak {
    shape: Shape,
    rate: u64,
    minutes: f64,
    /// One for each minute.
    runs: Vec<Measures>,
    samples: Vec<Sample>,
    slope_mib_per_minute: Option<f64>,
    files: Emptied,
    #[serde(skip_serializing_if = "Option::is_none")]
    guests: Option<Visits>,
    /// Deliveries to those that stay.
    checked: u64,
    /// Of those that stay.
    faults: Faults,
}

/// What came of those who come and go.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct Visits {
    guests: usize,
    left: u64,
    entered: u64,
    entering_p50_ms: f64,
    entering_p99_ms: f64,
    checked: u64,
    faults: Faults,
}

impl Load {
    /// How many guests there are.
    pub(super) fn guests(&self) -> usize {
        (self.churn * STAY_SECONDS).ceil() as usize
    }

    pub(super) fn run(&self, stage: &Stage) -> anyhow::Result<Soak> {
        let running = stage.start()?;
        let before = files(&running)?;
        let mut session = join(stage.server, &running, self.shape, &[])?;
        let churn = match self.guests() {
            0 => None,
            guests => Some(Churn::begin(self.invite(stage, running.address, guests)?)),
        };
        let sampler = Sampler::begin(running.id(), SAMPLE);
        let began = Instant::now();
        let runs = self.keep_on(&mut session, running.id())?;
        let minutes = began.elapsed().as_secs_f64() / 60.0;
        let samples = sampler.end()?;
        let guests = churn.map(|churn| self.bid_farewell(churn)).transpose()?;
        let (checked, faults) = (session.checked(), session.faults());
        drop(session);
        Ok(Soak {
            shape: self.shape,
            rate: self.rate,
            minutes,
            runs,
            slope_mib_per_minute: slope_of_second_half(&samples),
            samples,
            files: Emptied::wait(&running, before)?,
            guests,
            checked,
            faults,
        })
    }

    /// Runs of a minute until the time is over or something is wrong.
    fn keep_on(&self, session: &mut Session<'_>, process: u32) -> anyhow::Result<Vec<Measures>> {
        let (began, total) = (Instant::now(), Duration::from_secs_f64(self.minutes * 60.0));
        let mut runs: Vec<Measures> = Vec::new();
        loop {
            let left = total.saturating_sub(began.elapsed());
            if !runs.is_empty() && left < REST {
                return Ok(runs);
            }
            let run = session.run(&steady(self.rate, left.min(SLICE)))?;
            eprintln!(
                "{:.1} of {} minutes: {:.0} deliveries/s, p99 {:.1} ms, {} MiB, {} files",
                began.elapsed().as_secs_f64() / 60.0,
                self.minutes,
                run.deliveries_per_second,
                run.p99_ms,
                shown(process::memory_kib(process).map(mib)),
                process::open_files(process).unwrap_or_default(),
            );
            runs.push(run);
            if session.faults() != Faults::default() {
                eprintln!("no more of it: not every message arrived as it should");
                return Ok(runs);
            }
        }
    }

    /// Those who come and go are users of their own, in the rooms of those that stay.
    fn invite(&self, stage: &Stage, address: SocketAddr, guests: usize) -> anyhow::Result<Guests> {
        let first = self.shape.connections;
        let mut tokens = stage.server.tokens(first + guests)?;
        Ok(Guests {
            address,
            tokens: tokens.split_off(first),
            client_outputs: (first..first + guests).map(stage.server.client_output).collect(),
            batch: stage.server.batch,
            shape: self.shape,
            rooms: rooms_of(self.shape),
            per_second: self.churn,
        })
    }

    fn bid_farewell(&self, churn: Churn) -> anyhow::Result<Visits> {
        let churned = churn.end()?;
        Ok(Visits {
            guests: self.guests(),
            left: churned.left,
            entered: churned.entered,
            entering_p50_ms: churned.entering.millis_at(0.50),
            entering_p99_ms: churned.entering.millis_at(0.99),
            checked: churned.checked,
            faults: churned.faults,
        })
    }
}

impl Part for Soak {
    fn title(&self) -> String {
        format!(
            "soak: {:.1} minutes, {} connections in rooms of {}, {} deliveries/s",
            self.minutes, self.shape.connections, self.shape.room_size, self.rate
        )
    }

    fn rows(&self) -> Vec<(&'static str, String)> {
        let memory = || self.samples.iter().map(|sample| mib(sample.memory_kib));
        let half = self.samples.len() / 2;
        let worst = |figure: fn(&Measures) -> f64| self.runs.iter().map(figure).fold(0.0, f64::max);
        let mut p99: Vec<f64> = self.runs.iter().map(|run| run.p99_ms).collect();
        p99.sort_by(f64::total_cmp);
        let mut rows = vec![
            (
                "MiB of memory",
                format!(
                    "{} at the start, {} half way, {} at the end, {} at most",
                    shown(memory().next()),
                    shown(memory().nth(half)),
                    shown(memory().next_back()),
                    shown(memory().reduce(f64::max)),
                ),
            ),
            (
                "MiB a minute, second half",
                self.slope_mib_per_minute.map_or("-".into(), |slope| format!("{slope:.3}")),
            ),
            ("open files", self.files.show()),
            (
                "p99 ms",
                format!(
                    "{} in the median minute, {:.1} in the worst",
                    shown(p99.get(p99.len() / 2).copied()),
                    worst(|run| run.p99_ms)
                ),
            ),
            ("longest ms", format!("{:.1}", worst(|run| run.max_ms))),
            ("deliveries checked", self.checked.to_string()),
            ("faults", self.faults.show()),
        ];
        if let Some(visits) = &self.guests {
            let Visits { guests, left, entered, entering_p50_ms, entering_p99_ms, checked, faults } = visits;
            rows.extend([
                ("come and go", format!("{guests} guests, {left} times left, {entered} times entered")),
                ("ms to get in", format!("p50 {entering_p50_ms:.1}, p99 {entering_p99_ms:.1}")),
                ("their deliveries checked", checked.to_string()),
                ("their faults", faults.show()),
            ]);
        }
        rows
    }

    fn targets(&self) -> Vec<Option<Verdict>> {
        let Emptied { before, after, .. } = self.files;
        vec![
            Verdict::of("soak: memory", Goal::Below(1.0), "MiB/min", self.slope_mib_per_minute),
            Verdict::of(
                "soak: files open at the end",
                Goal::AtMost(0.0),
                "more than before",
                [after.saturating_sub(before) as f64],
            ),
            Verdict::of(
                "soak: faults of those that stay",
                Goal::AtMost(0.0),
                "",
                [self.faults.total() as f64],
            ),
        ]
    }

    fn wrong(&self) -> Vec<String> {
        let mut wrong: Vec<String> = self.files.wrong().into_iter().collect();
        wrong.extend(self.faults.wrong("of those that stay"));
        if let Some(visits) = &self.guests {
            wrong.extend(visits.faults.wrong("of those that come and go"));
        }
        wrong
    }
}
