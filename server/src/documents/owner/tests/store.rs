//! A store that is away, is shared, or does not delete.

use std::{
    fs,
    path::{Path, PathBuf},
    sync::{Arc, atomic::Ordering},
    time::Duration,
};

use syncline_testkit::within;

use super::{Bench, Document, Settings, bench_with, says, store_in, text_of, told};
use crate::{
    documents::{frame, store::Store},
    folder::Folder,
    journal::{Journal as _, LogId, Space},
    ws::Seen,
};

async fn unsaved_is(bench: &Bench, wanted: usize) {
    within("the count of what is not saved", async {
        while bench.unsaved.load(Ordering::Acquire) != wanted {
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
    })
    .await;
}

/// A folder's store, which can be taken away.
struct Away {
    documents: PathBuf,
    aside: PathBuf,
}

impl Away {
    fn of(folder: &Folder) -> Self {
        let data = Path::new(folder.path());
        Self { documents: data.join("documents"), aside: data.join("aside") }
    }

    fn take(&self) {
        fs::rename(&self.documents, &self.aside).unwrap();
        fs::write(&self.documents, "no folder").unwrap();
    }

    fn give_back(&self) {
        fs::remove_file(&self.documents).unwrap();
        fs::rename(&self.aside, &self.documents).unwrap();
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_could_not_be_saved_is_saved_when_the_store_is_back() {
    let folder = Folder::new();
    let settings =
        Settings { store: store_in(folder.path()), patience: Duration::ZERO, ..Settings::default() };
    let reader = settings.store.clone();
    let bench = bench_with(&Arc::default(), settings);
    let away = Away::of(&folder);
    let ada = bench.enter().await;
    away.take();
    bench.say_kept(&ada, "kept").await;
    unsaved_is(&bench, 1).await;
    let log = LogId::new(Space::Documents, "d");
    let entries = async || bench.journal.read(&log, 0, usize::MAX).await.unwrap().entries.len();
    assert_eq!(entries().await, 1, "the journal has it");
    // Who waits for a save does not wait for a store that is away.
    bench.save().await;
    assert_eq!(bench.unsaved.load(Ordering::Acquire), 1, "it is counted once");
    away.give_back();
    unsaved_is(&bench, 0).await;
    says(&ada, frame::saved(1)).await;
    assert_eq!(text_of(&reader.load(&bench.open.id).await.unwrap().unwrap().bytes), "kept");
    within("an empty journal", async { while entries().await > 0 {} }).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn two_that_save_the_same_document_keep_both() {
    let shared = store_in("off");
    let of = |store: &Store| Settings { store: store.clone(), ..Settings::default() };
    let benches = [bench_with(&Arc::default(), of(&shared)), bench_with(&Arc::default(), of(&shared))];
    let seats = [benches[0].enter().await, benches[1].enter().await];
    for ((bench, seat), text) in benches.iter().zip(&seats).zip(["one ", "two "]) {
        bench.say_kept(seat, text).await;
    }
    let mut watcher = benches[1].watch();
    benches[0].save().await;
    benches[1].save().await;
    let stored = async || text_of(&shared.load(&benches[0].open.id).await.unwrap().unwrap().bytes);
    let both = stored().await;
    assert!(both.len() == 8 && both.contains("one ") && both.contains("two "), "{both}");
    assert!(matches!(told(&mut watcher), Some(Seen::Frame(told)) if told.from.is_none()));
    benches[0].say_kept(&seats[0], "three ").await;
    benches[0].save().await;
    assert_eq!(stored().await.len(), 14);
    assert_eq!(benches[0].text().await, stored().await);
}

/// The first half of it is done, and what only the journal had would be gone with it.
#[tokio::test(flavor = "multi_thread")]
async fn a_document_that_cannot_be_deleted_is_whole() {
    let folder = Folder::new();
    let journal = Arc::default();
    let of = |folder: &Folder| Settings { store: store_in(folder.path()), ..Settings::default() };
    let bench = bench_with(&journal, of(&folder));
    let away = Away::of(&folder);
    let ada = bench.enter().await;
    bench.say_kept(&ada, "saved ").await;
    bench.save().await;
    bench.say_kept(&ada, "kept ").await;
    away.take();
    assert!(!bench.delete().await);
    bench.say_kept(&ada, "later ").await;
    let text = bench.text().await;
    away.give_back();
    // As after a crash.
    let again = bench_with(&journal, of(&folder));
    assert_eq!(again.text().await, text);
    assert_eq!(text.len(), "saved kept later ".len());
    assert!(again.delete().await);
    assert_eq!(again.text().await, "");
    let once_more = bench_with(&journal, of(&folder));
    assert_eq!(once_more.text().await, "");
}

/// Not that we know how; but nobody should be locked out for ever if it happens.
#[tokio::test(flavor = "multi_thread")]
async fn an_owner_that_panics_is_followed_by_another() {
    let folder = Folder::new();
    let settings =
        Settings { store: store_in(folder.path()), patience: Duration::ZERO, ..Settings::default() };
    let bench = bench_with(&Arc::default(), settings);
    let ada = bench.enter().await;
    let away = Away::of(&folder);
    away.take();
    bench.say_kept(&ada, "kept").await;
    unsaved_is(&bench, 1).await;
    let mut watcher = bench.watch();
    away.give_back();
    assert!(bench.open.look(|_| panic!("on purpose")).await.map(|(): ()| ()).is_err());
    within("the owner's end", async {
        while !matches!(told(&mut watcher), Some(Seen::Behind)) {
            tokio::task::yield_now().await;
        }
    })
    .await;
    unsaved_is(&bench, 0).await;
    assert!(bench.open.look(|_| ()).await.is_err(), "nobody is there");
    let again = bench.live.open(&bench.open.id);
    let state = within("the state", again.look(Document::state)).await.unwrap().unwrap();
    assert_eq!(text_of(&state), "kept");
}
