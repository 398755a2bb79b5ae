//! The bench by its front door: a tiny load against a real server process, every message accounted for.
//!
//! It looks at correctness and at the shape of the JSON, never at a figure's size.

use std::process::Command;

#[test]
fn a_tiny_bench_accounts_for_every_message() {
    let out = std::env::temp_dir().join(format!("syncline-bench-{}.json", std::process::id()));
    let run = Command::new(env!("CARGO_BIN_EXE_syncline-bench"))
        .args(["events", "--no-pin", "--rounds", "1", "--seconds", "0.1", "--rate", "2000", "--idle", "20"])
        .args(["--connections", "40", "--room-size", "10", "--senders", "8", "--payload", "150"])
        .args(["--server", "rawroom-current-thread", "--server", "ceiling"])
        .args(["--server", "syncline-echo", "--server", "syncline-equal", "--server", "syncline-distinct"])
        .args(["--server", "syncline-audience", "--server", "syncline-echo-2-threads", "--out"])
        .arg(&out)
        .output()
        .unwrap();
    assert!(run.status.success(), "{}", String::from_utf8_lossy(&run.stderr));

    let json: serde_json::Value = serde_json::from_slice(&std::fs::read(&out).unwrap()).unwrap();
    std::fs::remove_file(&out).unwrap();
    let outcomes = json["outcomes"].as_array().unwrap();
    let servers: Vec<&str> = outcomes.iter().map(|outcome| outcome["server"].as_str().unwrap()).collect();
    assert_eq!(
        servers,
        [
            "rawroom",
            "rawroom-current-thread",
            "ceiling",
            "syncline-echo",
            "syncline-equal",
            "syncline-distinct",
            "syncline-audience",
            "syncline-echo-2-threads"
        ]
    );
    for outcome in outcomes {
        for run in ["saturation", "pipelined", "steady"] {
            assert!(outcome[run]["deliveriesPerSecond"].as_f64().unwrap() > 0.0, "{outcome}");
        }
        assert_eq!(outcome["faults"]["lost"], 0, "{outcome}");
    }
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
