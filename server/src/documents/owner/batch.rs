//! What an owner does with the commands that came in together: all updates first, in one commit, then the answers.

use std::{
    collections::{HashSet, VecDeque},
    time::Instant as StdInstant,
};

use bytes::Bytes;
use tokio::{task::block_in_place, time::Instant};

use super::{AWARENESS, Command, HEAVY, Heard, Kind, Owner};
use crate::{
    documents::{
        answers::{Answer, SeatId},
        document::{Broken, Refusal},
        frame::{self, Message},
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
    /// The room that it takes.
    _room: Option<tokio::sync::OwnedSemaphorePermit>,
}

/// Why a group of updates was not written.
enum Failure {
    /// The document broke on one of them.
    Broken(Vec<Update>),
    /// The journal did not take them, or the document cannot be read.
    Lost,
}

/// Whose markers are not to be answered: not all that was said before them is in the journal.
type Unsettled = HashSet<SeatId>;

impl Owner {
    pub(super) async fn carry_out(&mut self, commands: Vec<Command>) {
        let (mut theirs, mut ours, mut rest) = (Vec::new(), Vec::new(), Vec::new());
        for command in commands {
            match command {
                Command::Heard(seat, Heard::Update(bytes, room)) => {
                    ours.push(Update { from: Some(seat), bytes, _room: Some(room) });
                }
                Command::Remote(Remote::Update(bytes)) => {
                    theirs.push(Update { from: None, bytes, _room: None });
                }
                other => rest.push(other),
            }
        }
        let mut unsettled = Unsettled::new();
        for group in [theirs, ours] {
            self.write(group, &mut unsettled).await;
        }
        for command in rest {
            match self.load().await {
                Ok(()) => self.answer(command, &unsettled).await,
                Err(()) => self.cannot(command),
            }
        }
    }

    /// Takes what the store had that is not here.
    pub(super) async fn merge(&mut self, bytes: Bytes) {
        self.write(vec![Update { from: None, bytes, _room: None }], &mut Unsettled::new()).await;
    }

    async fn write(&mut self, updates: Vec<Update>, unsettled: &mut Unsettled) {
        let mut groups = VecDeque::from([updates]);
        while let Some(group) = groups.pop_front() {
            if group.is_empty() {
                continue;
            }
            let from: Vec<SeatId> = group.iter().filter_map(|update| update.from).collect();
            match self.write_together(group, unsettled).await {
                Ok(()) => {}
                Err(Failure::Broken(group)) if group.len() > 1 => {
                    // One of them did it: each by itself, to find out which.
                    groups.extend(group.into_iter().map(|update| vec![update]));
                }
                Err(Failure::Broken(_)) => {
                    self.outlets.metrics.documents.refused.increment(1);
                    unsettled.extend(&from);
                    from.into_iter().for_each(|seat| self.end(seat, End::MALFORMED));
                }
                Err(Failure::Lost) => {
                    // Their clients still have it, and say it again when they are back.
                    unsettled.extend(&from);
                    from.into_iter().for_each(|seat| self.end(seat, End::FAILED));
                }
            }
        }
    }

    /// Applies updates, puts what they change in the journal, and tells everybody.
    async fn write_together(&mut self, group: Vec<Update>, unsettled: &mut Unsettled) -> Result<(), Failure> {
        self.load().await.map_err(|()| Failure::Lost)?;
        let bytes: usize = group.iter().map(|update| update.bytes.len()).sum();
        let changed = match bytes {
            0..HEAVY => self.apply(&group, unsettled),
            _ => block_in_place(|| self.apply(&group, unsettled)),
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
            self.tell_update(&group, changed);
        }
        self.outlets.metrics.documents.updates.increment(group.len() as u64);
        for seat in group.iter().filter_map(|update| update.from) {
            if let Some(seat) = self.seats.get(&seat).filter(|seat| seat.counts_updates) {
                seat.answers.push(Answer::Update(!unsettled.contains(&seat.id)));
            }
        }
        Ok(())
    }

    /// What all of these change together; nothing if nothing is new.
    fn apply(&mut self, group: &[Update], unsettled: &mut Unsettled) -> Result<Option<Bytes>, Broken> {
        let Some(document) = &mut self.document else { return Ok(None) };
        let mut batch = document.batch();
        let bounds = Bounds { bytes: self.outlets.max_bytes, ..AN_UPDATE };
        let mut room = self.outlets.max_bytes.saturating_sub(document.bytes());
        for update in group {
            if update.bytes.len() > room && update.from.is_some() {
                // What is known is an upper bound: it is worth to look.
                room = self.outlets.max_bytes.saturating_sub(document.state()?.len());
            }
            let taken = match update.from {
                Some(_) if update.bytes.len() > room => Err(Refusal::Full),
                _ => document.take(&mut batch, &update.bytes, bounds),
            };
            let Err(refusal) = taken else {
                room = room.saturating_sub(update.bytes.len());
                continue;
            };
            tracing::debug!(document = self.open.id.as_str(), ?refusal, "an update is not taken");
            self.outlets.metrics.documents.refused.increment(1);
            unsettled.extend(update.from);
            let Some(seat) = update.from.and_then(|seat| self.seats.get(&seat)) else { continue };
            seat.answers.push(match refusal {
                // It has what comes before, or gets it from somebody.
                Refusal::Gap => Answer::Frame(frame::step1(&document.state_vector())),
                Refusal::Malformed => Answer::End(End::MALFORMED),
                Refusal::Full => Answer::End(End::FULL),
            });
        }
        document.apply(batch)
    }

    /// Puts a change in the journal.
    async fn keep(&mut self, entry: Bytes) -> Result<(), ()> {
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
                Err(())
            }
        }
    }

    fn tell_update(&mut self, group: &[Update], changed: Bytes) {
        let mut from = group.iter().map(|update| update.from);
        let first = from.next().flatten();
        // Whoever gets its own back in a message with others' has it already, and finds nothing new in it.
        let only = first.filter(|_| from.all(|other| other == first));
        self.tell(Kind::Update, frame::update(&changed), only);
        if first.is_some() {
            self.tell_nodes(News::Update(changed));
        }
    }

    async fn answer(&mut self, command: Command, unsettled: &Unsettled) {
        match command {
            Command::Enter(seat, reply) => {
                if let Some(document) = &self.document {
                    seat.answers.frame(frame::step1(&document.state_vector()));
                }
                if let Some(all) = self.awareness.full() {
                    seat.answers.frame(all);
                }
                self.seats.insert(seat.id, seat);
                let _gone = reply.send(Ok(()));
            }
            Command::Heard(seat, heard) => self.hear(seat, heard, unsettled),
            Command::State(asked) => {
                let position = self.open.feed.position();
                let missing = self.missing(&asked.state_vector);
                let _gone = asked.reply.send(missing.map(|missing| (position, missing)));
            }
            Command::Remote(remote) => self.hear_node(remote).await,
            Command::Look(look) => {
                self.whole = None;
                if let Some(document) = &mut self.document {
                    look(Ok(document));
                }
            }
            Command::Delete(reply) => {
                let deleted = self.delete().await;
                let _gone = reply.send(deleted);
            }
            Command::Save(reply) => self.save_now(reply).await,
        }
    }

    fn hear(&mut self, seat: SeatId, heard: Heard, unsettled: &Unsettled) {
        match heard {
            // All updates were written before.
            Heard::Update(..) => {}
            Heard::Awareness(bytes) => {
                match self.awareness.apply(&bytes, seat.source(), StdInstant::now(), AWARENESS) {
                    Ok(applied) => {
                        self.outlets.metrics.documents.refused.increment(applied.refused as u64);
                        self.tell_awareness(applied.frame, Some(seat));
                    }
                    Err(_malformed) => {
                        self.outlets.metrics.documents.refused.increment(1);
                        self.end(seat, End::MALFORMED);
                    }
                }
            }
            Heard::QueryAwareness => {
                if let Some((seat, all)) = self.seats.get(&seat).zip(self.awareness.full()) {
                    seat.answers.frame(all);
                }
            }
            Heard::Marker(number) if !unsettled.contains(&seat) => {
                if let Some(held) = self.seats.get(&seat) {
                    held.answers.frame(frame::journaled(number));
                    self.saving.mark(held, number);
                }
            }
            Heard::Marker(_) => {}
        }
    }

    /// Tells everybody here of awareness that was changed elsewhere.
    fn tell_here(&self, changed: Option<Bytes>) {
        if let Some(changed) = changed {
            self.tell(Kind::Awareness, changed, None);
        }
    }

    async fn hear_node(&mut self, remote: Remote) {
        match remote {
            // All updates were written before.
            Remote::Update(_) => {}
            Remote::Awareness(node, said) => {
                let messages = frame::read(&said).unwrap_or_default();
                let [Message::Awareness(bytes)] = &messages[..] else {
                    return self.outlets.metrics.documents.remote_malformed.increment(1);
                };
                match self.awareness.apply(bytes, node.source(), StdInstant::now(), AWARENESS) {
                    Ok(applied) => self.tell_here(applied.frame),
                    Err(_malformed) => self.outlets.metrics.documents.remote_malformed.increment(1),
                }
            }
            Remote::State(standing, said) => self.compare(&standing, said),
            Remote::Gap => self.exchange(true),
            Remote::Left(node) => {
                let gone = self.awareness.remove_source(node.source(), StdInstant::now());
                self.tell_here(gone);
            }
            Remote::Deleted => {
                // The store's is gone already; what this node has kept is not.
                if let Err(error) = self.forget_saved().await {
                    tracing::error!(document = self.open.id.as_str(), error, "a deleted document is still kept");
                }
                self.is_deleted();
            }
        }
    }
}

