//! The node that keeps workspaces is killed under ten writers, again and again, and started anew on what is on its disk.
//!
//! Nothing that was acknowledged may be missing, everything that was asked is done once, and every workspace can be read.

use std::{
    collections::BTreeMap,
    time::{Duration, Instant},
};

use crate::{
    node::Node,
    rounds,
    workspace_writers::{WorkspaceWriter, count_history, get, total},
};

/// Writers write to one of these each.
const WORKSPACES: [&str; 2] = ["drill-0", "drill-1"];

const WRITERS: usize = 10;

/// How many ops have to be acknowledged between two kills.
const BETWEEN: u64 = 300;

#[tokio::test]
#[ignore = "minutes of their own: `cargo xtask test --only drills`"]
async fn nothing_acknowledged_is_lost_to_a_kill() {
    let folder = std::env::temp_dir().join(format!("syncline-drill-{}", std::process::id()));
    let settings = vec![("DATA_DIR", folder.display().to_string())];
    let mut node = Node::start_with(settings).await;
    let address = node.address;
    let start = |number: usize| {
        WorkspaceWriter::start(
            &format!("writer-{number}"),
            WORKSPACES[number % WORKSPACES.len()],
            address,
            Duration::ZERO,
        )
    };
    let writers: Vec<WorkspaceWriter> = (0..WRITERS).map(start).collect();
    // Twenty rounds elsewhere are a hundred kills here: each takes a second.
    let kills = if rounds() > 2 { rounds() * 5 } else { 5 };
    for kill in 1..=kills {
        let goal = total(&writers) + BETWEEN;
        let began = Instant::now();
        while total(&writers) < goal {
            assert!(
                began.elapsed() < Duration::from_secs(30),
                "kill {kill}: nothing is acknowledged any more"
            );
            tokio::time::sleep(Duration::from_millis(2)).await;
        }
        // At another moment of a commit each time.
        tokio::time::sleep(Duration::from_micros(kill as u64 * 977 % 20_000)).await;
        node.kill();
        let acked: Vec<_> = writers.iter().map(WorkspaceWriter::acked).collect();
        let began = Instant::now();
        node.restart().await;
        let up = began.elapsed();
        for workspace in WORKSPACES {
            let state = get(address, &format!("/v1/workspaces/{workspace}")).await;
            let of_it = writers.iter().zip(&acked).filter(|(writer, _)| writer.workspace == workspace);
            of_it.for_each(|(writer, acked)| writer.check(&state["data"], acked, &format!("kill {kill}")));
        }
        println!("kill {kill}: {} ops acknowledged so far, up again after {up:?}", total(&writers));
    }
    let mut asked: BTreeMap<&str, u64> = BTreeMap::new();
    for mut writer in writers {
        let workspace = writer.workspace;
        *asked.entry(workspace).or_default() += writer.stop().await;
    }
    for (workspace, asked) in asked {
        assert_eq!(count_history(address, workspace).await, asked, "every op of {workspace} is done once");
    }
    drop(node);
    std::fs::remove_dir_all(folder).expect("the folder can go");
}
