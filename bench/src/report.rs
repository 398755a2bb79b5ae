//! The figures of all rounds as a table for people, as JSON for programs and as charts.
//!
//! Every ratio is taken within one round, against the reference that ran in the same minute, and only then is
//! the median taken over the rounds. It measures nothing itself.

pub(crate) mod charts;
pub(crate) mod table;
pub(crate) mod targets;

use std::fmt::Write as _;

use serde::Serialize;
use table::{Spread, Unit, write_table};
use targets::Verdict;

use crate::events::{Ladder, Stuck};
use crate::load::{Faults, Measures, Shape};

/// What one server did in one round.
#[derive(Debug, Default, Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Outcome {
    pub(crate) round: usize,
    pub(crate) server: &'static str,
    pub(crate) saturation: Measures,
    /// With more requests in flight for each sender.
    pub(crate) pipelined: Measures,
    /// At the fixed rate.
    pub(crate) steady: Measures,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) ladder: Option<Ladder>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) stuck: Option<Stuck>,
    /// Connections per second until each was logged in and in two rooms.
    pub(crate) connects_per_second: f64,
    pub(crate) kib_per_idle_connection: Option<f64>,
    /// Deliveries of all runs, each looked at for order and for whose it is.
    pub(crate) checked: u64,
    pub(crate) faults: Faults,
}

/// How the figures were taken.
#[derive(Debug, Default, Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Settings {
    pub(crate) shape: Shape,
    pub(crate) rounds: usize,
    pub(crate) seconds: f64,
    pub(crate) window: u64,
    pub(crate) pipeline: u64,
    pub(crate) steady_rate: u64,
    /// None without a ladder.
    pub(crate) ladder_rates: Vec<u64>,
    pub(crate) ladder_seconds: f64,
    pub(crate) stuck_percent: Option<f64>,
    pub(crate) idle_connections: usize,
    /// Server and load generator each on a core of its own.
    pub(crate) pinned: bool,
    pub(crate) cores: usize,
    pub(crate) optimized: bool,
}

/// All there is to tell.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Report {
    pub(crate) settings: Settings,
    pub(crate) reference: &'static str,
    pub(crate) outcomes: Vec<Outcome>,
    targets: Vec<Verdict>,
}

/// One column: how to get a figure, and how to show it.
struct Column<T> {
    title: &'static str,
    figure: fn(&T) -> Option<f64>,
    unit: Unit,
    /// Followed by its ratio to the reference.
    ratio: bool,
}

impl<T> Column<T> {
    const fn new(title: &'static str, unit: Unit, figure: fn(&T) -> Option<f64>) -> Self {
        Self { title, figure, unit, ratio: false }
    }

    const fn with_ratio(self) -> Self {
        Self { ratio: true, ..self }
    }
}

type Run = Column<Measures>;
type Idle = Column<Outcome>;

const RUN: &[Run] = &[
    Run::new("deliveries/s", Unit::Thousands, |run| Some(run.deliveries_per_second)).with_ratio(),
    Run::new("p50 ms", Unit::Plain, |run| Some(run.p50_ms)).with_ratio(),
    Run::new("p99 ms", Unit::Plain, |run| Some(run.p99_ms)).with_ratio(),
    Run::new("server us/delivery", Unit::Plain, |run| {
        Some(run.server_cpu? * 1e6 / run.deliveries_per_second).filter(|each| each.is_finite())
    })
    .with_ratio(),
    Run::new("server cpu", Unit::Percent, |run| run.server_cpu),
    Run::new("load cpu", Unit::Percent, |run| run.load_cpu),
    Run::new("send lag p99 ms", Unit::Plain, |run| Some(run.send_lag_p99_ms)),
];

const IDLE: &[Idle] = &[
    Idle::new("KiB/idle connection", Unit::Plain, |outcome| outcome.kib_per_idle_connection).with_ratio(),
    Idle::new("connects/s", Unit::Thousands, |outcome| Some(outcome.connects_per_second)).with_ratio(),
];

const LADDER: &[Idle] = &[
    Idle::new("highest rate", Unit::Thousands, held_rate).with_ratio(),
    Idle::new("p50 ms at it", Unit::Plain, |outcome| Some(outcome.ladder.as_ref()?.highest()?.run.p50_ms)),
    Idle::new("p99 ms at it", Unit::Plain, |outcome| Some(outcome.ladder.as_ref()?.highest()?.run.p99_ms)),
];

const STUCK: &[Idle] = &[
    Idle::new("p99 ms without", Unit::Plain, |outcome| Some(outcome.stuck.as_ref()?.without.p99_ms)),
    Idle::new("p99 ms with", Unit::Plain, |outcome| Some(outcome.stuck.as_ref()?.with.p99_ms)),
    Idle::new("with/without", Unit::Plain, moved_by_stuck),
    Idle::new("saturated deliveries/s", Unit::Thousands, |outcome| {
        Some(outcome.stuck.as_ref()?.saturation.deliveries_per_second)
    }),
    Idle::new("saturated p99 ms", Unit::Plain, |outcome| Some(outcome.stuck.as_ref()?.saturation.p99_ms)),
    Idle::new("evicted", Unit::Count, |outcome| Some(outcome.stuck.as_ref()?.evicted as f64)),
    Idle::new("last after s", Unit::Plain, |outcome| outcome.stuck.as_ref()?.last_evicted_seconds),
    Idle::new("MiB before", Unit::Plain, |outcome| mib(outcome.stuck.as_ref()?.memory_before_kib)),
    Idle::new("MiB at peak", Unit::Plain, |outcome| mib(outcome.stuck.as_ref()?.memory_peak_kib)),
];

/// 0 when not even the lowest rate was held.
fn held_rate(outcome: &Outcome) -> Option<f64> {
    Some(outcome.ladder.as_ref()?.highest().map_or(0.0, |step| step.rate as f64))
}

/// How many times the others' p99 it is when some are stuck.
fn moved_by_stuck(outcome: &Outcome) -> Option<f64> {
    let stuck = outcome.stuck.as_ref()?;
    Some(stuck.with.p99_ms / stuck.without.p99_ms).filter(|moved| moved.is_finite())
}

fn mib(kib: Option<u64>) -> Option<f64> {
    Some(kib? as f64 / 1024.0)
}

/// Below this share of its core a server at saturation was held up by something else.
const WHOLE_CORE: f64 = 0.93;
/// Above this the load generator was held up, and the latency is not the server's alone.
const SEND_LAG_MS: f64 = 1.0;

impl Report {
    pub(crate) fn new(settings: Settings, reference: &'static str, outcomes: Vec<Outcome>) -> Self {
        let mut report = Self { settings, reference, outcomes, targets: Vec::new() };
        report.targets = targets::verdicts(&report);
        report
    }

    /// The tables, as text.
    pub(crate) fn table(&self) -> String {
        let Settings { shape, window, pipeline, steady_rate, idle_connections, rounds, .. } = &self.settings;
        let in_flight = |window| format!("{window} in flight for each of {} senders", shape.senders);
        let mut text = String::new();
        self.section(&mut text, &format!("saturation: {}", in_flight(window)), RUN, |outcome| {
            &outcome.saturation
        });
        self.section(&mut text, &format!("pipelined: {}", in_flight(pipeline)), RUN, |outcome| {
            &outcome.pipelined
        });
        self.section(&mut text, &format!("steady: {steady_rate} deliveries/s"), RUN, |outcome| {
            &outcome.steady
        });
        if self.outcomes.iter().any(|outcome| outcome.ladder.is_some()) {
            self.section(&mut text, "ladder: highest rate with p99 <= 50 ms", LADDER, |outcome| outcome);
        }
        if let Some(stuck) = self.outcomes.iter().find_map(|outcome| outcome.stuck.as_ref()) {
            let Stuck { connections, .. } = stuck;
            let stuck = format!("stuck: {connections} of {} connections stop reading", shape.connections);
            self.section(&mut text, &stuck, STUCK, |outcome| outcome);
        }
        let idle = format!("idle: {idle_connections} connections in two rooms each");
        self.section(&mut text, &idle, IDLE, |outcome| outcome);
        self.faults(&mut text);
        let _ = writeln!(
            text,
            "Medians of {rounds} rounds (lowest-highest); x is the ratio to {} in the same round.",
            self.reference
        );
        self.doubts(&mut text);
        targets::write(&mut text, &self.targets);
        text
    }

    /// Says which runs something else on the machine has disturbed.
    fn doubts(&self, text: &mut String) {
        let all = self.outcomes.len();
        let disturbed =
            |run: fn(&Outcome) -> bool| self.outcomes.iter().filter(|outcome| run(outcome)).count();
        let held_up =
            disturbed(|outcome| outcome.saturation.server_cpu.is_some_and(|share| share < WHOLE_CORE));
        if held_up > 0 {
            let _ =
                writeln!(text, "In {held_up} of {all} saturated runs something else used the server's core.");
        }
        let late = disturbed(|outcome| outcome.steady.send_lag_p99_ms > SEND_LAG_MS);
        if late > 0 {
            let _ = writeln!(text, "In {late} of {all} steady runs the load generator itself sent late.");
        }
    }

    fn section<T>(&self, text: &mut String, title: &str, columns: &[Column<T>], part: fn(&Outcome) -> &T) {
        let mut rows = vec![vec!["server".to_owned()]];
        rows[0].extend(columns.iter().map(|column| column.title.to_owned()));
        for server in self.servers() {
            let mut row = vec![server.to_owned()];
            row.extend(columns.iter().map(|column| self.cell(server, column, part)));
            rows.push(row);
        }
        write_table(text, title, &rows);
    }

    fn faults(&self, text: &mut String) {
        let mut rows = vec![
            [
                "server",
                "deliveries checked",
                "lost",
                "doubled",
                "reordered",
                "missing acks",
                "wrong output",
                "other",
            ]
            .map(str::to_owned)
            .to_vec(),
        ];
        for server in self.servers() {
            let sum = |fault: fn(&Faults) -> u64| {
                self.of(server).map(|outcome| fault(&outcome.faults)).sum::<u64>().to_string()
            };
            rows.push(vec![
                server.to_owned(),
                self.of(server).map(|outcome| outcome.checked).sum::<u64>().to_string(),
                sum(|faults| faults.lost),
                sum(|faults| faults.doubled),
                sum(|faults| faults.reordered),
                sum(|faults| faults.missing_acks),
                sum(|faults| faults.wrong),
                sum(|faults| faults.doubled_acks + faults.refused + faults.stray + faults.disconnected),
            ]);
        }
        write_table(text, "correctness, all rounds together", &rows);
    }

    fn cell<T>(&self, server: &str, column: &Column<T>, part: fn(&Outcome) -> &T) -> String {
        let figure = |outcome: &Outcome| (column.figure)(part(outcome));
        let Some(spread) = Spread::of(self.of(server).filter_map(figure)) else { return "-".to_owned() };
        let mut cell = spread.show(column.unit);
        if column.ratio
            && let Some(ratio) = Spread::of(self.ratios(server, self.reference, figure))
        {
            let _ = write!(cell, " x{:.2}", ratio.median);
        }
        cell
    }

    /// The figure against another server's of the same round.
    fn ratios(
        &self,
        server: &str,
        other: &str,
        figure: impl Fn(&Outcome) -> Option<f64>,
    ) -> impl Iterator<Item = f64> {
        self.of(server).filter_map(move |outcome| {
            let other = self.of(other).find(|other| other.round == outcome.round)?;
            Some(figure(outcome)? / figure(other)?).filter(|ratio| ratio.is_finite())
        })
    }

    fn of(&self, server: &str) -> impl Iterator<Item = &Outcome> {
        self.outcomes.iter().filter(move |outcome| outcome.server == server)
    }

    fn servers(&self) -> Vec<&'static str> {
        let mut servers = Vec::new();
        for outcome in &self.outcomes {
            if !servers.contains(&outcome.server) {
                servers.push(outcome.server);
            }
        }
        servers
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_ratio_is_taken_within_the_round() {
        let outcome = |round, server, deliveries_per_second| Outcome {
            round,
            server,
            saturation: Measures { deliveries_per_second, ..Measures::default() },
            ..Outcome::default()
        };
        let report = Report::new(
            Settings::default(),
            "a",
            vec![
                outcome(0, "a", 100.0),
                outcome(0, "b", 200.0),
                outcome(1, "a", 1_000.0),
                outcome(1, "b", 2_000.0),
            ],
        );
        let ratios: Vec<f64> =
            report.ratios("b", "a", |outcome| Some(outcome.saturation.deliveries_per_second)).collect();
        assert_eq!(ratios, [2.0, 2.0]);
        assert!(report.table().contains("0.1k"), "{}", report.table());
    }
}
