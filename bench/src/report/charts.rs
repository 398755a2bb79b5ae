//! Charts of a run: one SVG for each figure, with a bar for each server.
//!
//! Written by hand, as a bar chart is a few rectangles. Each brings its own background in a light and a dark form, so
//! that it can be read wherever it is shown. A figure that no server has gets no chart.

use std::fmt::Write as _;
use std::path::Path;

use anyhow::Context as _;

use super::table::{Spread, Unit};
use super::{Outcome, Report};

/// One figure of all servers.
struct Chart {
    file: &'static str,
    title: &'static str,
    axis: &'static str,
    unit: Unit,
    figure: fn(&Outcome) -> Option<f64>,
}

const CHARTS: &[Chart] = &[
    Chart {
        file: "deliveries.svg",
        title: "Deliveries per second at saturation",
        axis: "deliveries/s (more is better)",
        unit: Unit::Thousands,
        figure: |outcome| Some(outcome.saturation.deliveries_per_second),
    },
    Chart {
        file: "p99.svg",
        title: "99th percentile of latency at saturation",
        axis: "milliseconds (less is better)",
        unit: Unit::Plain,
        figure: |outcome| Some(outcome.saturation.p99_ms),
    },
    Chart {
        file: "memory.svg",
        title: "Memory of an idle connection",
        axis: "KiB (less is better)",
        unit: Unit::Plain,
        figure: |outcome| outcome.kib_per_idle_connection,
    },
];

const STYLE: &str = "\
    svg { font: 13px system-ui, sans-serif; }\n\
    .back { fill: #ffffff; stroke: #d0d7de; }\n\
    text { fill: #1f2328; }\n\
    .soft { fill: #59636e; }\n\
    .grid { stroke: #d0d7de; }\n\
    .ours { fill: #0969da; }\n\
    .peer { fill: #8c959f; }\n\
    .range { stroke: #1f2328; stroke-width: 1.5; }\n\
    @media (prefers-color-scheme: dark) {\n\
      .back { fill: #0d1117; stroke: #3d444d; }\n\
      text { fill: #f0f6fc; }\n\
      .soft { fill: #9198a1; }\n\
      .grid { stroke: #3d444d; }\n\
      .ours { fill: #4493f8; }\n\
      .peer { fill: #656c76; }\n\
      .range { stroke: #f0f6fc; }\n\
    }\n";

const WIDTH: f64 = 760.0;
/// Where the bars begin: left of it is room for the longest name.
const LEFT: f64 = 190.0;
/// Where the longest bar may end: right of it is room for its value.
const RIGHT: f64 = 590.0;
const TOP: f64 = 64.0;
const ROW: f64 = 28.0;
const BAR: f64 = 18.0;
/// About so many lines across the bars.
const LINES: f64 = 5.0;

/// Draws all charts that the report has figures for.
pub(crate) fn write(report: &Report, folder: &Path) -> anyhow::Result<()> {
    std::fs::create_dir_all(folder).with_context(|| format!("cannot make {}", folder.display()))?;
    for chart in CHARTS {
        let Some(drawn) = chart.draw(report) else { continue };
        let path = folder.join(chart.file);
        std::fs::write(&path, drawn).with_context(|| format!("cannot write {}", path.display()))?;
    }
    Ok(())
}

impl Chart {
    fn draw(&self, report: &Report) -> Option<String> {
        let spread = |server| Some((server, Spread::of(report.of(server).filter_map(self.figure))?));
        let bars: Vec<(&str, Spread)> = report.servers().into_iter().filter_map(spread).collect();
        let most = bars.iter().map(|(_, spread)| spread.highest).max_by(f64::total_cmp)?;
        let (step, end) = scale(most);
        let x = |value: f64| LEFT + value / end * (RIGHT - LEFT);
        let bottom = TOP + ROW * bars.len() as f64;
        let height = bottom + 70.0;

        let mut svg = format!(
            "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"{WIDTH}\" height=\"{height}\" \
             viewBox=\"0 0 {WIDTH} {height}\" role=\"img\" aria-label=\"{}\">\n<style>\n{STYLE}</style>\n",
            self.title
        );
        let mut line = |text: std::fmt::Arguments<'_>| {
            let _ = writeln!(svg, "{text}");
        };
        line(format_args!(
            r#"<rect class="back" x="0.5" y="0.5" width="{}" height="{}" rx="6"/>"#,
            WIDTH - 1.0,
            height - 1.0
        ));
        line(format_args!(r#"<text x="16" y="28" font-size="16" font-weight="600">{}</text>"#, self.title));
        line(format_args!(r#"<text x="16" y="48" class="soft">{}</text>"#, circumstances(report)));
        for mark in 0..=(end / step).round() as u32 {
            let value = f64::from(mark) * step;
            let at = x(value);
            line(format_args!(r#"<line class="grid" x1="{at:.1}" x2="{at:.1}" y1="{TOP}" y2="{bottom}"/>"#));
            line(format_args!(
                r#"<text class="soft" x="{at:.1}" y="{:.1}" text-anchor="middle">{}</text>"#,
                bottom + 18.0,
                mark_text(value, self.unit)
            ));
        }
        for (row, (server, spread)) in bars.iter().enumerate() {
            let y = TOP + ROW * row as f64 + (ROW - BAR) / 2.0;
            let (middle, base) = (y + BAR / 2.0, y + BAR - 4.5);
            let class = if server.starts_with("syncline") { "ours" } else { "peer" };
            let (lowest, highest) = (x(spread.lowest), x(spread.highest));
            line(format_args!(
                r#"<text x="{:.1}" y="{base:.1}" text-anchor="end">{server}</text>"#,
                LEFT - 8.0
            ));
            line(format_args!(
                r#"<rect class="{class}" x="{LEFT}" y="{y:.1}" width="{:.1}" height="{BAR}"/>"#,
                x(spread.median) - LEFT
            ));
            line(format_args!(
                r#"<line class="range" x1="{lowest:.1}" x2="{highest:.1}" y1="{middle:.1}" y2="{middle:.1}"/>"#
            ));
            line(format_args!(
                r#"<text x="{:.1}" y="{base:.1}">{}</text>"#,
                highest + 8.0,
                spread.show(self.unit)
            ));
        }
        line(format_args!(
            r#"<text class="soft" x="{:.1}" y="{:.1}" text-anchor="middle">{}</text>"#,
            f64::midpoint(LEFT, RIGHT),
            bottom + 44.0,
            self.axis
        ));
        svg.push_str("</svg>\n");
        Some(svg)
    }
}

/// What the figures are figures of.
fn circumstances(report: &Report) -> String {
    let shape = &report.settings.shape;
    format!(
        "{} connections, rooms of {}, {} senders, {} B; median of {} rounds, the line is lowest to highest",
        shape.connections, shape.room_size, shape.senders, shape.payload, report.settings.rounds
    )
}

/// Round steps of an axis, and its end, which is no less than `most`.
fn scale(most: f64) -> (f64, f64) {
    if most <= 0.0 {
        return (1.0, 1.0);
    }
    let rough = most / LINES;
    let power = 10_f64.powf(rough.log10().floor());
    let step = [1.0, 2.0, 2.5, 5.0, 10.0].into_iter().map(|step| step * power).find(|step| *step >= rough);
    let step = step.unwrap_or(rough);
    (step, (most / step).ceil() * step)
}

fn mark_text(value: f64, unit: Unit) -> String {
    match unit {
        Unit::Thousands => format!("{}k", value / 1e3),
        // Three times a fifth is not quite three fifths.
        _ => format!("{}", (value * 1e6).round() / 1e6),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::load::Measures;
    use crate::report::Settings;

    #[test]
    fn an_axis_has_few_round_steps_and_room_for_all() {
        assert_eq!(scale(407_000.0), (100_000.0, 500_000.0));
        assert_eq!(scale(22.6), (5.0, 25.0));
        assert_eq!(scale(1_000.0), (200.0, 1_000.0));
        assert_eq!(scale(0.0), (1.0, 1.0));
        for most in [0.03, 1.0, 3.7, 99.0, 123_456.0] {
            let (step, end) = scale(most);
            assert!(end >= most && end - step < most && end / step <= 6.0, "{most}: {step} {end}");
        }
    }

    #[test]
    fn a_bar_is_as_long_as_its_value_and_bears_it() {
        let outcome = |server, deliveries_per_second| Outcome {
            server,
            saturation: Measures { deliveries_per_second, ..Measures::default() },
            ..Outcome::default()
        };
        let outcomes = vec![outcome("rawroom", 400_000.0), outcome("syncline-echo", 200_000.0)];
        let report = Report::new(Settings::default(), "rawroom", outcomes);
        let svg = CHARTS[0].draw(&report).unwrap();
        for part in [
            r#"class="peer" x="190" y="69.0" width="400.0""#,
            r#"class="ours" x="190" y="97.0" width="200.0""#,
            ">rawroom<",
            ">400k<",
            ">deliveries/s (more is better)<",
        ] {
            assert!(svg.contains(part), "{part} is not in {svg}");
        }
        assert!(CHARTS[2].draw(&report).is_none(), "nobody's memory is known");
    }
}
