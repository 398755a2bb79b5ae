//! The file of the journal: whose it is, of which format, what is no journal, and how large it becomes.

use std::fs;

use bytes::Bytes;
use rand::{RngExt as _, SeedableRng as _, rngs::StdRng};
use redb::TableDefinition;

use super::{EmbeddedJournal, Folder, append, log};
use crate::journal::{Contents, Journal as _, Write, embedded::file};

fn open_error(folder: &Folder) -> String {
    let why = EmbeddedJournal::open(folder).err().expect("it cannot be opened").to_string();
    assert!(why.contains(&folder.0.display().to_string()), "{why}");
    why
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
    let in_use = file::open(&folder.0, true).expect_err("it is in use");
    assert_eq!(in_use.to_string(), "another process has it open");
}
