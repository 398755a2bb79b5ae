//! Owners against a journal that fails, holds back and lies: nothing is told that is not on disk.

use std::{
    sync::Arc,
    task::{Poll, Waker},
    time::Duration,
};

use automerge::ActorId;
use serde_json::{Value, json};
use syncline::Registry;
use syncline_testkit::within;
use tokio_tungstenite::tungstenite::Utf8Bytes;

use super::{Ask, Done, Origin, Outlets, What};
use crate::{
    journal::{Journal as _, LogId, MemoryJournal, Space},
    observe::Metrics,
    workspaces::{
        document::Edit,
        id::WorkspaceId,
        live::{Live, Workspace},
        stamp::Stamp,
    },
    ws::{Seen, Watcher},
};

struct Bench {
    journal: Arc<MemoryJournal>,
    live: Arc<Live>,
    workspace: Arc<Workspace>,
}

fn bench_with(journal: Arc<MemoryJournal>, idle: Duration) -> Bench {
    let outlets = Outlets {
        journal: Arc::clone(&journal) as _,
        webhooks: None,
        metrics: Metrics::new(&Registry::none(), &[], &[]),
        actor: ActorId::random(),
        max_bytes: 64 * 1024 * 1024,
        idle,
        replication: None,
    };
    let live = Live::new(outlets, tokio::runtime::Handle::current());
    let workspace = live.open(&WorkspaceId::parse("w").unwrap());
    Bench { journal, live, workspace }
}

fn bench() -> Bench {
    bench_with(Arc::default(), Duration::from_secs(3600))
}

fn set(id: usize, value: impl Into<Value>) -> (What, Stamp) {
    let stamp = Stamp::new("ada".into(), Some(id.to_string().into()), id as i64, "local".into());
    (What::Edit(Edit::Set("k".into(), value.into())), stamp)
}

impl Bench {
    async fn set(&self, id: usize, value: impl Into<Value>) -> Result<Done, &'static str> {
        let (what, stamp) = set(id, value);
        within("an answer", self.workspace.change(what, stamp)).await.map_err(|error| error.code().code())
    }

    /// Asks for so many changes at once; `before` is called when the first commit waits, and before it goes on.
    async fn set_together(&self, count: usize, before: impl FnOnce()) -> Vec<syncline::SyncResult<Done>> {
        self.journal.hold();
        let changes = (0..count).map(|id| {
            let (what, stamp) = set(id, id);
            self.workspace.change(what, stamp)
        });
        let all = futures_util::future::join_all(changes);
        tokio::pin!(all);
        while self.journal.held() == 0 {
            assert!(futures_util::poll!(&mut all).is_pending(), "acknowledged before it is on disk");
            tokio::task::yield_now().await;
        }
        before();
        self.journal.release();
        within("all answers", all).await
    }

    async fn state(&self) -> Value {
        let state = within("the state", self.workspace.read(|reading| reading.document.state())).await;
        Value::Object(state.expect("it is readable"))
    }

    async fn changes(&self) -> usize {
        let history =
            self.workspace.read(|reading| reading.document.history(None, usize::MAX).unwrap().len());
        within("the history", history).await.expect("it is readable")
    }

    /// A watcher that has the state of now.
    async fn watch(&self) -> Watcher<Utf8Bytes> {
        let watcher = self.workspace.feed.watch(false);
        watcher.has_state(self.workspace.read(|reading| reading.position).await.expect("it is readable"));
        watcher
    }
}

fn told(watcher: &mut Watcher<Utf8Bytes>) -> Option<Seen<Utf8Bytes>> {
    match watcher.poll(Waker::noop()) {
        Poll::Ready(seen) => Some(seen),
        Poll::Pending => None,
    }
}

#[tokio::test]
async fn nothing_is_told_before_it_is_on_disk() {
    let bench = bench();
    let mut watcher = bench.watch().await;
    bench.journal.hold();
    let (what, stamp) = set(1, 1);
    let change = bench.workspace.change(what, stamp);
    tokio::pin!(change);
    while bench.journal.held() == 0 {
        assert!(futures_util::poll!(&mut change).is_pending(), "acknowledged before it is on disk");
        tokio::task::yield_now().await;
    }
    assert_eq!(told(&mut watcher), None);
    bench.journal.release();
    within("the change", change).await.unwrap();
    assert!(matches!(told(&mut watcher), Some(Seen::Frame(_))));
}

#[tokio::test]
async fn what_could_not_be_saved_did_not_happen() {
    let bench = bench();
    bench.set(1, 1).await.unwrap();
    let mut watcher = bench.watch().await;
    bench.journal.fail_next(1);
    assert_eq!(bench.set(2, 2).await.unwrap_err(), "workspace.persistenceFailed");
    assert_eq!(told(&mut watcher), Some(Seen::Behind), "everybody begins anew");
    assert_eq!((bench.state().await, bench.changes().await), (json!({ "k": 1 }), 1));
    bench.set(2, 2).await.unwrap();
    assert_eq!((bench.state().await, bench.changes().await), (json!({ "k": 2 }), 2));
}

/// A disk may fail after it has written.
#[tokio::test]
async fn what_was_saved_against_all_signs_happens_once() {
    let bench = bench();
    bench.journal.unsure_next(1);
    assert_eq!(bench.set(1, 1).await.unwrap_err(), "workspace.persistenceFailed");
    bench.set(1, 1).await.unwrap();
    assert_eq!((bench.state().await, bench.changes().await), (json!({ "k": 1 }), 1));
}

#[tokio::test]
async fn a_batch_that_fails_fails_for_all_and_the_next_goes_on() {
    let bench = bench();
    let results = bench.set_together(400, || bench.journal.fail_next(1)).await;
    let failed = results.iter().filter(|result| result.is_err()).count();
    assert!((1..400).contains(&failed), "{failed} failed: the first commit's, and not those after it");
    assert_eq!(bench.changes().await, 400 - failed);
    let reloaded = bench_with(Arc::clone(&bench.journal), Duration::from_secs(3600));
    assert_eq!((reloaded.state().await, reloaded.changes().await), (bench.state().await, 400 - failed));
}

#[tokio::test]
async fn what_waits_goes_in_one_commit() {
    let bench = bench();
    assert!(bench.set_together(201, || {}).await.iter().all(Result::is_ok));
    let log = LogId::new(Space::Workspaces, "w");
    let entries = bench.journal.read(&log, 0, usize::MAX).await.unwrap().entries.len();
    assert!(entries <= 3, "{entries} commits of 201 changes");
}

#[tokio::test]
async fn a_reader_that_panics_and_changes_that_cannot_be_harm_nobody() {
    let bench = bench();
    bench.set(1, 1).await.unwrap();
    let panicked = within("the panic", bench.workspace.read(|_| -> () { panic!("on purpose") })).await;
    assert_eq!(panicked.unwrap_err().code().code(), "sync.internal");
    assert_eq!(bench.state().await, json!({ "k": 1 }));
    // The same actor and number for another change: Automerge cannot take it.
    let forged = {
        let mut one = crate::workspaces::document::Document::new(ActorId::from([9; 16]));
        let mut other = crate::workspaces::document::Document::new(ActorId::from([9; 16]));
        let (_, stamp) = set(1, 1);
        let edit = |value: i64| Edit::Set("f".into(), value.into());
        [one.edit(edit(1), &stamp).unwrap().bytes, other.edit(edit(2), &stamp).unwrap().bytes]
    };
    for (bytes, is_good) in forged.into_iter().zip([true, false]) {
        let changes = vec![automerge::Change::from_bytes(bytes).unwrap()];
        let (_, stamp) = set(2, 2);
        let merged =
            within("an answer", bench.workspace.change(What::Merge(changes, Origin::Peer), stamp)).await;
        assert_eq!(merged.is_ok(), is_good);
    }
    assert_eq!(bench.state().await, json!({ "k": 1, "f": 1 }));
    bench.set(3, 3).await.unwrap();
}

#[tokio::test]
async fn a_document_is_saved_anew_and_read_back() {
    let bench = bench();
    for id in 0..40 {
        // Of little use to a compressor.
        let noise: String = (0..2000_u64)
            .map(|n| format!("{:x}", (n + id * 2000).wrapping_mul(0x9e37_79b9_7f4a_7c15)))
            .collect();
        bench.set(id as usize, noise).await.unwrap();
    }
    let log = LogId::new(Space::Workspaces, "w");
    let snapshot = async || bench.journal.read(&log, 0, usize::MAX).await.unwrap().snapshot;
    within("a saved document", async {
        while snapshot().await.is_none() {
            tokio::task::yield_now().await;
        }
    })
    .await;
    bench.set(40, "last").await.unwrap();
    let contents = bench.journal.read(&log, 0, usize::MAX).await.unwrap();
    assert!(contents.entries.len() < 40, "{} entries are left", contents.entries.len());
    let reloaded = bench_with(Arc::clone(&bench.journal), Duration::from_secs(3600));
    assert_eq!((reloaded.state().await, reloaded.changes().await), (json!({ "k": "last" }), 41));
}

#[tokio::test]
async fn what_nobody_uses_is_unloaded_and_comes_back() {
    let bench = bench_with(Arc::default(), Duration::from_millis(20));
    bench.set(1, 1).await.unwrap();
    let id = bench.workspace.id.clone();
    let Bench { journal: _journal, live, workspace } = bench;
    drop(workspace);
    within("the unloading", async {
        while live.get(&id).is_some() {
            tokio::task::yield_now().await;
        }
    })
    .await;
    let state = within("the state", live.open(&id).read(|reading| reading.document.state())).await.unwrap();
    assert_eq!(Value::Object(state), json!({ "k": 1 }));
}

#[tokio::test]
async fn what_is_on_disk_and_unreadable_is_said_and_left_alone() {
    let journal = Arc::new(MemoryJournal::default());
    let log = LogId::new(Space::Workspaces, "w");
    let garbage = crate::journal::Write::Append { log: log.clone(), entry: "no document".into() };
    journal.commit(vec![garbage]).await.unwrap();
    let bench = bench_with(Arc::clone(&journal), Duration::from_secs(3600));
    assert_eq!(bench.set(1, 1).await.unwrap_err(), "storage.unavailable");
    assert_eq!(journal.read(&log, 0, usize::MAX).await.unwrap().entries.len(), 1);
}

/// Not that we know how; but nobody should be locked out for ever if it happens.
#[tokio::test]
async fn an_owner_that_panics_is_followed_by_another() {
    let bench = bench();
    bench.set(1, 1).await.unwrap();
    let mut watcher = bench.watch().await;
    let (what, stamp) = set(2, 2);
    let reply = Box::new(|_: syncline::SyncResult<Done>| panic!("on purpose"));
    assert!(bench.workspace.try_ask(Ask { what, stamp, reply }).is_ok());
    within("the owner's end", async {
        while !matches!(told(&mut watcher), Some(Seen::Behind)) {
            tokio::task::yield_now().await;
        }
    })
    .await;
    assert!(bench.set(3, 3).await.is_err(), "nobody is there");
    let again = bench.live.open(&bench.workspace.id);
    let state = within("the state", again.read(|reading| reading.document.state())).await.unwrap();
    assert_eq!(state["k"], json!(2));
}

#[tokio::test]
async fn a_mailbox_has_a_bound() {
    let bench = bench();
    bench.journal.hold();
    let mut taken = 0;
    loop {
        let (what, stamp) = set(taken, 1);
        if bench.workspace.try_ask(Ask { what, stamp, reply: Box::new(|_| {}) }).is_err() {
            break;
        }
        taken += 1;
    }
    assert!(taken <= super::MAILBOX, "{taken}");
    bench.journal.release();
    bench.set(usize::MAX >> 1, 7).await.unwrap();
}
