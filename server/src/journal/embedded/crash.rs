//! A process is killed while it writes, again and again: what it was told is on disk is there, and nothing is torn.
//!
//! `DRILL_JOURNAL_KILLS` says how often; `cargo xtask drills` sets it. The process is this test binary, started to run one test only.

use std::{
    collections::BTreeMap,
    io::{BufRead as _, BufReader, Write as _},
    path::Path,
    process::{Command, Stdio},
    sync::Arc,
};

use bytes::Bytes;
use rand::RngExt as _;

use super::{EmbeddedJournal, tests::Folder};
use crate::journal::{Contents, Journal as _, LogId, Space, Write};

/// Where the process that is killed writes.
const FOLDER: &str = "JOURNAL_CRASH_FOLDER";

const WRITERS: usize = 8;

/// A writer's own log.
fn own(writer: usize) -> LogId {
    LogId::new(Space::Workspaces, writer.to_string())
}

/// The log to which each writer appends, in the same commit.
fn shared() -> LogId {
    LogId::new(Space::Replication, "all")
}

/// What is at a writer's position; of any length, so that something torn shows.
fn content(writer: usize, position: u64) -> Bytes {
    format!("{writer} {position} ").repeat(1 + position as usize % 300).into()
}

/// A snapshot says what it holds.
fn snapshot(writer: usize, through: u64) -> Bytes {
    format!("{writer} through {through}").repeat(1000).into()
}

fn last(contents: &Contents) -> u64 {
    let snapshot = contents.snapshot.as_ref().map_or(0, |snapshot| snapshot.through);
    contents.entries.last().map_or(snapshot, |entry| entry.position)
}

/// What the process does that is killed; without the variable nothing.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn writes_until_it_is_killed() {
    let Some(folder) = std::env::var_os(FOLDER) else { return };
    let journal = Arc::new(EmbeddedJournal::open(Path::new(&folder)).unwrap());
    let writers = (0..WRITERS).map(|writer| {
        let journal = Arc::clone(&journal);
        tokio::spawn(async move {
            let mut position = last(&journal.read(&own(writer), 0, 1 << 30).await.unwrap());
            loop {
                position += 1;
                let mut writes = vec![
                    Write::Append { log: own(writer), entry: content(writer, position) },
                    Write::Append { log: shared(), entry: format!("{writer} {position}").into() },
                ];
                if position.is_multiple_of(50) {
                    let snapshot = snapshot(writer, position);
                    writes.push(Write::Compact { log: own(writer), through: position, snapshot });
                }
                let positions = journal.commit(writes).await.unwrap();
                assert_eq!(positions[0], position);
                let line = format!("acknowledged {writer} {position} {}\n", positions[1]);
                std::io::stdout().lock().write_all(line.as_bytes()).unwrap();
            }
        })
    });
    futures_util::future::join_all(writers.collect::<Vec<_>>()).await.into_iter().for_each(Result::unwrap);
}

/// Lets the process write until it was told of so many commits, and kills it. What it was told: writer, position, and
/// position in the shared log.
fn write_and_kill(folder: &Folder, commits: usize) -> Vec<(usize, u64, u64)> {
    let test = "journal::embedded::crash::writes_until_it_is_killed";
    let mut child = Command::new(std::env::current_exe().unwrap())
        .args([test, "--exact", "--nocapture"])
        .env(FOLDER, folder.as_ref())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut told = Vec::new();
    for line in BufReader::new(child.stdout.take().unwrap()).lines() {
        let line = line.unwrap();
        let Some((_, line)) = line.split_once("acknowledged ") else { continue };
        // The last line may be cut.
        let numbers: Vec<u64> = line.split(' ').map_while(|number| number.parse().ok()).collect();
        if let [writer, position, shared] = numbers[..] {
            told.push((writer as usize, position, shared));
        }
        if told.len() == 1 {
            let why = EmbeddedJournal::open(folder).err().expect("it is another's").to_string();
            assert!(why.contains("another process has it open"), "{why}");
        }
        if told.len() == commits {
            child.kill().unwrap();
        }
    }
    assert!(!child.wait().unwrap().success() && told.len() >= commits, "it was killed while it wrote");
    told
}

async fn verify(folder: &Folder, told: &[(usize, u64, u64)]) {
    let journal = EmbeddedJournal::open(folder).unwrap();
    let in_shared = journal.read(&shared(), 0, 1 << 30).await.unwrap().entries;
    let mut lasts = BTreeMap::new();
    for (entry, position) in in_shared.iter().zip(1..) {
        assert_eq!(entry.position, position);
        let text = str::from_utf8(&entry.bytes).unwrap();
        let (writer, own) = text.split_once(' ').unwrap();
        let last: &mut u64 = lasts.entry(writer.parse::<usize>().unwrap()).or_default();
        *last += 1;
        assert_eq!(own.parse::<u64>().unwrap(), *last, "in the order of the calls");
    }
    for writer in 0..WRITERS {
        let contents = journal.read(&own(writer), 0, 1 << 30).await.unwrap();
        let expected = lasts.get(&writer).copied().unwrap_or(0);
        assert_eq!(last(&contents), expected, "a commit is in both logs of {writer} or in none");
        let mut position = 0;
        if let Some(found) = &contents.snapshot {
            position = found.through;
            assert!(found.bytes == snapshot(writer, position), "{writer}'s snapshot through {position}");
        }
        assert_eq!(position, expected / 50 * 50, "the snapshot is of the same commit");
        for entry in &contents.entries {
            position += 1;
            assert_eq!(entry.position, position);
            assert!(entry.bytes == content(writer, position), "{writer} at {position}");
        }
    }
    for (writer, position, shared) in told {
        let entry = in_shared.get(*shared as usize - 1).expect("what was acknowledged is there");
        assert_eq!(entry.bytes, format!("{writer} {position}"));
    }
}

#[tokio::test]
async fn what_is_acknowledged_survives_a_kill() {
    let kills = std::env::var("DRILL_JOURNAL_KILLS").map_or(5, |kills| kills.parse().unwrap());
    let mut all_told = Vec::new();
    let folder = Folder::new();
    for _ in 0..kills {
        let commits = rand::rng().random_range(1..1000);
        all_told.extend(write_and_kill(&folder, commits));
        verify(&folder, &all_told).await;
    }
}
