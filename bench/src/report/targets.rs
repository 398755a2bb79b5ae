//! The project's targets of sync events, as far as a run has the figures for them.
//!
//! A target that needs a server, a shape or a run that was not there is left out. It is reached when the median of the
//! rounds reaches it. Nothing here makes a bench fail: the figures are those of a machine on a day.

use serde::Serialize;

use super::table::{Spread, Unit, write_table};
use super::{Outcome, Report, Settings, held_rate, moved_by_stuck};

/// What came of one target.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Verdict {
    what: &'static str,
    target: String,
    measured: f64,
    lowest: f64,
    highest: f64,
    reached: bool,
}

struct Target {
    what: &'static str,
    goal: Goal,
    /// Follows the numbers.
    of: &'static str,
    /// The runs that it speaks of.
    applies: fn(&Settings) -> bool,
    /// One figure for each round.
    figures: fn(&Report) -> Vec<f64>,
}

/// What a figure should be.
#[derive(Clone, Copy)]
pub(crate) enum Goal {
    AtLeast(f64),
    AtMost(f64),
    Below(f64),
}

use Goal::{AtLeast, AtMost, Below};

const TARGETS: &[Target] = &[
    Target {
        what: "no client stage",
        goal: AtLeast(0.95),
        of: "x rawroom",
        applies: always,
        figures: |report| throughput(report, "syncline-echo", "rawroom"),
    },
    Target {
        what: "client stage, all equal",
        goal: AtLeast(0.95),
        of: "x rawroom",
        applies: always,
        figures: |report| throughput(report, "syncline-equal", "rawroom"),
    },
    Target {
        what: "client stage, all distinct, 150 B",
        goal: AtLeast(0.70),
        of: "x rawroom",
        applies: |settings| settings.shape.payload == 150,
        figures: |report| throughput(report, "syncline-distinct", "rawroom"),
    },
    Target {
        what: "client stage, all distinct, 4 KiB",
        goal: AtLeast(1.7),
        of: "x naive",
        applies: |settings| settings.shape.payload == 4_096,
        figures: |report| throughput(report, "syncline-distinct", "naive"),
    },
    Target {
        what: "client stage for 4 audiences, room of 5,000",
        goal: AtLeast(0.95),
        of: "x no client stage",
        applies: |settings| settings.shape.room_size == 5_000,
        figures: |report| throughput(report, "syncline-audience", "syncline-echo"),
    },
    Target {
        what: "same job as Node, 100 senders, 150 B (G)",
        goal: AtLeast(8.0),
        of: "x node",
        applies: |settings| is_shape(settings, 100, 150),
        figures: |report| throughput(report, "syncline-equal", "node"),
    },
    Target {
        what: "same job as Node, 10 senders, 150 B (B)",
        goal: AtLeast(4.0),
        of: "x node",
        applies: |settings| is_shape(settings, 10, 150),
        figures: |report| throughput(report, "syncline-equal", "node"),
    },
    Target {
        what: "same job as Node, 100 senders, 4 KiB (D)",
        goal: AtLeast(3.5),
        of: "x node",
        applies: |settings| is_shape(settings, 100, 4_096),
        figures: |report| throughput(report, "syncline-equal", "node"),
    },
    Target {
        what: "Syncline's own client, no client stage",
        goal: AtLeast(2.0),
        of: "x rawroom",
        applies: |settings| settings.shape.payload == 150 && settings.shape.room_size <= 1_000,
        figures: |report| throughput(report, "syncline-batch-echo", "rawroom"),
    },
    Target {
        what: "Syncline's own client: highest rate with p99 <= 50 ms (G)",
        goal: AtLeast(500_000.0),
        of: "deliveries/s",
        applies: |settings| is_shape(settings, 100, 150),
        figures: |report| each(report, "syncline-batch-echo", held_rate),
    },
    Target {
        what: "p99 at saturation (G), no client stage",
        goal: AtMost(30.0),
        of: "ms",
        applies: |settings| is_shape(settings, 100, 150),
        figures: |report| each(report, "syncline-echo", |outcome| Some(outcome.saturation.p99_ms)),
    },
    Target {
        what: "p99 at saturation (G), all equal",
        goal: AtMost(30.0),
        of: "ms",
        applies: |settings| is_shape(settings, 100, 150),
        figures: |report| each(report, "syncline-equal", |outcome| Some(outcome.saturation.p99_ms)),
    },
    Target {
        what: "p50 at 100,000 deliveries/s (G), all equal",
        goal: AtMost(2.0),
        of: "ms",
        applies: |settings| is_shape(settings, 100, 150) && settings.steady_rate == 100_000,
        figures: |report| each(report, "syncline-equal", |outcome| Some(outcome.steady.p50_ms)),
    },
    Target {
        what: "faults of all Syncline servers",
        goal: AtMost(0.0),
        of: "",
        applies: always,
        figures: faults,
    },
    Target {
        what: "memory of an idle connection",
        goal: AtMost(15.0),
        of: "KiB",
        applies: always,
        figures: |report| each(report, "syncline-echo", |outcome| outcome.kib_per_idle_connection),
    },
    Target {
        what: "connects/s",
        goal: AtLeast(3.0),
        of: "x node",
        applies: always,
        figures: |report| {
            let connects = |outcome: &Outcome| Some(outcome.connects_per_second);
            report.ratios("syncline-echo", "node", connects).collect()
        },
    },
    Target {
        what: "p99 of the others with stuck connections",
        goal: AtMost(1.1),
        of: "x without",
        applies: always,
        figures: |report| each(report, "syncline-equal", moved_by_stuck),
    },
];

pub(super) fn verdicts(report: &Report) -> Vec<Verdict> {
    let applying = TARGETS.iter().filter(|target| (target.applies)(&report.settings));
    let verdict =
        |target: &Target| Verdict::of(target.what, target.goal, target.of, (target.figures)(report));
    applying.filter_map(verdict).collect()
}

/// Writes the table of targets, if there is any.
pub(crate) fn write(text: &mut String, verdicts: &[Verdict]) {
    if verdicts.is_empty() {
        return;
    }
    let mut rows = vec![["what", "target", "measured", ""].map(str::to_owned).to_vec()];
    for Verdict { what, target, measured, lowest, highest, reached } in verdicts {
        let spread = Spread { median: *measured, lowest: *lowest, highest: *highest };
        let reached = if *reached { "reached" } else { "not reached" };
        rows.push(vec![(*what).to_owned(), target.clone(), spread.show(Unit::Plain), reached.to_owned()]);
    }
    text.push('\n');
    write_table(text, "targets, as far as this run can tell", &rows);
}

impl Verdict {
    /// What these figures come to; nothing without a figure. `unit` follows the numbers.
    pub(crate) fn of(
        what: &'static str,
        goal: Goal,
        unit: &str,
        figures: impl IntoIterator<Item = f64>,
    ) -> Option<Self> {
        let Spread { median, lowest, highest } = Spread::of(figures.into_iter())?;
        let (sign, bound, reached) = match goal {
            AtLeast(bound) => (">=", bound, median >= bound),
            AtMost(bound) => ("<=", bound, median <= bound),
            Below(bound) => ("<", bound, median < bound),
        };
        let target = format!("{sign} {bound} {unit}").trim_end().to_owned();
        Some(Self { what, target, measured: median, lowest, highest, reached })
    }
}

fn always(_: &Settings) -> bool {
    true
}

/// One of the shapes of 1,000 connections in rooms of 100.
fn is_shape(settings: &Settings, senders: usize, payload: usize) -> bool {
    let shape = &settings.shape;
    (shape.connections, shape.room_size, shape.senders, shape.payload) == (1_000, 100, senders, payload)
}

fn throughput(report: &Report, server: &str, other: &str) -> Vec<f64> {
    report.ratios(server, other, |outcome| Some(outcome.saturation.deliveries_per_second)).collect()
}

fn each(report: &Report, server: &str, figure: fn(&Outcome) -> Option<f64>) -> Vec<f64> {
    report.of(server).filter_map(figure).collect()
}

/// One figure for all rounds: a median would hide what went wrong once.
fn faults(report: &Report) -> Vec<f64> {
    let ours = report.outcomes.iter().filter(|outcome| outcome.server.starts_with("syncline"));
    let faults: Vec<u64> = ours.map(|outcome| outcome.faults.total()).collect();
    if faults.is_empty() { Vec::new() } else { vec![faults.iter().sum::<u64>() as f64] }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::load::{Faults, Measures, Shape};

    fn outcome(server: &'static str, deliveries_per_second: f64) -> Outcome {
        let saturation = Measures { deliveries_per_second, ..Measures::default() };
        Outcome { server, saturation, ..Outcome::default() }
    }

    fn report(outcomes: Vec<Outcome>) -> Report {
        let shape = Shape { connections: 1_000, room_size: 100, senders: 100, payload: 150 };
        Report::new(Settings { shape, ..Settings::default() }, "rawroom", outcomes)
    }

    fn found<'a>(report: &'a Report, what: &str) -> Option<&'a Verdict> {
        report.targets.iter().find(|verdict| verdict.what == what)
    }

    #[test]
    fn a_target_is_judged_by_its_ratio() {
        let judged = |ours| {
            let report = report(vec![outcome("rawroom", 100.0), outcome("syncline-echo", ours)]);
            found(&report, "no client stage").unwrap().reached
        };
        assert_eq!([judged(94.0), judged(96.0)], [false, true]);
    }

    #[test]
    fn a_bound_is_reached_or_has_to_be_kept_below() {
        let reached = |goal| Verdict::of("some", goal, "x", [2.0]).unwrap().reached;
        assert_eq!([reached(AtMost(2.0)), reached(Below(2.0)), reached(AtLeast(2.0))], [true, false, true]);
        assert!(Verdict::of("some", AtMost(2.0), "x", []).is_none());
    }

    #[test]
    fn what_a_run_cannot_tell_is_left_out() {
        let without = report(vec![outcome("rawroom", 100.0), outcome("syncline-equal", 100.0)]);
        let node = "same job as Node, 100 senders, 150 B (G)";
        assert!(found(&without, node).is_none());
        let with = report(vec![outcome("node", 10.0), outcome("syncline-equal", 79.0)]);
        assert!(!found(&with, node).unwrap().reached);
        assert!(found(&with, "same job as Node, 10 senders, 150 B (B)").is_none(), "another shape");
        assert!(report(vec![outcome("rawroom", 100.0)]).targets.is_empty());
    }

    #[test]
    fn one_fault_in_one_round_is_not_hidden() {
        let mut outcomes: Vec<Outcome> = (0..5).map(|_| outcome("syncline-echo", 1.0)).collect();
        outcomes[2].faults = Faults { reordered: 1, ..Faults::default() };
        let report = report(outcomes);
        let verdict = found(&report, "faults of all Syncline servers").unwrap();
        assert_eq!((verdict.measured, verdict.reached), (1.0, false));
        assert!(report.table().contains("not reached"));
    }
}
