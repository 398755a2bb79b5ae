//! What every journal has to do, as one suite that each implementation's tests run.

pub(super) mod model;

use std::{collections::BTreeMap, sync::Arc};

use bytes::Bytes;
use futures_util::future::join_all;

use super::{Contents, Entry, Journal, LogId, Snapshot, Space, Write};

pub(super) type Store = Arc<dyn Journal>;

/// More than there is in any log of the suite.
const ALL: usize = 1 << 30;

/// Runs the suite on journals made by `make`, each an empty one.
pub(crate) async fn check(make: impl AsyncFn() -> Store) {
    positions_rise_by_one(&make().await).await;
    a_commit_is_all_or_nothing(&make().await).await;
    what_cannot_be_is_an_error(&make().await).await;
    a_snapshot_takes_the_place_of_what_it_holds(&make().await).await;
    what_is_dropped_is_gone(&make().await).await;
    an_emptied_log_begins_again(&make().await).await;
    reads_are_bounded(&make().await).await;
    logs_are_listed_in_pages(&make().await).await;
    an_id_is_any_text(&make().await).await;
    entries_are_empty_and_large(&make().await).await;
    writers_of_one_log_get_a_position_each(&make().await).await;
    writers_of_many_logs_do_not_meet(&make().await).await;
    the_order_is_that_of_the_calls(&make().await).await;
}

fn log(id: &str) -> LogId {
    LogId::new(Space::Workspaces, id)
}

fn append(id: &str, entry: impl Into<Bytes>) -> Write {
    Write::Append { log: log(id), entry: entry.into() }
}

fn compact(id: &str, through: u64, snapshot: &'static str) -> Write {
    Write::Compact { log: log(id), through, snapshot: snapshot.into() }
}

fn dropped(id: &str, through: u64) -> Write {
    Write::Drop { log: log(id), through }
}

async fn commit(store: &Store, writes: impl IntoIterator<Item = Write>) -> Vec<u64> {
    store.commit(writes.into_iter().collect()).await.unwrap()
}

async fn read(store: &Store, id: &str, after: u64) -> Contents {
    let contents = store.read(&log(id), after, ALL).await.unwrap();
    assert!(!contents.more, "all was asked for");
    contents
}

async fn listed(store: &Store, space: Space, after: &str, limit: usize) -> Vec<String> {
    store.logs(space, after, limit).await.unwrap().iter().map(ToString::to_string).collect()
}

fn contents(snapshot: Option<(u64, &'static str)>, entries: &[(u64, &'static str)]) -> Contents {
    let entry =
        |(position, bytes): &(u64, &'static str)| Entry { position: *position, bytes: (*bytes).into() };
    Contents {
        snapshot: snapshot.map(|(through, bytes)| Snapshot { through, bytes: bytes.into() }),
        entries: entries.iter().map(entry).collect(),
        more: false,
    }
}

/// A log of this many entries, "1", "2" ...
async fn numbered(store: &Store, id: &str, count: u64) {
    let entries: Vec<_> = (1..=count).map(|number| append(id, number.to_string())).collect();
    assert_eq!(commit(store, entries).await, (1..=count).collect::<Vec<_>>());
}

async fn positions_rise_by_one(store: &Store) {
    assert_eq!(read(store, "a", 0).await, Contents::default());
    assert!(commit(store, []).await.is_empty());
    assert_eq!(commit(store, [append("a", "one")]).await, [1]);
    assert_eq!(commit(store, [append("a", "two"), append("a", "three")]).await, [2, 3]);
    assert_eq!(commit(store, [append("b", "b"), append("a", "four"), append("b", "c")]).await, [1, 4, 2]);
    let all = contents(None, &[(1, "one"), (2, "two"), (3, "three"), (4, "four")]);
    assert_eq!(read(store, "a", 0).await, all);
    assert_eq!(read(store, "b", 0).await, contents(None, &[(1, "b"), (2, "c")]));
    assert_eq!(read(store, "a", 2).await, contents(None, &[(3, "three"), (4, "four")]));
    for after in [4, 5, u64::MAX] {
        assert_eq!(read(store, "a", after).await, Contents::default());
    }
    let other = LogId::new(Space::Webhooks, "a");
    assert_eq!(store.read(&other, 0, ALL).await.unwrap(), Contents::default(), "spaces share no ids");
}

async fn a_commit_is_all_or_nothing(store: &Store) {
    numbered(store, "a", 3).await;
    let last_fails =
        [append("b", "x"), append("a", "4"), dropped("a", 1), compact("a", 2, "s"), compact("a", 5, "s")];
    store.commit(last_fails.to_vec()).await.unwrap_err();
    assert_eq!(read(store, "a", 0).await, contents(None, &[(1, "1"), (2, "2"), (3, "3")]));
    assert_eq!(read(store, "b", 0).await, Contents::default());
    assert_eq!(listed(store, Space::Workspaces, "", 10).await, ["a"]);
    let in_order =
        [append("b", "x"), append("a", "4"), dropped("a", 1), compact("a", 2, "s"), append("a", "5")];
    assert_eq!(commit(store, in_order).await, [1, 4, 5]);
    assert_eq!(read(store, "a", 0).await, contents(Some((2, "s")), &[(3, "3"), (4, "4"), (5, "5")]));
    assert_eq!(read(store, "b", 0).await, contents(None, &[(1, "x")]));

    // A refused one disturbs none that are made at the same time.
    let commits = (0..50).map(|number| {
        let mut writes = vec![append("c", "x")];
        writes.extend((number % 2 == 1).then(|| compact("c", 1000, "s")));
        store.commit(writes)
    });
    let answers = join_all(commits.collect::<Vec<_>>()).await;
    let carried_out: Vec<u64> = answers.iter().flatten().flatten().copied().collect();
    assert_eq!(carried_out, (1..=25).collect::<Vec<_>>());
    assert_eq!(answers.iter().filter(|answer| answer.is_err()).count(), 25);
    assert_eq!(read(store, "c", 0).await.entries.len(), 25);
}

async fn what_cannot_be_is_an_error(store: &Store) {
    for id in [String::new(), "x".repeat(257), "ä".repeat(129)] {
        for write in [append(&id, "x"), compact(&id, 0, "s"), dropped(&id, 1)] {
            store.commit(vec![append("a", "x"), write]).await.unwrap_err();
        }
        assert_eq!(read(store, &id, 0).await, Contents::default());
    }
    let too_large = Bytes::from(vec![0; (256 << 20) + 1]);
    store.commit(vec![append("a", too_large.clone())]).await.unwrap_err();
    let compacts = Write::Compact { log: log("a"), through: 1, snapshot: too_large };
    store.commit(vec![append("a", "x"), compacts]).await.unwrap_err();
    store.commit(vec![compact("a", 1, "of nothing")]).await.unwrap_err();
    assert!(listed(store, Space::Workspaces, "", 10).await.is_empty());
    assert_eq!(commit(store, [append("a", "x")]).await, [1], "and it goes on");
}

async fn a_snapshot_takes_the_place_of_what_it_holds(store: &Store) {
    numbered(store, "a", 5).await;
    numbered(store, "b", 5).await;
    commit(store, [compact("a", 0, "nothing")]).await;
    assert_eq!(read(store, "a", 0).await.snapshot, None);
    commit(store, [compact("a", 3, "1 to 3")]).await;
    let rest = [(4, "4"), (5, "5")];
    for after in [0, 2] {
        assert_eq!(read(store, "a", after).await, contents(Some((3, "1 to 3")), &rest), "{after}");
    }
    assert_eq!(read(store, "a", 3).await, contents(None, &rest), "whoever has it is not given it");
    assert_eq!(read(store, "a", 4).await, contents(None, &rest[1..]));
    for late in [1, 3] {
        assert!(commit(store, [compact("a", late, "late")]).await.is_empty());
        assert_eq!(read(store, "a", 0).await, contents(Some((3, "1 to 3")), &rest));
    }
    assert_eq!(commit(store, [append("a", "6"), compact("a", 5, ""), append("a", "7")]).await, [6, 7]);
    assert_eq!(read(store, "a", 0).await, contents(Some((5, "")), &[(6, "6"), (7, "7")]));
    commit(store, [compact("a", 7, "all")]).await;
    assert_eq!(read(store, "a", 0).await, contents(Some((7, "all")), &[]));
    assert_eq!(commit(store, [append("a", "8")]).await, [8]);
    assert_eq!(read(store, "a", 0).await, contents(Some((7, "all")), &[(8, "8")]));
    assert_eq!(read(store, "b", 0).await.entries.len(), 5, "another log");
}

async fn what_is_dropped_is_gone(store: &Store) {
    numbered(store, "a", 6).await;
    commit(store, [dropped("a", 2), dropped("never there", 9), dropped("a", 0), dropped("a", 1)]).await;
    let rest = [(3, "3"), (4, "4"), (5, "5"), (6, "6")];
    assert_eq!(read(store, "a", 0).await, contents(None, &rest));
    commit(store, [compact("a", 4, "s"), dropped("a", 3)]).await;
    assert_eq!(read(store, "a", 0).await, contents(Some((4, "s")), &rest[2..]), "it holds more than 3");
    commit(store, [dropped("a", 5)]).await;
    assert_eq!(read(store, "a", 0).await, contents(None, &rest[3..]));
    commit(store, [compact("a", 6, "t")]).await;
    assert_eq!(commit(store, [append("a", "7"), dropped("a", 6)]).await, [7]);
    assert_eq!(read(store, "a", 0).await, contents(None, &[(7, "7")]));
    assert_eq!(commit(store, [append("a", "8")]).await, [8], "what is there keeps its position");
    assert_eq!(listed(store, Space::Workspaces, "", 10).await, ["a"]);
}

async fn an_emptied_log_begins_again(store: &Store) {
    for through in [3, 4, u64::MAX] {
        numbered(store, "a", 3).await;
        commit(store, [compact("a", 1, "s"), dropped("a", through)]).await;
        assert_eq!(read(store, "a", 0).await, Contents::default());
        assert!(listed(store, Space::Workspaces, "", 10).await.is_empty());
    }
    let within = [append("a", "x"), append("a", "y"), dropped("a", 2), append("a", "z")];
    assert_eq!(commit(store, within).await, [1, 2, 1]);
    assert_eq!(read(store, "a", 0).await, contents(None, &[(1, "z")]));
    commit(store, [compact("a", 1, "s"), dropped("a", 1), append("a", "anew"), append("b", "x")]).await;
    assert_eq!(read(store, "a", 0).await, contents(None, &[(1, "anew")]));
}

async fn reads_are_bounded(store: &Store) {
    let entries: Vec<_> = (0..10).map(|_| append("a", vec![7; 100])).collect();
    commit(store, entries).await;
    for (after, limit, count) in
        [(0, 0, 1), (0, 1, 1), (0, 100, 1), (0, 101, 2), (4, 250, 3), (9, 0, 1), (10, 0, 0), (0, 1000, 10)]
    {
        let contents = store.read(&log("a"), after, limit).await.unwrap();
        assert_eq!(contents.entries.len(), count, "after {after} up to {limit}");
        assert_eq!(contents.more, (after as usize) + count < 10, "after {after} up to {limit}");
        assert!((after + 1..).zip(&contents.entries).all(|(position, entry)| entry.position == position));
    }
    commit(store, [compact("a", 8, "longer than the limit")]).await;
    let contents = store.read(&log("a"), 0, 5).await.unwrap();
    assert_eq!((contents.snapshot.unwrap().through, contents.entries.len(), contents.more), (8, 1, true));
    commit(store, vec![append("empty", ""); 10]).await;
    let contents = store.read(&log("empty"), 0, 4).await.unwrap();
    assert_eq!((contents.entries.len(), contents.more), (4, true), "empty ones are not without end");
}

async fn logs_are_listed_in_pages(store: &Store) {
    let ids: Vec<String> = (100..350).map(|number| number.to_string()).collect();
    commit(store, ids.iter().rev().map(|id| append(id, "x")).collect::<Vec<_>>()).await;
    for space in [Space::Webhooks, Space::Replication] {
        let write = Write::Append { log: LogId::new(space, "other"), entry: "x".into() };
        commit(store, [write]).await;
        assert_eq!(listed(store, space, "", 10).await, ["other"]);
    }
    assert!(listed(store, Space::AutomergeIds, "", 10).await.is_empty());
    let mut found = Vec::new();
    let mut last = String::new();
    loop {
        let page = listed(store, Space::Workspaces, &last, 60).await;
        assert!(page.len() <= 60);
        let Some(end) = page.last() else { break };
        last = end.clone();
        found.extend(page);
    }
    assert_eq!(found, ids);
    assert_eq!(listed(store, Space::Workspaces, "1999", 2).await, ["200", "201"]);
    assert!(listed(store, Space::Workspaces, "", 0).await.is_empty());
    commit(store, [dropped("200", 1)]).await;
    assert_eq!(listed(store, Space::Workspaces, "1999", 1).await, ["201"]);
}

async fn an_id_is_any_text(store: &Store) {
    let long = "ä".repeat(128);
    let ids =
        ["../../x", "/", "a\0", "a\0\0b", "\0", "a", "ab", "😀", "\u{10ffff}", " ", "A", "a/b", "\n", &long];
    for id in ids {
        assert_eq!(commit(store, [append(id, id.to_owned()), append(id, "2")]).await, [1, 2], "{id:?}");
    }
    for id in ids {
        assert_eq!(read(store, id, 0).await.entries[0].bytes, id.as_bytes(), "{id:?}");
    }
    let mut sorted = ids.to_vec();
    sorted.sort_unstable();
    assert_eq!(listed(store, Space::Workspaces, "", 100).await, sorted);
    assert_eq!(listed(store, Space::Workspaces, "a\0", 1).await, ["a\0\0b"]);
}

async fn entries_are_empty_and_large(store: &Store) {
    let large = Bytes::from((0..5_000_000_u32).map(|number| number.to_le_bytes()[0]).collect::<Vec<_>>());
    assert_eq!(
        commit(store, [append("a", ""), append("a", large.clone()), append("a", "")]).await,
        [1, 2, 3]
    );
    let read_back = read(store, "a", 0).await.entries;
    assert!(read_back[0].bytes.is_empty() && read_back[1].bytes == large && read_back[2].bytes.is_empty());
    let snapshot = Bytes::from(vec![42; 64 << 20]);
    let compacts = Write::Compact { log: log("a"), through: 2, snapshot: snapshot.clone() };
    commit(store, [compacts]).await;
    let read_back = read(store, "a", 0).await;
    assert!(read_back.snapshot.unwrap().bytes == snapshot && read_back.entries.len() == 1);
}

async fn writers_of_one_log_get_a_position_each(store: &Store) {
    let writers = (0..64).map(|writer: u64| {
        let store = Arc::clone(store);
        tokio::spawn(async move {
            let mut had = Vec::new();
            for number in 0..5 {
                let entry = format!("{writer} {number}");
                had.push((commit(&store, [append("a", entry.clone())]).await[0], entry));
            }
            assert!(had.is_sorted());
            had
        })
    });
    let had: BTreeMap<u64, String> = join_all(writers).await.into_iter().flat_map(Result::unwrap).collect();
    assert_eq!(had.keys().copied().collect::<Vec<_>>(), (1..=64 * 5).collect::<Vec<_>>());
    for entry in read(store, "a", 0).await.entries {
        assert_eq!(entry.bytes, had[&entry.position], "at its own position");
    }
}

async fn writers_of_many_logs_do_not_meet(store: &Store) {
    let writers = (0..64).map(|writer: u64| {
        let store = Arc::clone(store);
        tokio::spawn(async move {
            let id = writer.to_string();
            for number in 1..=5 {
                let entry = format!("{writer} {number}");
                assert_eq!(commit(&store, [append(&id, entry.clone())]).await, [number]);
                let own = store.read(&log(&id), number - 1, ALL).await.unwrap();
                assert_eq!((own.entries.len(), &own.entries[0].bytes[..]), (1, entry.as_bytes()));
            }
        })
    });
    join_all(writers).await.into_iter().for_each(Result::unwrap);
    assert_eq!(listed(store, Space::Workspaces, "", 100).await.len(), 64);
}

async fn the_order_is_that_of_the_calls(store: &Store) {
    let mut commits: Vec<_> =
        (1..=200_u64).map(|number| store.commit(vec![append("a", number.to_string())])).collect();
    // The last is waited for first, and one of them never.
    drop(commits.remove(100));
    commits.reverse();
    let positions: Vec<u64> = join_all(commits).await.into_iter().flat_map(Result::unwrap).collect();
    assert_eq!(positions, (1..=200).rev().filter(|number| *number != 101).collect::<Vec<_>>());
    for entry in read(store, "a", 0).await.entries {
        assert_eq!(entry.bytes, entry.position.to_string());
    }
    assert!(commit(store, []).await.is_empty());
    assert_eq!(read(store, "a", 199).await.entries.len(), 1);
}
