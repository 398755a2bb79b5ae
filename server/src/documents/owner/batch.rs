//! What an owner does with the commands that came in together: all updates first, in one commit, then the rest.

use std::{
    collections::{HashSet, VecDeque},
    time::Instant as StdInstant,
};

use bytes::Bytes;
use tokio::{task::block_in_place, time::Instant};

use super::{Command, HEAVY, Heard, Kind, Owner, behind::Behind};
use crate::{
    documents::{
        answers::{Answer, SeatId},
        document::{Broken, Refusal},
        frame,
        measure::Bounds,
        nodes::{News, Remote},
    },
    journal::Write,
    ws::End,
};

/// How much an update of a client's may hold. 20,000 clients, or 5,000 at one place, take yrs about a second.
const AN_UPDATE: Bounds =
    Bounds { bytes: usize::MAX, weight: 256 * 1024 * 1024, clients: 20_000, rivals: 5_000 };

/// An update, on its way.
struct Update {
    /// Nobody here: another node's, or the store's.
    from: Option<SeatId>,
    bytes: Bytes,
    /// Whether it is all that its sender has and was lacked here.
    is_answer: bool,
    /// The room that it takes.
    _room: Option<tokio::sync::OwnedSemaphorePermit>,
}

impl Update {
    fn of_nobody(bytes: Bytes) -> Self {
        Self { from: None, bytes, is_answer: false, _room: None }
    }
}

/// Why a group of updates was not written.
enum Failure {
    /// The document broke on one of them.
    Broken(Vec<Update>),
    /// The journal did not take them, or the document cannot be read.
    Lost,
}

impl Owner {
    pub(super) async fn carry_out(&mut self, commands: Vec<Command>) {
        let (mut theirs, mut ours, mut rest) = (Vec::new(), Vec::new(), Vec::new());
        let mut asked = HashSet::new();
        for command in commands {
            match command {
                // The answer may be large, and one is as good as many.
                Command::Heard(seat, Heard::QueryAwareness) if !asked.insert(seat) => {}
                Command::Heard(seat, Heard::Update { bytes, is_answer, room }) => {
                    ours.push(Update { from: Some(seat), bytes, is_answer, _room: Some(room) });
                }
                Command::Remote(Remote::Update(bytes)) => theirs.push(Update::of_nobody(bytes)),
                other => rest.push(other),
            }
        }
        for group in [theirs, ours] {
            self.write(group).await;
        }
        for command in rest {
            match self.load().await {
                Ok(()) => self.answer(command).await,
                Err(()) => self.cannot(command),
            }
        }
    }

    /// Takes what the store had that is not here; whether all of it is here now.
    pub(super) async fn merge(&mut self, bytes: Bytes) -> bool {
        self.write_together(vec![Update::of_nobody(bytes)]).await.is_ok_and(|refused| refused == 0)
    }

    async fn write(&mut self, updates: Vec<Update>) {
        let mut groups = VecDeque::from([updates]);
        while let Some(group) = groups.pop_front() {
            if group.is_empty() {
                continue;
            }
            let from: Vec<SeatId> = group.iter().filter_map(|update| update.from).collect();
            match self.write_together(group).await {
                Ok(_) => {}
                Err(Failure::Broken(group)) if group.len() > 1 => {
                    // One of them did it: each by itself, to find out which.
                    groups.extend(group.into_iter().map(|update| vec![update]));
                }
                Err(Failure::Broken(_)) => {
                    self.outlets.metrics.documents.refused.increment(1);
                    from.into_iter().for_each(|seat| self.end(seat, End::MALFORMED));
                }
                Err(Failure::Lost) => {
                    // Their clients still have it, and say it again when they are back.
                    from.into_iter().for_each(|seat| self.end(seat, End::FAILED));
                }
            }
        }
    }

    /// Applies updates, puts what they change in the journal, and tells everybody. How many were not taken.
    async fn write_together(&mut self, group: Vec<Update>) -> Result<usize, Failure> {
        self.load().await.map_err(|()| Failure::Lost)?;
        let bytes: usize = group.iter().map(|update| update.bytes.len()).sum();
        let mut refused = HashSet::new();
        let orphans = self.orphans();
        let changed = match bytes {
            0..HEAVY => self.apply(&group, &mut refused),
            _ => block_in_place(|| self.apply(&group, &mut refused)),
        };
        let changed = match changed {
            Ok(changed) => changed,
            Err(broken) => {
                self.drop_document(&broken.to_string());
                return Err(Failure::Broken(group));
            }
        };
        if let Some(changed) = changed {
            self.whole = None;
            self.keep(changed.clone()).await.map_err(|()| Failure::Lost)?;
            self.saving.changed(Instant::now());
            self.tell_update(&group, changed, self.orphans() < orphans);
        }
        self.outlets.metrics.documents.updates.increment(group.len() as u64);
        for (number, update) in group.iter().enumerate() {
            let seat = update.from.and_then(|seat| self.seats.get(&seat));
            if let Some(seat) = seat.filter(|seat| seat.counts_updates) {
                seat.answers.push(Answer::Update(!refused.contains(&number)));
            }
        }
        self.tell_healed();
        Ok(refused.len())
    }

    /// What all of these change together; nothing if nothing is new. The numbers of those that are not among them.
    fn apply(&mut self, group: &[Update], refused: &mut HashSet<usize>) -> Result<Option<Bytes>, Broken> {
        let Some(document) = &mut self.document else { return Ok(None) };
        let orphans = document.orphans().to_vec();
        let mut batch = document.batch();
        let mut room = self.outlets.max_bytes.saturating_sub(document.bytes());
        // What is taken of this group, which is not in the document yet.
        let mut taken_bytes = 0;
        let mut has_remote_gap = false;
        for (number, update) in group.iter().enumerate() {
            if update.bytes.len() > room && update.from.is_some() {
                // What is known is an upper bound: it is worth to look.
                room = self.outlets.max_bytes.saturating_sub(document.state()?.len() + taken_bytes);
            }
            let bounds = match update.from {
                Some(_) => AN_UPDATE,
                // It is in another node's document or in the store already, so it has to be in this one too.
                None => Bounds::OPEN,
            };
            let is_too_much = update.from.is_some() && update.bytes.len() > room;
            let taken = match is_too_much && document.grows_by(&batch, &update.bytes, bounds) {
                true => Err(Refusal::Full),
                false => document.take(&mut batch, &update.bytes, bounds),
            };
            let Err(refusal) = taken else {
                room = room.saturating_sub(update.bytes.len());
                taken_bytes += update.bytes.len();
                if update.is_answer
                    && let Some(behind) = update.from.and_then(|seat| self.behind.get_mut(&seat))
                {
                    behind.is_healed = true;
                }
                continue;
            };
            tracing::debug!(document = self.open.id.as_str(), ?refusal, "an update is not taken");
            let metrics = &self.outlets.metrics.documents;
            match (update.from, refusal) {
                (Some(_), _) => metrics.refused.increment(1),
                (None, Refusal::Gap) => metrics.gaps.increment(1),
                (None, _) => metrics.remote_malformed.increment(1),
            }
            refused.insert(number);
            has_remote_gap |= update.from.is_none() && refusal == Refusal::Gap;
            let Some(seat) = update.from.and_then(|seat| self.seats.get(&seat)) else { continue };
            match refusal {
                Refusal::Gap => {
                    let known = self.behind.get(&seat.id);
                    let behind = Behind::after(known, update.is_answer, self.saving.changes());
                    if behind.is_asked && known.is_none_or(|known| known.is_healed || !known.is_asked) {
                        // It has what comes before, or gets it from somebody.
                        seat.answers.frame(frame::step1(&document.state_vector()));
                    }
                    self.behind.insert(seat.id, behind);
                }
                Refusal::Malformed => seat.answers.push(Answer::End(End::MALFORMED)),
                Refusal::Full => seat.answers.push(Answer::End(End::FULL)),
            }
        }
        // What is lacked here comes as an answer, or from elsewhere.
        if group.iter().any(|update| update.is_answer || update.from.is_none()) {
            document.adopt(&mut batch, &orphans);
        }
        let changed = document.apply(batch);
        if has_remote_gap {
            self.exchange(true);
        }
        changed
    }

    /// Puts a change in the journal.
    pub(super) async fn keep(&mut self, entry: Bytes) -> Result<(), ()> {
        let began = StdInstant::now();
        let metrics = &self.outlets.metrics.documents;
        let bytes = entry.len();
        match self.outlets.journal.commit(vec![Write::Append { log: self.log.clone(), entry }]).await {
            Ok(positions) => {
                metrics.commit_seconds.record(began.elapsed());
                self.saving.kept(positions.last().copied(), bytes);
                Ok(())
            }
            Err(error) => {
                metrics.commit_failures.increment(1);
                tracing::error!(document = self.open.id.as_str(), %error, "a commit failed");
                self.drop_document("changes could not be put in the journal");
                // Perhaps it is there nevertheless, and then nobody was told of it.
                self.open.feed.reset();
                Err(())
            }
        }
    }

    fn orphans(&self) -> usize {
        self.document.as_ref().map_or(0, |document| document.orphans().len())
    }

    /// Tells everybody what a group has changed, and what of the orphans has come with it, which nobody may know.
    fn tell_update(&mut self, group: &[Update], changed: Bytes, has_orphans: bool) {
        let mut from = group.iter().map(|update| update.from);
        let first = from.next().flatten();
        // Whoever gets its own back in a message with others' has it already, and finds nothing new in it.
        let only = first.filter(|_| !has_orphans && from.all(|other| other == first));
        self.tell(Kind::Update, frame::update(&changed), only);
        if first.is_some() || has_orphans {
            self.tell_nodes(News::Update(changed));
        }
    }
}
