//! The journal on disk does what a journal does, whatever the disk does.

use std::{
    fs,
    path::{Path, PathBuf},
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
};

use bytes::Bytes;
use futures_util::{FutureExt as _, future::join_all};
use rand::{RngExt as _, SeedableRng as _, rngs::StdRng};
use redb::TableDefinition;

use super::{EmbeddedJournal, LINE_BYTES, disk::Disk, file};
use crate::journal::{
    Contents, Journal, JournalError, LogId, Space, Write,
    contract::{self, Store, model::Model},
};

/// A folder of a test's own, which goes with it.
pub(super) struct Folder(PathBuf);

impl Folder {
    pub(super) fn new() -> Self {
        static NUMBER: AtomicUsize = AtomicUsize::new(0);
        let number = NUMBER.fetch_add(1, Ordering::Relaxed);
        let name = format!("syncline-journal-{}-{number}", std::process::id());
        let folder = std::env::temp_dir().join(name);
        let _not_there = fs::remove_dir_all(&folder);
        Self(folder)
    }
}

impl AsRef<Path> for Folder {
    fn as_ref(&self) -> &Path {
        &self.0
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        let _not_there = fs::remove_dir_all(&self.0);
    }
}

fn log(id: &str) -> LogId {
    LogId::new(Space::Workspaces, id)
}

fn append(id: &str, entry: impl Into<Bytes>) -> Vec<Write> {
    vec![Write::Append { log: log(id), entry: entry.into() }]
}

fn on(disk: &Disk) -> Result<Store, JournalError> {
    EmbeddedJournal::on(disk.opener(), LINE_BYTES).map(|journal| Arc::new(journal) as Store)
}

fn open_error(folder: &Folder) -> String {
    let why = EmbeddedJournal::open(folder).err().expect("it cannot be opened").to_string();
    assert!(why.contains(&folder.0.display().to_string()), "{why}");
    why
}

#[tokio::test(flavor = "multi_thread")]
async fn fulfils_the_contract() {
    let folder = Folder::new();
    let number = AtomicUsize::new(0);
    contract::check(async || {
        let number = number.fetch_add(1, Ordering::Relaxed);
        Arc::new(EmbeddedJournal::open(folder.0.join(number.to_string())).unwrap()) as _
    })
    .await;
}

#[test]
fn does_what_the_model_does() {
    let folder = Folder::new();
    let number = AtomicUsize::new(0);
    let open = || {
        let number = number.load(Ordering::Relaxed).to_string();
        Arc::new(EmbeddedJournal::open(folder.0.join(number)).unwrap()) as Store
    };
    let make = || {
        number.fetch_add(1, Ordering::Relaxed);
        open()
    };
    contract::model::check(16, make, |store| {
        drop(store);
        open()
    });
}

/// Commits that depend on each other, the same for the same seed.
fn work(seed: u64, count: usize) -> Vec<Vec<Write>> {
    let mut random = StdRng::seed_from_u64(seed);
    let mut write = || {
        let log = LogId::new(Space::ALL[random.random_range(0..2)], ["a", "b"][random.random_range(0..2)]);
        let bytes = Bytes::from(vec![random.random(); random.random_range(0..3000)]);
        let through = random.random_range(1..6);
        match random.random_range(0..8) {
            0 => Write::Compact { log, through, snapshot: bytes },
            1 => Write::Drop { log, through },
            _ => Write::Append { log, entry: bytes },
        }
    };
    (0..count).map(|number| (0..=number % 4).map(|_| write()).collect()).collect()
}

/// Every commit of the work that can be carried out, and what is there after each.
fn possible(work: Vec<Vec<Write>>) -> (Vec<Vec<Write>>, Vec<Model>) {
    let mut model = Model::default();
    let work: Vec<_> = work.into_iter().filter(|writes| model.commit(writes).is_some()).collect();
    let mut models = vec![Model::default()];
    for writes in &work {
        let mut next = models.last().unwrap().clone();
        next.commit(writes).unwrap();
        models.push(next);
    }
    (work, models)
}

#[tokio::test]
async fn what_is_acknowledged_survives_a_power_cut() {
    let (work, models) = possible(work(1, 24));
    let uninterrupted = Disk::default();
    let store = on(&uninterrupted).unwrap();
    let first = uninterrupted.uses();
    join_all(work.iter().map(|writes| store.commit(writes.clone())).collect::<Vec<_>>()).await;
    for writes in &work {
        store.commit(writes.clone()).map(drop).await;
    }
    let uses = uninterrupted.uses() - first;
    let mut partly = 0;
    for cut in (0..uses).step_by(uses.div_ceil(50)) {
        let disk = Disk::default();
        let store = on(&disk).unwrap();
        disk.fail(cut..usize::MAX, false);
        let mut acknowledged = 0;
        let mut called = 0;
        for some in work.chunks(3) {
            let commits: Vec<_> = some.iter().map(|writes| store.commit(writes.clone())).collect();
            let answers = join_all(commits).await;
            called += some.len();
            acknowledged += answers.iter().filter(|answer| answer.is_ok()).count();
            if acknowledged < called {
                break;
            }
        }
        for seed in 0..4 {
            let left = on(&disk.after_power_cut(seed)).unwrap();
            let mut found = None;
            for (count, model) in models.iter().enumerate().take(called + 1).skip(acknowledged) {
                if found.is_none() && model.is_in(&left).await {
                    found = Some(count);
                }
            }
            let found = found.unwrap_or_else(|| panic!("cut at {cut}: {acknowledged} of {called}"));
            partly += usize::from(found < called);
            left.commit(append("a", "and on")).await.unwrap();
        }
    }
    assert!(partly > 10, "cuts took what was not acknowledged: {partly}");
}

#[tokio::test]
async fn a_disk_that_fails_is_used_again_once_it_is_well() {
    let (work, _) = possible(work(2, 12));
    for (fails, panics) in [(1, false), (4, false), (1, true)] {
        let mut failed = 0;
        for at in (fails..90).step_by(3) {
            let disk = Disk::default();
            let store = on(&disk).unwrap();
            disk.fail(at..at + fails, panics);
            let mut may_be = vec![Model::default()];
            for writes in &work {
                let mut tries = 0;
                loop {
                    tries += 1;
                    let answer = store.commit(writes.clone()).await;
                    let mut after = may_be.clone();
                    let positions: Vec<_> = after.iter_mut().map(|model| model.commit(writes)).collect();
                    if let Ok(answer) = answer {
                        let agree = after.into_iter().zip(positions);
                        let agree = agree.filter(|(_, positions)| positions.as_ref() == Some(&answer));
                        may_be = agree.map(|(model, _)| model).collect();
                        assert!(!may_be.is_empty(), "failing at {at}: {answer:?}");
                        break;
                    }
                    failed += 1;
                    assert!(tries <= fails + 1, "it does not recover");
                    may_be.extend(after);
                }
            }
            disk.fail(0..0, false);
            for disk in [None, Some(disk.after_power_cut(at as u64))] {
                let store = disk.map_or_else(|| Arc::clone(&store), |disk| on(&disk).unwrap());
                let mut any = false;
                for model in &may_be {
                    any |= model.is_in(&store).await;
                }
                assert!(any, "failing at {at} for {fails}");
            }
        }
        assert!(failed > 10, "{failed}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn nothing_is_acknowledged_or_read_before_it_is_synced() {
    let disk = Disk::default();
    let store = on(&disk).unwrap();
    store.commit(append("a", "x")).await.unwrap();
    disk.hold();
    let mut commit = store.commit(append("a", "y"));
    disk.wait_for_sync();
    let waiting: Vec<_> = (0..10).map(|_| store.commit(append("a", "z"))).collect();
    for _ in 0..20 {
        tokio::time::sleep(std::time::Duration::from_millis(5)).await;
        assert!((&mut commit).now_or_never().is_none());
        assert_eq!(store.read(&log("a"), 0, 100).await.unwrap().entries.len(), 1);
    }
    let left = on(&disk.after_power_cut(0)).unwrap();
    assert!(left.read(&log("a"), 0, 100).await.unwrap().entries.len() <= 2);
    // The first of them hangs in its sync; this fails that sync and so all of its group, and no more.
    disk.fail(0..1, false);
    disk.release();
    commit.await.unwrap_err();
    let answers = join_all(waiting).await;
    assert!(answers.iter().all(Result::is_ok), "{answers:?}");
    drop(store);
    let entries = on(&disk).unwrap().read(&log("a"), 0, 100).await.unwrap().entries;
    assert!((11..=12).contains(&entries.len()), "{}", entries.len());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_failure_fails_all_of_its_group() {
    let disk = Disk::default();
    let store = on(&disk).unwrap();
    disk.hold();
    let first = store.commit(append("a", "x"));
    disk.wait_for_sync();
    let group: Vec<_> = (0..20).map(|_| store.commit(append("a", "y"))).collect();
    disk.release();
    first.await.unwrap();
    // They are one transaction by now, or two if the thread was quick; the first of them has not synced.
    let answers = join_all(group).await;
    assert!(answers.iter().all(Result::is_ok));
    disk.hold();
    let first = store.commit(append("b", "x"));
    disk.wait_for_sync();
    let group: Vec<_> = (0..20).map(|_| store.commit(append("b", "y"))).collect();
    disk.fail(1..usize::MAX, false);
    disk.release();
    drop(first.await);
    assert!(join_all(group).await.iter().all(Result::is_err), "none of them is on disk");
    disk.fail(0..0, false);
    let position = store.commit(append("b", "z")).await.unwrap()[0];
    assert!(position <= 2, "{position}");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_waits_is_bounded() {
    let disk = Disk::default();
    let store = EmbeddedJournal::on(disk.opener(), 1 << 20).unwrap();
    disk.hold();
    let entry = Bytes::from(vec![1; 100_000]);
    let first = store.commit(append("a", vec![0; 2 << 20]));
    disk.wait_for_sync();
    store.commit(append("a", "x")).await.unwrap_err();
    disk.release();
    first.await.unwrap();
    disk.hold();
    let mut commits: Vec<_> = (0..50).map(|_| store.commit(append("a", entry.clone()))).collect();
    let refused: Vec<bool> =
        commits.iter_mut().map(|commit| matches!(commit.now_or_never(), Some(Err(_)))).collect();
    assert_eq!(refused.iter().position(|refused| *refused), Some(10), "{refused:?}");
    assert!(refused[10..].iter().all(|refused| *refused));
    disk.release();
    for (commit, refused) in commits.into_iter().zip(refused) {
        if !refused {
            commit.await.unwrap();
        }
    }
    assert_eq!(store.commit(append("a", entry)).await.unwrap(), [12]);
}

#[tokio::test]
async fn to_drop_it_waits_for_what_was_accepted() {
    let folder = Folder::new();
    let store = EmbeddedJournal::open(&folder).unwrap();
    for number in 0..500 {
        drop(store.commit(append("a", number.to_string())));
    }
    drop(store);
    let store = EmbeddedJournal::open(&folder).unwrap();
    assert_eq!(store.read(&log("a"), 0, 1 << 20).await.unwrap().entries.len(), 500);
}

#[tokio::test]
async fn one_process_has_it() {
    let folder = Folder::new();
    let store = EmbeddedJournal::open(&folder).unwrap();
    assert!(open_error(&folder).contains("another process has it open"));
    store.commit(append("a", "x")).await.unwrap();
    drop(store);
    let store = EmbeddedJournal::open(&folder).unwrap();
    assert_eq!(store.commit(append("a", "x")).await.unwrap(), [2]);
}

#[test]
fn a_newer_format_is_refused() {
    let folder = Folder::new();
    drop(EmbeddedJournal::open(&folder).unwrap());
    let file = folder.0.join(file::NAME);
    let write = |format: u64| {
        let database = redb::Database::open(&file).unwrap();
        let transaction = database.begin_write().unwrap();
        let meta = TableDefinition::<&str, u64>::new("meta");
        transaction.open_table(meta).unwrap().insert("format", format).unwrap();
        transaction.commit().unwrap();
    };
    write(2);
    assert!(open_error(&folder).contains("a newer version, in format 2"));
    write(0);
    assert!(open_error(&folder).contains("format 0"));
    write(1);
    EmbeddedJournal::open(&folder).unwrap();
}

#[tokio::test]
async fn what_is_no_journal_or_half_of_one_is_an_error() {
    let folder = Folder::new();
    let store = EmbeddedJournal::open(&folder).unwrap();
    for number in 0..200_u64 {
        store.commit(append(&(number % 9).to_string(), vec![7; 1000])).await.unwrap();
    }
    drop(store);
    let file = folder.0.join(file::NAME);
    let good = fs::read(&file).unwrap();
    for garbage in [&b"x"[..], &[0; 5000], &[255; 100_000], "{\"not\": 1}".repeat(999).as_bytes()] {
        fs::write(&file, garbage).unwrap();
        open_error(&folder);
    }
    for length in [1, 63, 64, 500, 4095, 4096, 4097, 8192, good.len() / 2, good.len() - 1] {
        fs::write(&file, &good[..length]).unwrap();
        open_error(&folder);
    }
    // Where bytes are wrong in the middle, it is noticed when they are read, or they were of no use.
    let mut random = StdRng::seed_from_u64(3);
    for _ in 0..100 {
        let mut bad = good.clone();
        let at = random.random_range(0..bad.len());
        let end = bad.len().min(at + 600);
        bad[at..end].fill(random.random());
        fs::write(&file, &bad).unwrap();
        let Ok(store) = EmbeddedJournal::open(&folder) else { continue };
        for id in 0..9 {
            let _right_or_an_error = store.read(&log(&id.to_string()), 0, 1 << 20).await;
        }
        let _done_or_an_error = store.commit(append("0", "x")).await;
    }
    fs::write(&file, &good).unwrap();
    let store = EmbeddedJournal::open(&folder).unwrap();
    assert_eq!(store.read(&log("1"), 0, 1 << 20).await.unwrap().entries.len(), 23);
}

#[tokio::test]
async fn what_is_dropped_makes_room() {
    let folder = Folder::new();
    let store = EmbeddedJournal::open(&folder).unwrap();
    let size = || fs::metadata(folder.0.join(file::NAME)).unwrap().len();
    let mut largest = 0;
    for round in 0..60_u64 {
        let entries: Vec<_> = (0..1000).flat_map(|_| append("a", vec![1; 200])).collect();
        let last = *store.commit(entries).await.unwrap().last().unwrap();
        let snapshot = Bytes::from(vec![2; 100_000]);
        let write = if round % 2 == 0 {
            Write::Drop { log: log("a"), through: last - 1 }
        } else {
            Write::Compact { log: log("a"), through: last, snapshot }
        };
        store.commit(vec![write]).await.unwrap();
        if round == 10 {
            largest = size();
        }
    }
    assert!(size() <= largest, "{} after {largest}", size());
    store.commit(vec![Write::Drop { log: log("a"), through: u64::MAX }]).await.unwrap();
    assert_eq!(store.read(&log("a"), 0, 1).await.unwrap(), Contents::default());
}

#[tokio::test]
async fn a_file_is_written_again_as_it_was() {
    let folder = Folder::new();
    let store = EmbeddedJournal::open(&folder).unwrap();
    store.commit(append("a", vec![5; 3 << 20])).await.unwrap();
    drop(store);
    let path = folder.0.join(file::NAME);
    let before = fs::read(&path).unwrap();
    file::write_again(&path).unwrap();
    assert!(fs::read(&path).unwrap() == before);
    let _store = EmbeddedJournal::open(&folder).unwrap();
    let in_use = file::open(&folder.0, true).err().expect("it is in use");
    assert_eq!(in_use.to_string(), "another process has it open");
}
