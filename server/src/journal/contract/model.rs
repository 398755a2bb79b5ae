//! Random commits on a journal and on a plain model of one: they say the same, whatever is done.
//!
//! The model shares no code with any journal.

use std::collections::BTreeMap;

use bytes::Bytes;
use proptest::{prelude::*, test_runner::TestRunner};

use super::{ALL, Contents, Entry, LogId, Snapshot, Space, Store, Write};

/// What is done to a journal.
#[derive(Clone, Debug)]
enum Act {
    Commit(Vec<Write>),
    /// All of these are under way at once.
    Commits(Vec<Vec<Write>>),
    Reopen,
    Read(LogId, u64, usize),
    Logs(Space, String, usize),
}

/// What a journal holds.
#[derive(Clone, Default)]
pub(crate) struct Model(BTreeMap<LogId, ModelLog>);

#[derive(Clone, Default)]
struct ModelLog {
    last: u64,
    snapshot: Option<(u64, Bytes)>,
    entries: BTreeMap<u64, Bytes>,
}

impl Model {
    /// Whether this is what the journal holds.
    pub(crate) async fn is_in(&self, store: &Store) -> bool {
        for space in Space::ALL {
            let ids = store.logs(space, "", ALL).await.unwrap();
            if ids.iter().map(ToString::to_string).collect::<Vec<_>>() != self.logs(space, "", ALL) {
                return false;
            }
        }
        for log in self.0.keys() {
            if store.read(log, 0, ALL).await.unwrap() != self.read(log, 0, ALL) {
                return false;
            }
        }
        true
    }

    /// Carries it out, or says that it cannot be.
    pub(crate) fn commit(&mut self, writes: &[Write]) -> Option<Vec<u64>> {
        let mut after = self.clone();
        let mut positions = Vec::new();
        for write in writes {
            let (Write::Append { log: id, .. }
            | Write::Compact { log: id, .. }
            | Write::Drop { log: id, .. }) = write;
            let log = after.0.entry(id.clone()).or_default();
            match write {
                Write::Append { entry, .. } => {
                    log.last += 1;
                    log.entries.insert(log.last, entry.clone());
                    positions.push(log.last);
                }
                Write::Compact { through, .. } if *through > log.last => return None,
                Write::Compact { through, snapshot, .. } => {
                    if *through > log.snapshot.as_ref().map_or(0, |(through, _)| *through) {
                        log.entries.retain(|position, _| position > through);
                        log.snapshot = Some((*through, snapshot.clone()));
                    }
                }
                Write::Drop { through, .. } => {
                    log.entries.retain(|position, _| position > through);
                    log.snapshot = log.snapshot.take().filter(|(snapshot, _)| snapshot > through);
                }
            }
            after.0.retain(|_, log| log.snapshot.is_some() || !log.entries.is_empty());
        }
        *self = after;
        Some(positions)
    }

    fn read(&self, id: &LogId, after: u64, limit: usize) -> Contents {
        let Some(log) = self.0.get(id) else { return Contents::default() };
        let snapshot = log.snapshot.clone().filter(|(through, _)| *through > after);
        let mut contents = Contents {
            snapshot: snapshot.map(|(through, bytes)| Snapshot { through, bytes }),
            ..Contents::default()
        };
        let mut bytes_so_far = 0;
        for (position, bytes) in log.entries.iter().filter(|(position, _)| **position > after) {
            if !contents.entries.is_empty() && bytes_so_far >= limit {
                contents.more = true;
                break;
            }
            bytes_so_far += bytes.len().max(1);
            contents.entries.push(Entry { position: *position, bytes: bytes.clone() });
        }
        contents
    }

    fn logs(&self, space: Space, after: &str, limit: usize) -> Vec<String> {
        let ids = self.0.keys().filter(|log| log.space == space && *log.id > *after);
        ids.take(limit).map(|log| log.id.to_string()).collect()
    }
}

fn logs() -> impl Strategy<Value = LogId> {
    let spaces = prop::sample::select(vec![Space::Workspaces, Space::Webhooks]);
    let ids = prop::sample::select(vec!["a", "a\0", "b", "😀"]);
    (spaces, ids).prop_map(|(space, id)| LogId::new(space, id))
}

fn bytes() -> impl Strategy<Value = Bytes> {
    prop_oneof![9 => 0..20_usize, 1 => 0..20_000_usize]
        .prop_flat_map(|length| (Just(length), any::<u8>()))
        .prop_map(|(length, byte)| Bytes::from(vec![byte; length]))
}

fn writes() -> impl Strategy<Value = Write> {
    prop_oneof![
        6 => (logs(), bytes()).prop_map(|(log, entry)| Write::Append { log, entry }),
        1 => (logs(), 0..8_u64, bytes())
            .prop_map(|(log, through, snapshot)| Write::Compact { log, through, snapshot }),
        1 => (logs(), prop_oneof![9 => 0..8_u64, 1 => Just(u64::MAX)])
            .prop_map(|(log, through)| Write::Drop { log, through }),
    ]
}

fn acts() -> impl Strategy<Value = Act> {
    let commits = || prop::collection::vec(writes(), 0..5);
    let spaces = prop::sample::select(Space::ALL.to_vec());
    prop_oneof![
        6 => commits().prop_map(Act::Commit),
        2 => prop::collection::vec(commits(), 1..6).prop_map(Act::Commits),
        1 => Just(Act::Reopen),
        3 => (logs(), 0..10_u64, 0..100_usize).prop_map(|(log, after, limit)| Act::Read(log, after, limit)),
        1 => (spaces, "[ab\0]{0,2}", 0..4_usize).prop_map(|(space, after, limit)| Act::Logs(space, after, limit)),
    ]
}

/// Does random things to so many journals made by `make`, closed and opened again by `reopen`, and sees that they do what
/// the model does.
pub(crate) fn check(cases: u32, make: impl Fn() -> Store, reopen: impl Fn(Store) -> Store) {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let config = ProptestConfig { cases, failure_persistence: None, ..ProptestConfig::default() };
    let outcome = TestRunner::new(config).run(&prop::collection::vec(acts(), 1..40), |acts| {
        let (mut store, mut model) = (make(), Model::default());
        for act in acts {
            match act {
                Act::Commit(writes) => {
                    let expected = model.commit(&writes);
                    prop_assert_eq!(runtime.block_on(store.commit(writes)).ok(), expected);
                }
                Act::Commits(commits) => {
                    let expected: Vec<_> = commits.iter().map(|writes| model.commit(writes)).collect();
                    let answers: Vec<_> = commits.into_iter().map(|writes| store.commit(writes)).collect();
                    let answers = runtime.block_on(futures_util::future::join_all(answers));
                    prop_assert_eq!(answers.into_iter().map(Result::ok).collect::<Vec<_>>(), expected);
                }
                Act::Reopen => store = reopen(store),
                Act::Read(log, after, limit) => {
                    let found = runtime.block_on(store.read(&log, after, limit)).unwrap();
                    prop_assert_eq!(found, model.read(&log, after, limit));
                }
                Act::Logs(space, after, limit) => {
                    let found = runtime.block_on(store.logs(space, &after, limit)).unwrap();
                    let found: Vec<_> = found.iter().map(ToString::to_string).collect();
                    prop_assert_eq!(found, model.logs(space, &after, limit));
                }
            }
        }
        store = reopen(store);
        prop_assert!(runtime.block_on(model.is_in(&store)));
        Ok(())
    });
    outcome.unwrap();
}
