//! The bench by its front door: a tiny load against a real server process, every message accounted for.
//!
//! It looks at correctness and at the shape of the JSON, never at a figure's size.

use std::path::{Path, PathBuf};
use std::process::Command;

use serde_json::Value;

/// A folder of a test's own, gone when the test is over.
struct Folder(PathBuf);

impl Folder {
    fn new(name: &str) -> Self {
        let path = std::env::temp_dir().join(format!("syncline-bench-{name}-{}", std::process::id()));
        std::fs::create_dir_all(&path).unwrap();
        Self(path)
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        std::fs::remove_dir_all(&self.0).ok();
    }
}

/// Runs one short round with these servers and arguments beside the tiny load, and returns its outcomes.
fn outcomes(folder: &Path, servers: &[&str], arguments: &[&str]) -> Vec<Value> {
    let out = folder.join("events.json");
    let run = Command::new(env!("CARGO_BIN_EXE_syncline-bench"))
        .args(["events", "--no-pin", "--rounds", "1", "--rate", "2000", "--idle", "20"])
        .args(servers.iter().flat_map(|server| ["--server", server]))
        .args(arguments)
        .arg("--out")
        .arg(&out)
        .output()
        .unwrap();
    assert!(run.status.success(), "{}", String::from_utf8_lossy(&run.stderr));
    let json: Value = serde_json::from_slice(&std::fs::read(&out).unwrap()).unwrap();
    let faults =
        json["targets"].as_array().unwrap().iter().find(|target| target["target"] == "<= 0").unwrap();
    assert_eq!((&faults["measured"], &faults["reached"]), (&0.0.into(), &true.into()));
    json["outcomes"].as_array().unwrap().clone()
}

/// However late: what the first request of each sender comes to is there in every run.
fn was_delivered(measures: &Value) {
    assert!(measures["checked"].as_u64().unwrap() > 0, "{measures}");
}

const SMALL: &[&str] = &["--connections", "40", "--room-size", "10", "--senders", "8", "--seconds", "0.1"];

#[test]
fn a_tiny_bench_accounts_for_every_message() {
    let servers = [
        "rawroom",
        "rawroom-current-thread",
        "naive",
        "ceiling",
        "syncline-echo",
        "syncline-equal",
        "syncline-distinct",
        "syncline-audience",
        "syncline-echo-2-threads",
    ];
    let folder = Folder::new("all");
    let outcomes = outcomes(&folder.0, &servers, SMALL);
    let ran: Vec<&str> = outcomes.iter().map(|outcome| outcome["server"].as_str().unwrap()).collect();
    assert_eq!(ran, servers);
    for outcome in outcomes {
        for run in ["saturation", "pipelined", "steady"] {
            was_delivered(&outcome[run]);
        }
        assert_eq!(outcome["faults"]["lost"], 0, "{outcome}");
        assert!(outcome["ladder"].is_null() && outcome["stuck"].is_null(), "nobody asked for them");
    }
}

#[test]
fn a_ladder_ends_at_the_first_rate_that_is_not_held_and_charts_are_drawn() {
    let folder = Folder::new("ladder");
    let charts = folder.0.join("charts");
    // Nothing holds the last one.
    let ladder = ["--ladder", "--ladder-seconds", "0.3", "--ladder-rates", "100,100000000,100"];
    let drawn = ["--charts", charts.to_str().unwrap()];
    for outcome in outcomes(&folder.0, &["syncline-echo"], &[SMALL, &ladder, &drawn].concat()) {
        let steps = outcome["ladder"]["steps"].as_array().unwrap();
        let rates: Vec<u64> = steps.iter().map(|step| step["rate"].as_u64().unwrap()).collect();
        assert!(rates == [100, 100_000_000] || rates == [100], "{outcome}");
        assert_eq!(steps.last().unwrap()["held"], false, "{outcome}");
        was_delivered(&steps[0]["run"]);
    }
    for file in ["deliveries.svg", "p99.svg", "memory.svg"] {
        let svg = std::fs::read_to_string(charts.join(file)).unwrap();
        assert!(svg.starts_with("<svg") && svg.ends_with("</svg>\n"), "{svg}");
        assert!(svg.contains(">rawroom<") && svg.contains(">syncline-echo<"), "{svg}");
    }
}

#[test]
fn those_that_stop_reading_are_evicted_and_the_others_get_everything() {
    let folder = Folder::new("stuck");
    let shape = ["--connections", "5", "--room-size", "5", "--senders", "4"];
    let stuck = ["--seconds", "1", "--payload", "4096", "--window", "16", "--stuck", "20"];
    let outcomes = outcomes(&folder.0, &["syncline-echo"], &[&shape[..], &stuck].concat());
    for outcome in &outcomes {
        let stuck = &outcome["stuck"];
        assert_eq!(stuck["connections"], 1, "{outcome}");
        for run in ["without", "with", "saturation"] {
            was_delivered(&stuck[run]);
        }
    }
    assert_eq!(outcomes[1]["stuck"]["evicted"], 1, "{}", outcomes[1]);
}

#[test]
fn an_unknown_server_is_refused_with_the_names_that_exist() {
    let run = Command::new(env!("CARGO_BIN_EXE_syncline-bench"))
        .args(["events", "--server", "nobody"])
        .output()
        .unwrap();
    assert!(!run.status.success());
    let message = String::from_utf8_lossy(&run.stderr);
    assert!(message.contains("nobody") && message.contains("rawroom"), "{message}");
}
