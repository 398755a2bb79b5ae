//! How a document gets into the store: when it is due, with what is there already, and what is dropped of the journal then.

use std::{
    collections::{HashMap, VecDeque},
    future,
    sync::{Arc, atomic::Ordering},
};

use bytes::Bytes;
use tokio::{
    sync::oneshot,
    task::{JoinHandle, block_in_place},
    time::Instant,
};

use super::{Outlets, Owner};
use crate::{
    documents::{
        answers::{Seat, SeatId},
        frame,
        schedule::{Patience, Schedule},
        store::{Saved, StoreError, Stored, Version},
    },
    journal::{Contents, Journal, LogId, Write},
};

/// How many markers of one seat wait for the store. At the bound the newest takes the place of the one before it.
const MARKS: usize = 64;

/// How large the journal of a document may grow before a copy takes the place of its changes, while the store is away;
/// a larger document's may be as large as that is.
const COMPACT_FROM: usize = 4 * 1024 * 1024;

/// A document that cannot be saved, counted as long as this is there.
pub(super) struct Unsaved(Arc<Outlets>);

impl Unsaved {
    fn new(outlets: &Arc<Outlets>) -> Self {
        outlets.unsaved.fetch_add(1, Ordering::AcqRel);
        outlets.metrics.documents.unsaved.increment(1.0);
        Self(Arc::clone(outlets))
    }
}

impl Drop for Unsaved {
    fn drop(&mut self) {
        self.0.unsaved.fetch_sub(1, Ordering::AcqRel);
        self.0.metrics.documents.unsaved.decrement(1.0);
    }
}

/// What came of a save.
pub(super) type Ended = Result<Saved, StoreError>;

/// What is known of a document's copies: in the journal, and in the store.
#[derive(Default)]
pub(super) struct Saving {
    schedule: Schedule,
    /// Which one is in the store, as far as is known here.
    version: Option<Version>,
    /// The last position in the journal, and how many bytes there are in it.
    position: u64,
    kept: usize,
    /// How many changes there were.
    changes: u64,
    running: Option<Running>,
    marks: HashMap<SeatId, (Seat, VecDeque<(u64, u64)>)>,
    waiting: Vec<oneshot::Sender<bool>>,
}

struct Running {
    task: JoinHandle<Ended>,
    /// What it holds: the journal up to this, and so many changes.
    through: u64,
    changes: u64,
    /// How many bytes the journal had of it then.
    kept: usize,
    bytes: Bytes,
}

impl Saving {
    /// What was found when the document was read.
    pub(super) fn read(&mut self, stored: Option<&Stored>, kept: &Contents, now: Instant) {
        self.version = stored.map(|stored| stored.version.clone());
        let snapshot = kept.snapshot.as_ref();
        let through = snapshot.map_or(0, |snapshot| snapshot.through);
        self.position = kept.entries.last().map_or(through, |entry| entry.position);
        self.kept = snapshot.map_or(0, |snapshot| snapshot.bytes.len())
            + kept.entries.iter().map(|entry| entry.bytes.len()).sum::<usize>();
        if self.position > 0 {
            self.schedule.changed(now);
        }
    }

    /// Something has changed, and is in the journal.
    pub(super) fn changed(&mut self, now: Instant) {
        self.changes += 1;
        self.schedule.changed(now);
    }

    /// An entry is in the journal.
    pub(super) fn kept(&mut self, position: Option<u64>, bytes: usize) {
        self.position = position.unwrap_or(self.position);
        self.kept += bytes;
    }

    /// How many changes there were.
    pub(super) fn changes(&self) -> u64 {
        self.changes
    }

    pub(super) fn due(&self, patience: Patience) -> Option<Instant> {
        self.schedule.due(patience)
    }

    pub(super) fn is_settled(&self) -> bool {
        self.schedule.is_settled()
    }

    /// Waits for the save that is under way, if there is one; else for ever.
    pub(super) async fn ended(&mut self) -> Ended {
        match &mut self.running {
            Some(running) => match (&mut running.task).await {
                Ok(ended) => ended,
                Err(panicked) => Err(StoreError::failed(panicked)),
            },
            None => future::pending().await,
        }
    }

    /// The seat is to be told when all that is in the journal now is in the store.
    pub(super) fn mark(&mut self, seat: &Seat, number: u64) {
        if self.schedule.is_settled() {
            return seat.answers.frame(frame::saved(number));
        }
        let (_, marks) = self.marks.entry(seat.id).or_insert_with(|| (seat.clone(), VecDeque::new()));
        if marks.len() == MARKS {
            marks.pop_back();
        }
        marks.push_back((self.changes, number));
    }

    /// The seat is left.
    pub(super) fn forget(&mut self, seat: SeatId) {
        self.marks.remove(&seat);
    }

    /// So many changes are in the store.
    fn tell_marks(&mut self, changes: u64) {
        self.marks.retain(|_, (seat, marks)| {
            let mut saved = None;
            while let Some((_, number)) = marks.front().filter(|(at, _)| *at <= changes) {
                saved = Some(*number);
                marks.pop_front();
            }
            if let Some(number) = saved {
                seat.answers.frame(frame::saved(number));
            }
            !marks.is_empty()
        });
    }

    /// Drops all that the journal has of it, and what was to be saved with it.
    pub(super) async fn drop_all(&mut self, journal: &dyn Journal, log: &LogId) -> Result<(), String> {
        if let Some(running) = self.running.take() {
            // Were it to end later, it would bring back what is deleted.
            running.task.abort();
            let _ended = running.task.await;
        }
        journal
            .commit(vec![Write::Drop { log: log.clone(), through: self.position }])
            .await
            .map_err(|error| error.to_string())?;
        let waiting = std::mem::take(&mut self.waiting);
        *self = Self::default();
        waiting.into_iter().for_each(|waiting| answer(waiting, true));
        Ok(())
    }
}

impl Owner {
    pub(super) async fn save_if_due(&mut self, now: Instant) {
        if self.saving.due(self.outlets.patience).is_some_and(|due| due <= now) {
            self.save(now).await;
            self.settle();
        }
    }

    /// Saves all of it, if it is not saved, and then answers.
    pub(super) async fn save_now(&mut self, reply: oneshot::Sender<bool>) {
        self.saving.waiting.push(reply);
        self.saving.schedule.hurry();
        self.save_if_due(Instant::now()).await;
        self.settle();
    }

    async fn save(&mut self, now: Instant) {
        if self.load().await.is_err() {
            return self.saving.schedule.failed(now);
        }
        let Some(document) = &mut self.document else { return };
        if document.is_empty() && self.saving.version.is_none() {
            // It has nothing but orphans, which stay in the journal.
            self.saving.schedule.begin();
            self.saving.schedule.saved();
            return self.saving.tell_marks(self.saving.changes);
        }
        let bytes = match block_in_place(|| document.state()) {
            Ok(bytes) => bytes,
            Err(broken) => {
                self.saving.schedule.failed(now);
                return self.drop_document(&broken.to_string());
            }
        };
        self.saving.schedule.begin();
        let (outlets, id) = (Arc::clone(&self.outlets), self.open.id.clone());
        let (body, after) = (bytes.clone(), self.saving.version.clone());
        let task = tokio::spawn(async move {
            let began = std::time::Instant::now();
            let saved = outlets.store.save(&id, body, after.as_ref()).await;
            outlets.metrics.documents.save_seconds.record(began.elapsed());
            saved
        });
        let Saving { position: through, changes, kept, .. } = self.saving;
        self.saving.running = Some(Running { task, through, changes, kept, bytes });
    }

    pub(super) async fn save_ended(&mut self, ended: Ended) {
        let Some(Running { through, changes, kept, bytes, .. }) = self.saving.running.take() else { return };
        let metrics = &self.outlets.metrics.documents;
        match ended {
            Ok(Saved::Done(version)) => {
                metrics.saves.increment(1);
                metrics.saved_bytes.increment(bytes.len() as u64);
                self.saving.version = Some(version);
                self.saving.schedule.saved();
                self.saving.tell_marks(changes);
                self.trim_journal(Write::Drop { log: self.log.clone(), through }, kept, 0).await;
            }
            Ok(Saved::Conflict) => {
                metrics.save_conflicts.increment(1);
                self.take_stored().await;
            }
            Err(error) => {
                metrics.save_failures.increment(1);
                tracing::warn!(document = self.open.id.as_str(), %error, "a document could not be saved; it is in the journal");
                self.saving.schedule.failed(Instant::now());
                if self.saving.kept > COMPACT_FROM.max(bytes.len().saturating_mul(2)) {
                    let copied = bytes.len();
                    let copy = Write::Compact { log: self.log.clone(), through, snapshot: bytes };
                    self.trim_journal(copy, kept, copied).await;
                }
            }
        }
        self.settle();
    }

    /// Somebody else has saved it since: what they have is taken, and then all of it is saved.
    async fn take_stored(&mut self) {
        let why = match self.outlets.store.load(&self.open.id).await {
            Ok(None) => {
                self.saving.version = None;
                return self.saving.schedule.again();
            }
            Ok(Some(Stored { bytes, version })) => {
                if self.merge(bytes).await {
                    self.saving.version = Some(version);
                    return self.saving.schedule.again();
                }
                // It is not known what would be lost.
                "it is not taken, and so not overwritten".to_owned()
            }
            Err(error) => error.to_string(),
        };
        self.outlets.metrics.documents.save_failures.increment(1);
        tracing::warn!(document = self.open.id.as_str(), why, "what another node saved could not be read");
        self.saving.schedule.failed(Instant::now());
    }

    /// Carries out a write after which there is less in the journal. Orphans are nowhere else, so they come after it.
    async fn trim_journal(&mut self, write: Write, gone: usize, instead: usize) {
        // It is read again, and then saved again.
        let Some(document) = &self.document else { return };
        let orphans = document.orphans();
        let instead = instead + orphans.iter().map(Bytes::len).sum::<usize>();
        let again = |entry: &Bytes| Write::Append { log: self.log.clone(), entry: entry.clone() };
        let writes = std::iter::once(write).chain(orphans.iter().map(again)).collect();
        match self.outlets.journal.commit(writes).await {
            Ok(positions) => {
                self.saving.position = positions.last().copied().unwrap_or(self.saving.position);
                self.saving.kept = self.saving.kept.saturating_sub(gone) + instead;
            }
            Err(error) => {
                tracing::warn!(document = self.open.id.as_str(), %error, "what is saved is still in the journal");
            }
        }
    }

    /// Counts the document if it cannot be saved. Whoever waits for a save is answered then, as it is in the journal, or
    /// when there is nothing left to save.
    pub(super) fn settle(&mut self) {
        let is_failing = self.saving.schedule.is_failing();
        match is_failing {
            true if self.unsaved.is_some() => {}
            true => self.unsaved = Some(Unsaved::new(&self.outlets)),
            false => self.unsaved = None,
        }
        if is_failing || self.saving.is_settled() {
            self.saving.waiting.drain(..).for_each(|waiting| answer(waiting, !is_failing));
        }
    }
}

fn answer(waiting: oneshot::Sender<bool>, is_saved: bool) {
    let _gone = waiting.send(is_saved);
}
