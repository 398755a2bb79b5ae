//! What an owner does with what is no update: questions, awareness, markers, and what other nodes say.

use std::time::Instant as StdInstant;

use bytes::Bytes;

use super::{AWARENESS, Command, Heard, Kind, Owner};
use crate::{
    documents::{
        answers::SeatId,
        frame::{self, Message},
        nodes::{News, Remote},
    },
    ws::End,
};

impl Owner {
    /// Does one of them, with the document read.
    pub(super) async fn answer(&mut self, command: Command) {
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

    /// All that this seat has said is in the journal.
    pub(super) fn mark(&mut self, seat: SeatId, number: u64) {
        if let Some(seat) = self.seats.get(&seat) {
            seat.answers.frame(frame::journaled(number));
            self.saving.mark(seat, number);
        }
    }
}
