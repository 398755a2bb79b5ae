//! Owners against a journal that fails, holds back and lies: nothing is told that is not kept. What they do with a store
//! that is away is below.

mod store;

use std::{
    sync::{Arc, atomic::AtomicUsize},
    task::{Poll, Waker},
    time::Duration,
};

use bytes::Bytes;
use syncline::Registry;
use syncline_testkit::within;
use tokio::{
    runtime::Handle,
    sync::{Semaphore, oneshot},
};
use yrs::{Doc, GetString as _, Text as _, Transact as _, Update, updates::decoder::Decode as _};

use super::{Command, Heard, Outlets};
use crate::{
    config::Config,
    documents::{
        answers::{Answer, Seat, SeatId},
        document::Document,
        frame::{self, Message},
        id::DocumentId,
        live::{Live, OpenDocument, Told},
        schedule::Patience,
        sitting::{Manner, Sitting},
        store::Store,
    },
    journal::{Journal as _, LogId, MemoryJournal, Space},
    observe::Metrics,
    ws::{End, Seen, Watcher},
};

const HOUR: Duration = Duration::from_secs(3600);

struct Bench {
    journal: Arc<MemoryJournal>,
    live: Arc<Live>,
    open: Arc<OpenDocument>,
    unsaved: Arc<AtomicUsize>,
}

/// What is particular to a bench.
struct Settings {
    store: Store,
    patience: Duration,
    idle: Duration,
    max_bytes: usize,
}

impl Default for Settings {
    fn default() -> Self {
        Self { store: store_in("off"), patience: HOUR, idle: HOUR, max_bytes: 1 << 20 }
    }
}

fn store_in(data: &str) -> Store {
    Store::from_config(&Config::from_pairs(&[("DATA_DIR", data)]).unwrap()).unwrap()
}

fn bench_with(journal: &Arc<MemoryJournal>, settings: Settings) -> Bench {
    let unsaved = Arc::<AtomicUsize>::default();
    let outlets = Outlets {
        journal: Arc::clone(journal) as _,
        store: settings.store,
        metrics: Metrics::new(&Registry::none(), &[], &[]),
        nodes: None,
        patience: Patience { debounce: settings.patience, at_most: settings.patience },
        max_bytes: settings.max_bytes,
        idle: settings.idle,
        unsaved: Arc::clone(&unsaved),
    };
    let live = Live::new(outlets, Handle::current());
    let open = live.open(&DocumentId::new("d").unwrap());
    Bench { journal: Arc::clone(journal), live, open, unsaved }
}

fn bench() -> Bench {
    bench_with(&Arc::default(), Settings::default())
}

/// An update that writes that into the text, of a client that has written nothing else.
fn update(text: &str) -> Bytes {
    let doc = Doc::new();
    let root = doc.get_or_insert_text("t");
    let mut transaction = doc.transact_mut();
    root.insert(&mut transaction, 0, text);
    transaction.encode_update_v1().into()
}

fn seat() -> Seat {
    Seat { id: SeatId::next(), answers: Arc::default(), counts_updates: false }
}

/// The next answer at a seat, if there is one.
fn next(seat: &Seat) -> Option<Answer> {
    seat.answers.poll(Waker::noop())
}

async fn answer(seat: &Seat) -> Answer {
    within("an answer", async {
        loop {
            match next(seat) {
                Some(answer) => return answer,
                None => tokio::task::yield_now().await,
            }
        }
    })
    .await
}

async fn ends_with(seat: &Seat, end: End) {
    let answer = answer(seat).await;
    assert!(matches!(answer, Answer::End(found) if found == end), "{answer:?}");
}

async fn says(seat: &Seat, frame: Bytes) {
    let answer = answer(seat).await;
    assert!(matches!(&answer, Answer::Frame(found) if *found == frame), "{answer:?}");
}

impl Bench {
    async fn ask(&self, command: Command) {
        assert!(within("room in the mailbox", self.open.ask(command)).await.is_ok());
    }

    /// Sits somebody down who has heard the first step.
    async fn enter(&self) -> Seat {
        let seat = seat();
        let (reply, entered) = oneshot::channel();
        self.ask(Command::Enter(seat.clone(), reply)).await;
        within("the entry", entered).await.unwrap().unwrap();
        assert!(matches!(answer(&seat).await, Answer::Frame(_)));
        seat
    }

    async fn hear(&self, seat: &Seat, heard: Heard) {
        self.ask(Command::Heard(seat.id, heard)).await;
    }

    async fn say(&self, seat: &Seat, bytes: Bytes) {
        let room = Arc::new(Semaphore::new(1)).try_acquire_owned().unwrap();
        self.hear(seat, Heard::Update { bytes, is_answer: false, room }).await;
    }

    /// Says something, and waits until it is in the journal.
    async fn say_kept(&self, seat: &Seat, text: &str) {
        self.say(seat, update(text)).await;
        self.hear(seat, Heard::Marker(1)).await;
        // Perhaps past the word that what was said before is saved.
        while !matches!(answer(seat).await, Answer::Frame(found) if found == frame::journaled(1)) {}
    }

    async fn text(&self) -> String {
        let state = self.open.look(Document::state);
        text_of(&within("the state", state).await.unwrap().unwrap())
    }

    fn watch(&self) -> Watcher<Told> {
        let watcher = self.open.feed.watch(false);
        watcher.has_state(self.open.feed.position());
        watcher
    }

    async fn save(&self) {
        let (reply, saved) = oneshot::channel();
        self.ask(Command::Save(reply)).await;
        within("a save", saved).await.unwrap();
    }

    async fn delete(&self) -> bool {
        let (reply, deleted) = oneshot::channel();
        self.ask(Command::Delete(reply)).await;
        within("an answer", deleted).await.unwrap().is_ok()
    }

    async fn held(&self, commits: usize) {
        within("commits that are held", async {
            while self.journal.held() < commits {
                tokio::task::yield_now().await;
            }
        })
        .await;
    }
}

fn text_of(state: &[u8]) -> String {
    let doc = Doc::new();
    let root = doc.get_or_insert_text("t");
    doc.transact_mut().apply_update(Update::decode_v1(state).unwrap()).unwrap();
    root.get_string(&doc.transact())
}

fn told(watcher: &mut Watcher<Told>) -> Option<Seen<Told>> {
    match watcher.poll(Waker::noop()) {
        Poll::Ready(seen) => Some(seen),
        Poll::Pending => None,
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn nothing_is_told_before_it_is_in_the_journal() {
    let bench = bench();
    let (ada, mut watcher) = (bench.enter().await, bench.watch());
    bench.journal.hold();
    bench.say(&ada, update("secret yet")).await;
    bench.hear(&ada, Heard::Marker(7)).await;
    bench.held(1).await;
    assert!(told(&mut watcher).is_none() && next(&ada).is_none());
    bench.journal.release();
    says(&ada, frame::journaled(7)).await;
    let Some(Seen::Frame(told)) = told(&mut watcher) else { panic!("nobody is told") };
    assert_eq!(told.from, Some(ada.id));
    assert_eq!(bench.text().await, "secret yet");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_commit_that_fails_ends_its_sender_and_nobody_else() {
    let bench = bench();
    let (ada, bob) = (bench.enter().await, bench.enter().await);
    bench.say_kept(&bob, "before").await;
    let mut watcher = bench.watch();
    bench.journal.fail_next(1);
    bench.say(&ada, update("lost")).await;
    bench.hear(&ada, Heard::Marker(7)).await;
    ends_with(&ada, End::FAILED).await;
    assert_eq!(bench.text().await, "before");
    assert!(next(&bob).is_none());
    assert!(!matches!(told(&mut watcher), Some(Seen::Frame(_))), "nobody is told");
    bench.say_kept(&bob, "after ").await;
    assert_eq!(bench.text().await.len(), "before".len() + "after ".len());
}

/// What the journal says failed is there nevertheless: whoever has it open asks anew, for nobody was told.
#[tokio::test(flavor = "multi_thread")]
async fn what_is_kept_against_the_journals_word_is_told_by_the_state() {
    let bench = bench();
    let ada = bench.enter().await;
    let mut watcher = bench.watch();
    bench.journal.unsure_next(1);
    bench.say(&ada, update("kept")).await;
    ends_with(&ada, End::FAILED).await;
    assert_eq!(bench.text().await, "kept");
    assert!(matches!(told(&mut watcher), Some(Seen::Behind)));
}

#[tokio::test(flavor = "multi_thread")]
async fn what_breaks_with_others_is_taken_without_it() {
    let bench = bench();
    let (ada, eve) = (bench.enter().await, bench.enter().await);
    bench.journal.hold();
    bench.say(&ada, update("1")).await;
    bench.held(1).await;
    // These two come together.
    bench.say(&eve, Bytes::from_static(&[0xff, 0xff, 0xff, 0x7f])).await;
    bench.say(&ada, update("2")).await;
    bench.journal.release();
    ends_with(&eve, End::MALFORMED).await;
    bench.say_kept(&ada, "3").await;
    let mut text: Vec<char> = bench.text().await.chars().collect();
    text.sort_unstable();
    assert_eq!(text, ['1', '2', '3']);
}

#[tokio::test(flavor = "multi_thread")]
async fn many_at_once_have_no_more_room_than_one_after_the_other() {
    let bench = bench_with(&Arc::default(), Settings { max_bytes: 1000, ..Settings::default() });
    let mut seats = Vec::new();
    for _ in 0..10 {
        seats.push(bench.enter().await);
    }
    bench.journal.hold();
    bench.say(&seats[0], update("x")).await;
    bench.held(1).await;
    for seat in &seats[1..] {
        bench.say(seat, update(&"y".repeat(400))).await;
    }
    bench.journal.release();
    for seat in &seats[3..] {
        ends_with(seat, End::FULL).await;
    }
    assert_eq!(bench.text().await.len(), 801);
}

#[tokio::test(flavor = "multi_thread")]
async fn who_left_before_it_came_holds_nothing() {
    let bench = bench_with(&Arc::default(), Settings { idle: Duration::ZERO, ..Settings::default() });
    let passing = seat();
    passing.answers.leave();
    bench.open.leave(passing.id);
    // The owner hears of the leaving first.
    assert_eq!(bench.text().await, "");
    let (reply, entered) = oneshot::channel();
    bench.ask(Command::Enter(passing.clone(), reply)).await;
    assert!(within("an answer", entered).await.is_err());
    bench.hear(&passing, Heard::Awareness(Bytes::from_static(&[1, 7, 1, 2, b'{', b'}']))).await;
    let late = bench.enter().await;
    assert!(next(&late).is_none(), "and is nowhere to be seen");
    late.answers.leave();
    bench.open.leave(late.id);
    let Bench { live, open, .. } = bench;
    let id = open.id.clone();
    drop(open);
    within("the unloading", async {
        while live.get(&id).is_some() {
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
    })
    .await;
}

/// An update that has to wait for room is not overtaken by what the same frame says after it.
#[tokio::test(flavor = "multi_thread")]
async fn what_is_heard_together_is_asked_in_order() {
    let bench = bench();
    let room = Arc::new(Semaphore::new(4));
    let manner = Manner { may_write: true, echo: false, counts_updates: false };
    let mut sitting = Sitting::new(Arc::clone(&bench.open), manner, Arc::clone(&room));
    let taken = Arc::clone(&room).try_acquire_many_owned(4).unwrap();
    let first = update("first");
    let works = [Message::Update(&first), Message::Marker(1)].map(|message| sitting.hear(message));
    let [Some(update), Some(marker)] = works else { panic!("the marker does not wait") };
    drop(taken);
    within("the update", update).await.unwrap();
    assert_eq!(bench.text().await, "first");
    within("the marker", marker).await.unwrap();
    // And then nothing waits any more.
    assert!(sitting.hear(Message::Marker(2)).is_none());
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_kept_and_unreadable_is_said_and_left_alone() {
    let journal = Arc::<MemoryJournal>::default();
    let log = LogId::new(Space::Documents, "d");
    let garbage = crate::journal::Write::Append { log: log.clone(), entry: "no document".into() };
    journal.commit(vec![garbage]).await.unwrap();
    let bench = bench_with(&journal, Settings::default());
    assert!(bench.open.look(|_| ()).await.is_err());
    let (reply, entered) = oneshot::channel();
    bench.ask(Command::Enter(seat(), reply)).await;
    assert_eq!(within("an answer", entered).await.unwrap(), Err(End::FAILED));
    assert!(within("a deletion", bench.open.delete()).await.is_err());
    assert_eq!(journal.read(&log, 0, usize::MAX).await.unwrap().entries.len(), 1);
}
