//! The one task that has a document, and what others ask of it.
//!
//! It applies what has come in, puts it in the journal, and only then tells anybody. If that fails, or yrs panics, it lets
//! the document go and reads it again: what is not in the journal did not happen. When and how it is saved is `saving`'s;
//! sockets and HTTP are the edges'.

mod batch;
mod behind;
mod deletion;
mod hearing;
mod saving;
#[cfg(test)]
mod tests;

use std::{
    collections::HashMap,
    sync::{Arc, atomic::AtomicUsize},
    time::{Duration, Instant as StdInstant},
};

use behind::Behind;
use bytes::Bytes;
use saving::{Saving, Unsaved};
use syncline::SyncResult;
use tokio::{
    sync::{OwnedSemaphorePermit, mpsc, oneshot},
    task::block_in_place,
    time::Instant,
};

use super::{
    answers::{Answer, Seat, SeatId},
    awareness::{self, Awareness},
    codes,
    document::Document,
    live::{Kind, Live, OpenDocument, Told},
    measure::measure_state_vector,
    nodes::{Held, News, Nodes, Remote, Said, Standing},
    schedule::Patience,
    store::Store,
};
use crate::{
    journal::{Journal, LogId, Space},
    observe::Metrics,
    ws::End,
};

/// How many commands are carried out together.
const MAX_BATCH: usize = 256;

/// How many commands may wait for an owner. Whoever asks waits at the bound.
pub(super) const MAILBOX: usize = 256;

/// How much awareness a document has: 32 MiB at the most, whoever makes it up, and each newcomer is told all of it.
const AWARENESS: awareness::Bounds =
    awareness::Bounds { clients_of_socket: 16, clients: 2_000, state_bytes: 16 * 1024 };

/// How many clients a state vector may name.
const MAX_CLIENTS: usize = 1_000_000;

/// From how many bytes on work is worth another thread for whoever else waits for this one.
const HEAVY: usize = 64 * 1024;

/// How often it is looked whose awareness is old.
const SWEEP_EVERY: Duration = Duration::from_secs(5);

/// How often other nodes are told how far this one is: what the way between them lost is found then.
const EXCHANGE_EVERY: Duration = Duration::from_secs(15);

/// What an owner is asked.
pub(super) enum Command {
    /// Somebody sits down: it is told what there is, once there is something to tell.
    Enter(Seat, oneshot::Sender<Result<(), End>>),
    /// Somebody has said something.
    Heard(SeatId, Heard),
    /// Somebody wants what it lacks who has this state vector.
    State(StateFor),
    /// Another node has said something.
    Remote(Remote),
    /// Somebody wants to look at the document.
    Look(Look),
    /// The document is to be no more.
    Delete(oneshot::Sender<SyncResult<()>>),
    /// All of it is to be saved now; answers whether it is, once that is known.
    Save(oneshot::Sender<bool>),
}

/// What was said at a seat.
pub(super) enum Heard {
    /// An update, from somebody who may write, or the answer to a first step; the room that it takes is given back when it
    /// is settled.
    Update {
        bytes: Bytes,
        is_answer: bool,
        room: OwnedSemaphorePermit,
    },
    Awareness(Bytes),
    QueryAwareness,
    /// Wants to be asked what it has.
    FirstStep,
    /// A text for the others whose protocol has such.
    Stateless(Bytes),
    /// Wants to be told when all that was said before is in the journal, and when it is in the store.
    Marker(u64),
}

/// A state that is asked for.
pub(super) struct StateFor {
    pub(super) state_vector: Bytes,
    /// Where in the feed it is, and what that one lacks; or why its connection ends.
    pub(super) reply: oneshot::Sender<Result<(u64, Bytes), End>>,
}

/// Somebody who wants to look at the document.
pub(super) type Look = Box<dyn FnOnce(SyncResult<&mut Document>) + Send>;

/// What every owner needs.
pub(super) struct Outlets {
    pub(super) journal: Arc<dyn Journal>,
    pub(super) store: Store,
    pub(super) metrics: Arc<Metrics>,
    pub(super) nodes: Option<Arc<Nodes>>,
    pub(super) patience: Patience,
    pub(super) max_bytes: usize,
    /// How long a document stays open that nobody has.
    pub(super) idle: Duration,
    /// How many documents could not be saved.
    pub(super) unsaved: Arc<AtomicUsize>,
}

/// An owner.
pub(super) struct Owner {
    live: Arc<Live>,
    open: Arc<OpenDocument>,
    outlets: Arc<Outlets>,
    log: LogId,
    document: Option<Document>,
    awareness: Awareness,
    seats: HashMap<SeatId, Seat>,
    /// Those that have said something with a gap before it.
    behind: HashMap<SeatId, Behind>,
    saving: Saving,
    unsaved: Option<Unsaved>,
    /// The whole state as it was told last; of no use once anything changes.
    whole: Option<Bytes>,
    /// When somebody was last here.
    used_at: Instant,
    /// When other nodes are told next how far this one is.
    exchange_at: Instant,
    /// What other nodes say of it comes here.
    held: Option<Held>,
}

impl Owner {
    pub(super) fn new(live: Arc<Live>, open: Arc<OpenDocument>, outlets: Arc<Outlets>) -> Self {
        Self {
            log: LogId::new(Space::Documents, open.id.as_str()),
            live,
            open,
            outlets,
            document: None,
            awareness: Awareness::default(),
            seats: HashMap::new(),
            behind: HashMap::new(),
            saving: Saving::default(),
            unsaved: None,
            whole: None,
            used_at: Instant::now(),
            exchange_at: Instant::now(),
            held: None,
        }
    }

    /// Runs until nobody has used the document for a while and all of it is saved.
    pub(super) async fn run(mut self, mut mailbox: mpsc::Receiver<Command>) {
        let open = Arc::clone(&self.open);
        self.held = self.outlets.nodes.as_ref().and_then(|nodes| nodes.hold(&open.id));
        let mut sweep = Instant::now() + SWEEP_EVERY;
        loop {
            let wake_at = self.saving.due(self.outlets.patience).map_or(sweep, |due| due.min(sweep));
            // What is done is boxed: a document that rests has no room for it.
            tokio::select! {
                biased;
                left = open.left() => self.got_up(&left),
                saved = self.saving.ended() => Box::pin(self.save_ended(saved)).await,
                command = mailbox.recv() => {
                    // The document itself has a sender, so there is always another command.
                    let Some(command) = command else { return };
                    self.used_at = Instant::now();
                    Box::pin(self.work(command, &mut mailbox)).await;
                }
                () = tokio::time::sleep_until(wake_at) => {
                    let now = Instant::now();
                    if now >= sweep {
                        sweep = now + SWEEP_EVERY;
                        self.sweep(now);
                        if self.is_done_with(now) && mailbox.is_empty() && self.live.unload(&self.open) {
                            self.tell_nodes(News::Left);
                            return;
                        }
                    }
                    Box::pin(self.save_if_due(now)).await;
                }
            }
        }
    }

    fn is_done_with(&self, now: Instant) -> bool {
        self.seats.is_empty() && self.saving.is_settled() && now >= self.used_at + self.outlets.idle
    }

    /// Does this, and with it whatever else may go into the same commit.
    async fn work(&mut self, command: Command, mailbox: &mut mpsc::Receiver<Command>) {
        let mut commands = vec![command];
        while commands.len() < MAX_BATCH
            && let Ok(command) = mailbox.try_recv()
        {
            commands.push(command);
        }
        if self.load().await.is_err() {
            return commands.into_iter().for_each(|command| self.cannot(command));
        }
        self.carry_out(commands).await;
    }

    /// Answers what cannot be done, since the document cannot be read.
    fn cannot(&self, command: Command) {
        match command {
            Command::Enter(_, reply) => drop(reply.send(Err(End::FAILED))),
            Command::State(asked) => drop(asked.reply.send(Err(End::FAILED))),
            Command::Heard(seat, _) => self.end(seat, End::FAILED),
            Command::Look(look) => look(Err(codes::unavailable())),
            Command::Delete(reply) => drop(reply.send(Err(codes::unavailable()))),
            Command::Save(reply) => drop(reply.send(false)),
            Command::Remote(_) => {}
        }
    }

    /// Lets one seat's connection end.
    fn end(&self, seat: SeatId, end: End) {
        if let Some(seat) = self.seats.get(&seat) {
            seat.answers.push(Answer::End(end));
        }
    }

    fn got_up(&mut self, left: &[SeatId]) {
        for seat in left {
            self.seats.remove(seat);
            self.saving.forget(*seat);
            self.behind.remove(seat);
            let gone = self.awareness.remove_source(seat.source(), StdInstant::now());
            self.tell_awareness(gone, None);
        }
        self.used_at = Instant::now();
    }

    fn sweep(&mut self, now: Instant) {
        let old = self.awareness.sweep(now.into_std());
        self.tell_awareness(old, None);
        self.open.feed.trim();
        self.whole = None;
        self.ask_those_behind();
        if now >= self.exchange_at {
            self.exchange(false);
        }
    }

    /// Tells everybody, here and elsewhere, of awareness that was changed here.
    fn tell_awareness(&self, changed: Option<Bytes>, from: Option<SeatId>) {
        let Some(changed) = changed else { return };
        self.tell(Kind::Awareness, changed.clone(), from);
        self.tell_nodes(News::Awareness(changed));
    }

    fn tell(&self, kind: Kind, frame: Bytes, from: Option<SeatId>) {
        self.open.feed.publish([Told { frame, from, kind }]);
    }

    fn tell_nodes(&self, news: News) {
        if let Some(nodes) = &self.outlets.nodes {
            nodes.tell(&self.open.id, news);
        }
    }

    /// Tells other nodes how far this one is; one that has just come `asks` for what there is.
    fn exchange(&mut self, asks: bool) {
        self.exchange_at = Instant::now() + EXCHANGE_EVERY;
        let said = if asks { Said::Asked } else { Said::Unasked };
        if let Some((nodes, document)) = self.outlets.nodes.as_ref().zip(self.document.as_ref()) {
            nodes.tell(&self.open.id, News::State(document.standing(), said));
        }
    }

    /// Another node has said how far it is: it is told what it lacks, and asked for what is lacked here.
    fn compare(&mut self, theirs: &Standing, said: Said) {
        if said == Said::Asked
            && let Some(all) = self.awareness.full()
        {
            self.tell_nodes(News::Awareness(all));
        }
        let Some(document) = &self.document else { return };
        let ours = document.standing();
        if ours.digest == theirs.digest {
            return;
        }
        match self.missing(&theirs.state_vector) {
            Ok(missing) => self.tell_nodes(News::Update(missing)),
            Err(End::MALFORMED) => return self.outlets.metrics.documents.remote_malformed.increment(1),
            Err(_) => {}
        }
        if said != Said::Answer {
            self.tell_nodes(News::State(ours, Said::Answer));
        }
    }

    async fn load(&mut self) -> Result<(), ()> {
        if self.document.is_some() {
            return Ok(());
        }
        if let Some(held) = &self.held {
            // First: what is said while it is read is not missed.
            held.confirmed().await;
        }
        let began = StdInstant::now();
        match self.read().await {
            Ok(document) => {
                self.outlets.metrics.documents.load_seconds.record(began.elapsed());
                self.document = Some(document);
                self.exchange(true);
                Ok(())
            }
            Err(error) => {
                self.outlets.metrics.documents.load_failures.increment(1);
                tracing::error!(document = self.open.id.as_str(), error, "a document could not be read");
                Err(())
            }
        }
    }

    async fn read(&mut self) -> Result<Document, String> {
        let stored = self.outlets.store.load(&self.open.id).await.map_err(|error| error.to_string())?;
        let kept =
            self.outlets.journal.read(&self.log, 0, usize::MAX).await.map_err(|error| error.to_string())?;
        self.saving.read(stored.as_ref(), &kept, Instant::now());
        let stored = stored.map(|stored| stored.bytes);
        let states: Vec<Bytes> =
            stored.into_iter().chain(kept.snapshot.map(|snapshot| snapshot.bytes)).collect();
        let changes: Vec<Bytes> = kept.entries.into_iter().map(|entry| entry.bytes).collect();
        let document =
            block_in_place(|| Document::load(&states, &changes)).map_err(|broken| broken.to_string())?;
        let orphans = document.orphans().len();
        if orphans > 0 {
            self.outlets.metrics.documents.orphans.increment(orphans as u64);
            tracing::error!(
                document = self.open.id.as_str(),
                orphans,
                "changes in the journal stand on what is gone from the store; they are kept until somebody has it"
            );
        }
        Ok(document)
    }

    /// Lets go of a document that may hold what is not in the journal. What anybody was told is, so nobody need know.
    fn drop_document(&mut self, why: &str) {
        tracing::error!(document = self.open.id.as_str(), why, "a document is read again");
        self.whole = None;
        let document = self.document.take();
        // It may be in any state, and to take it apart may panic.
        let _apart = std::panic::catch_unwind(std::panic::AssertUnwindSafe(move || drop(document)));
    }

    /// The answer to whoever has that state vector.
    fn missing(&mut self, state_vector: &[u8]) -> Result<Bytes, End> {
        let Some(document) = &mut self.document else { return Err(End::FAILED) };
        if measure_state_vector(state_vector, MAX_CLIENTS).is_err() {
            return Err(End::MALFORMED);
        }
        // Whoever comes with nothing gets what the one before it got.
        let is_whole = state_vector == [0];
        if let Some(whole) = self.whole.as_ref().filter(|_| is_whole) {
            return Ok(whole.clone());
        }
        let missing = match document.bytes() {
            0..HEAVY => document.missing(state_vector),
            _ => block_in_place(|| document.missing(state_vector)),
        };
        match missing {
            Ok(missing) if is_whole => {
                self.whole = Some(missing.clone());
                Ok(missing)
            }
            Ok(missing) => Ok(missing),
            Err(broken) => {
                self.drop_document(&broken.to_string());
                Err(End::FAILED)
            }
        }
    }
}
