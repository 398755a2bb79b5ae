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

/// A seat that has said something with a gap before it, until it has said all that is lacked here.
#[derive(Clone, Copy)]
pub(super) struct Behind {
    /// Whether it is asked for that, and has not answered.
    is_asked: bool,
    is_healed: bool,
    /// How much had changed when it was asked.
    changes: u64,
    /// The last marker that it sent meanwhile.
    marker: Option<u64>,
    /// How many of its updates were not taken, and come with its answer.
    missing: usize,
}

impl Behind {
    /// What is known of a seat after something with a gap before it, which may be its answer.
    fn after(known: Option<&Self>, is_answer: bool, changes: u64) -> Self {
        let marker = known.and_then(|known| known.marker);
        let missing = known.map_or(0, |known| known.missing) + usize::from(!is_answer);
        match known.filter(|known| !known.is_healed) {
            // It lacks something itself. It is asked again when it may have got that.
            Some(known) if is_answer => Self { is_asked: false, ..*known },
            Some(known) if known.is_asked => Self { missing, ..*known },
            _ => Self { is_asked: true, is_healed: false, changes, marker, missing },
        }
    }
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

    /// Takes what the store had that is not here.
    pub(super) async fn merge(&mut self, bytes: Bytes) {
        self.write(vec![Update::of_nobody(bytes)]).await;
    }

    async fn write(&mut self, updates: Vec<Update>) {
        let mut groups = VecDeque::from([updates]);
        while let Some(group) = groups.pop_front() {
            if group.is_empty() {
                continue;
            }
            let from: Vec<SeatId> = group.iter().filter_map(|update| update.from).collect();
            match self.write_together(group).await {
                Ok(()) => {}
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

    /// Applies updates, puts what they change in the journal, and tells everybody.
    async fn write_together(&mut self, group: Vec<Update>) -> Result<(), Failure> {
        self.load().await.map_err(|()| Failure::Lost)?;
        let bytes: usize = group.iter().map(|update| update.bytes.len()).sum();
        let mut refused = HashSet::new();
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
            self.tell_update(&group, changed);
        }
        self.outlets.metrics.documents.updates.increment(group.len() as u64);
        for (number, update) in group.iter().enumerate() {
            let seat = update.from.and_then(|seat| self.seats.get(&seat));
            if let Some(seat) = seat.filter(|seat| seat.counts_updates) {
                seat.answers.push(Answer::Update(!refused.contains(&number)));
            }
        }
        self.tell_healed();
        Ok(())
    }

    /// What all of these change together; nothing if nothing is new. The numbers of those that are not among them.
    fn apply(&mut self, group: &[Update], refused: &mut HashSet<usize>) -> Result<Option<Bytes>, Broken> {
        let Some(document) = &mut self.document else { return Ok(None) };
        let mut batch = document.batch();
        let bounds = Bounds { bytes: self.outlets.max_bytes, ..AN_UPDATE };
        let mut room = self.outlets.max_bytes.saturating_sub(document.bytes());
        // What is taken of this group, which is not in the document yet.
        let mut taken_bytes = 0;
        let mut has_remote_gap = false;
        for (number, update) in group.iter().enumerate() {
            if update.bytes.len() > room && update.from.is_some() {
                // What is known is an upper bound: it is worth to look.
                room = self.outlets.max_bytes.saturating_sub(document.state()?.len() + taken_bytes);
            }
            let taken = match update.from {
                Some(_) if update.bytes.len() > room => Err(Refusal::Full),
                _ => document.take(&mut batch, &update.bytes, bounds),
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
        let changed = document.apply(batch);
        if has_remote_gap {
            self.exchange(true);
        }
        changed
    }

    /// Whoever has said all that was lacked is told so of the markers and the updates that it sent meanwhile.
    fn tell_healed(&mut self) {
        let healed: Vec<_> = self.behind.extract_if(|_, behind| behind.is_healed).collect();
        for (id, Behind { marker, missing, .. }) in healed {
            if let Some(seat) = self.seats.get(&id).filter(|seat| seat.counts_updates) {
                // It was asked once for all of them, and told once that its answer was taken.
                (1..missing).for_each(|_| seat.answers.push(Answer::Update(true)));
            }
            if let Some(marker) = marker {
                self.mark(id, marker);
            }
        }
    }

    /// Whoever had a gap itself may have none any more, since something has changed.
    pub(super) fn ask_those_behind(&mut self) {
        let Some(document) = &self.document else { return };
        let changes = self.saving.changes();
        for (seat, behind) in &mut self.behind {
            if let Some(seat) = self.seats.get(seat)
                && !behind.is_asked
                && behind.changes != changes
            {
                (behind.is_asked, behind.changes) = (true, changes);
                seat.answers.frame(frame::step1(&document.state_vector()));
            }
        }
    }

    /// All that this seat has said is in the journal.
    fn mark(&mut self, seat: SeatId, number: u64) {
        if let Some(seat) = self.seats.get(&seat) {
            seat.answers.frame(frame::journaled(number));
            self.saving.mark(seat, number);
        }
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

    async fn answer(&mut self, command: Command) {
        match command {
            // It has left before it came.
            Command::Enter(seat, _) if seat.answers.is_left() => {}
            Command::Enter(seat, reply) => {
                if let Some(document) = self.document.as_ref().filter(|_| !seat.counts_updates) {
                    seat.answers.frame(frame::step1(&document.state_vector()));
                }
                if let Some(all) = self.awareness.full() {
                    seat.answers.frame(all);
                }
                self.seats.insert(seat.id, seat);
                let _gone = reply.send(Ok(()));
            }
            Command::Heard(seat, heard) => self.hear(seat, heard),
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

    fn hear(&mut self, seat: SeatId, heard: Heard) {
        match heard {
            // All updates were written before.
            Heard::Update { .. } => {}
            // Whoever has left is heard no more: nobody would take away the state that came after.
            Heard::Awareness(_) if !self.seats.contains_key(&seat) => {}
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
            Heard::FirstStep => {
                if let Some((seat, document)) = self.seats.get(&seat).zip(self.document.as_ref()) {
                    seat.answers.frame(frame::step1(&document.state_vector()));
                }
            }
            Heard::Stateless(text) => {
                self.tell(Kind::Stateless, text.clone(), Some(seat));
                self.tell_nodes(News::Stateless(text));
            }
            Heard::Marker(number) => match self.behind.get_mut(&seat) {
                // Not all that it has said is in the journal.
                Some(behind) => behind.marker = Some(number),
                None => self.mark(seat, number),
            },
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
            Remote::Stateless(text) => match std::str::from_utf8(&text) {
                Ok(_) => self.tell(Kind::Stateless, text, None),
                Err(_) => self.outlets.metrics.documents.remote_malformed.increment(1),
            },
            Remote::State(standing, said) => self.compare(&standing, said),
            Remote::Gap => self.exchange(true),
            Remote::Left(node) => {
                let gone = self.awareness.remove_source(node.source(), StdInstant::now());
                self.tell_here(gone);
            }
            Remote::Deleted => {
                // The store's is gone already; what this node has kept is not.
                if let Err(error) = self.saving.drop_all(&*self.outlets.journal, &self.log).await {
                    tracing::error!(
                        document = self.open.id.as_str(),
                        error,
                        "a deleted document is still kept"
                    );
                }
                self.settle();
                self.is_deleted();
            }
        }
    }
}
