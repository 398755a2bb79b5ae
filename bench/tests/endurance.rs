//! The parts of `bench endurance`, each tiny: that they come to their end, account for every message and write what they saw.
//!
//! It looks at correctness and at the shape of the JSON, never at a figure's size.

use std::path::PathBuf;
use std::process::Command;

use serde_json::Value;

/// Runs with these arguments and returns the JSON.
fn told(name: &str, arguments: &[&str]) -> Value {
    let out: PathBuf =
        std::env::temp_dir().join(format!("syncline-bench-{name}-{}.json", std::process::id()));
    let run = Command::new(env!("CARGO_BIN_EXE_syncline-bench"))
        .args(["endurance", "--no-pin", "--only", name])
        .args(arguments)
        .arg("--out")
        .arg(&out)
        .output()
        .unwrap();
    assert!(run.status.success(), "{}", String::from_utf8_lossy(&run.stderr));
    let json = serde_json::from_slice(&std::fs::read(&out).unwrap()).unwrap();
    std::fs::remove_file(&out).unwrap();
    json
}

fn count(value: &Value) -> u64 {
    value.as_u64().unwrap_or_else(|| panic!("{value}"))
}

#[test]
fn a_soak_looks_at_those_that_stay_and_at_those_that_come_and_go() {
    let load = ["--minutes", "0.1", "--connections", "200", "--rate", "2000", "--churn", "20"];
    let json = told("soak", &load);
    let soak = &json["soak"];
    assert!(count(&soak["checked"]) > 0 && count(&soak["guests"]["checked"]) > 0);
    assert!(count(&soak["guests"]["entered"]) > 80, "all came, and some came back: {}", soak["guests"]);
    assert!(soak["slopeMibPerMinute"].is_f64() && soak["samples"].as_array().unwrap().len() > 4);
    assert_eq!(soak["files"]["before"], soak["files"]["after"]);
    assert_eq!(json["targets"].as_array().unwrap().len(), 3);
}

#[test]
fn a_flood_is_answered_and_the_others_get_everything() {
    let json = told("flood", &["--handshakes", "2000", "--flood-seconds", "3", "--flood-rate", "1000"]);
    let flood = &json["flood"];
    let answers = &flood["answers"]["byStatus"];
    assert!(count(&answers["200"]) > 0 && count(&answers["503"]) > 0, "{answers}");
    assert!(count(&flood["memoryPeakKib"]) > 0 && count(&flood["checked"]) > 0);
}

#[test]
fn a_crowd_that_goes_leaves_no_file_open() {
    let json = told("disconnect", &["--leaving", "200", "--rate", "2000", "--settle-seconds", "0"]);
    let files = &json["disconnect"]["files"];
    assert_eq!(files["before"], files["after"]);
    assert!(json["soak"].is_null() && json["flood"].is_null());
}
