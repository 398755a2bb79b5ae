//! `bench instructions`: how many instructions of its own a server takes for a delivery, counted by callgrind.
//!
//! Each server serves one load and then, as a new process, the same with twice the messages; what the second took more
//! is divided by what it delivered more, so that starting, connecting and joining cancel. It counts no time, and nothing
//! of the kernel's, which is most of a delivery; in return a figure is nearly the same on any day. Node is left out: what
//! counts there is its compiler.

use std::fmt::Write as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::Duration;

use anyhow::{Context as _, bail, ensure};
use clap::Args;
use serde::Serialize;

use crate::events;
use crate::load::Shape;
use crate::process::Running;
use crate::server::{Server, chosen};

/// Under callgrind everything takes fifty times as long.
const SILENCE: Duration = Duration::from_secs(120);

/// Those that the project's targets speak of.
const PAYLOADS: [usize; 2] = [150, 4_096];

/// What to run.
#[derive(Debug, Args)]
pub(crate) struct Options {
    /// Only these servers, by name; `rawroom` is always among them.
    #[arg(long = "server")]
    servers: Vec<String>,
    #[arg(long, default_value_t = 200)]
    connections: usize,
    #[arg(long, default_value_t = 100)]
    room_size: usize,
    #[arg(long, default_value_t = 20)]
    senders: usize,
    /// Messages of each sender in the first run; the second has twice as many.
    #[arg(long, default_value_t = 20)]
    messages: usize,
    /// Bytes of a request's data.
    #[arg(long, value_delimiter = ',', default_values_t = PAYLOADS)]
    payload: Vec<usize>,
    /// Where the figures go as JSON.
    #[arg(long, default_value = "target/bench/instructions.json")]
    out: PathBuf,
}

/// The figure of one server and payload.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct Figure {
    server: &'static str,
    payload: usize,
    instructions_per_delivery: f64,
}

/// Runs all servers, prints the table and writes the JSON.
pub(crate) fn run(options: &Options) -> anyhow::Result<()> {
    let valgrind = Command::new("valgrind").arg("--version").stdout(Stdio::null()).status();
    ensure!(
        valgrind.is_ok_and(|status| status.success()),
        "valgrind is missing; a Debian has it as the package `valgrind`"
    );
    if cfg!(debug_assertions) {
        eprintln!("not an optimized build: the figures say nothing");
    }
    ensure!(options.messages > 0, "at least one message");
    let counts = std::env::temp_dir().join(format!("syncline-bench-{}.callgrind", std::process::id()));
    let servers = chosen(&options.servers, true, false)?;
    // Before the first of them has run for minutes.
    if let Some(node) = servers.iter().find(|server| server.is_node()) {
        bail!("`{}` is none of those that callgrind can count", node.name);
    }
    let mut figures = Vec::new();
    for server in servers {
        for payload in &options.payload {
            let figure = measure(server, *payload, options, &counts)
                .with_context(|| format!("{} with {payload} B", server.name));
            std::fs::remove_file(&counts).ok();
            let figure = figure?;
            eprintln!(
                "{} {payload} B: {:.0} instructions/delivery",
                server.name, figure.instructions_per_delivery
            );
            figures.push(figure);
        }
    }
    println!("\n{}", table(&figures, &options.payload));
    if let Some(folder) = options.out.parent() {
        std::fs::create_dir_all(folder)?;
    }
    std::fs::write(&options.out, serde_json::to_vec_pretty(&figures)?)
        .with_context(|| format!("cannot write {}", options.out.display()))
}

fn measure(
    server: &'static Server,
    payload: usize,
    options: &Options,
    counts: &Path,
) -> anyhow::Result<Figure> {
    let Options { connections, room_size, senders, messages, .. } = *options;
    let shape = Shape { connections, room_size, senders, payload }.checked()?;
    let once = count(server, shape, messages, counts)?;
    let twice = count(server, shape, 2 * messages, counts)?;
    let deliveries = messages * senders * room_size;
    let instructions_per_delivery = (twice as f64 - once as f64) / deliveries as f64;
    Ok(Figure { server: server.name, payload, instructions_per_delivery })
}

/// The instructions of a whole process that delivers so many messages of each sender.
fn count(server: &Server, shape: Shape, messages: usize, counts: &Path) -> anyhow::Result<u64> {
    let out = format!("--callgrind-out-file={}", counts.display());
    let valgrind = ["valgrind", "--quiet", "--tool=callgrind", out.as_str()];
    let running = Running::start(server.program()?.under(&valgrind), None)?;
    let mut session = events::join(server, &running, shape, &[])?;
    session.exchange(messages, SILENCE)?;
    let faults = session.faults();
    let tolerated = if server.may_reorder { faults.reordered } else { 0 };
    ensure!(faults.total() == tolerated, "not every message arrived as it should: {faults:?}");
    // The clients stay until the end: their leaving is work of its own.
    running.finish()?;
    drop(session);
    let counted = std::fs::read_to_string(counts).context("callgrind has written nothing")?;
    instructions_in(&counted).context("callgrind's file has no total")
}

/// The total of a file of callgrind's.
fn instructions_in(counted: &str) -> Option<u64> {
    let total = |name| counted.lines().rev().find_map(|line| line.strip_prefix(name));
    total("totals:").or_else(|| total("summary:"))?.split_ascii_whitespace().next()?.parse().ok()
}

fn table(figures: &[Figure], payloads: &[usize]) -> String {
    let mut text = format!("instructions/delivery\n  {:<24}", "server");
    for payload in payloads {
        let _ = write!(text, "{:>12}", format!("{payload} B"));
    }
    for (at, figure) in figures.iter().enumerate() {
        if at % payloads.len() == 0 {
            let _ = write!(text, "\n  {:<24}", figure.server);
        }
        let _ = write!(text, "{:>12.0}", figure.instructions_per_delivery);
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_total_is_found_in_either_form() {
        assert_eq!(instructions_in("events: Ir\nsummary: 12\n\nfn=(1)\n1 2\ntotals: 34\n"), Some(34));
        assert_eq!(instructions_in("events: Ir\nsummary: 12\n"), Some(12));
        assert_eq!(instructions_in("events: Ir\n"), None);
    }

    #[test]
    fn a_row_is_a_server_and_a_column_a_payload() {
        let figure = |server, payload, instructions_per_delivery| Figure {
            server,
            payload,
            instructions_per_delivery,
        };
        let figures = [
            figure("a", 150, 10.0),
            figure("a", 4_096, 20.0),
            figure("b", 150, 30.0),
            figure("b", 4_096, 40.0),
        ];
        let rows: Vec<Vec<String>> = table(&figures, &[150, 4_096])
            .lines()
            .map(|line| line.split_ascii_whitespace().map(str::to_owned).collect())
            .collect();
        assert_eq!(
            rows[1..],
            [vec!["server", "150", "B", "4096", "B"], vec!["a", "10", "20"], vec!["b", "30", "40"]]
        );
    }
}
