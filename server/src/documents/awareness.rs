//! Who is at a document, by the rules of `y-protocols/awareness.js`: client ids with a clock and a state that is JSON.
//! Free of IO; what time it is, is said.
//!
//! yrs has such states too, but keeps those who left for ever. Here each is kept for whom it came from, so that whoever
//! leaves takes theirs along, and all is bounded. What is in a state is the clients'.

#[cfg(test)]
mod tests;

use std::{
    collections::{HashMap, HashSet},
    time::{Duration, Instant},
};

use bytes::Bytes;
use serde::de::IgnoredAny;

use super::{
    frame,
    lib0::{Malformed, Reader, Writer},
    measure::json_depth,
};

/// After what time a state that was not renewed is gone, as y-protocols has it. Clients renew theirs every 15 s.
const OUTDATED: Duration = Duration::from_secs(30);

/// For how long the clock of who left is kept, so that what was sent before does not bring them back.
const REMEMBERED: Duration = Duration::from_secs(300);

/// The least bytes of an entry: a client id, a clock, and an empty text.
const ENTRY_BYTES: usize = 3;

/// How deep a state may be.
const MAX_DEPTH: usize = 64;

/// What somebody without a state is told as.
const GONE: &str = "null";

/// From where a message came.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) enum Source {
    /// A socket of this process.
    Socket(u64),
    /// Another process.
    Node(u64),
}

/// How much may be kept.
#[derive(Clone, Copy, Debug)]
pub(super) struct Bounds {
    /// How many client ids a socket may have.
    pub(super) clients_of_socket: usize,
    /// How many client ids a document may have, those who left lately included.
    pub(super) clients: usize,
    /// How large a state may be.
    pub(super) state_bytes: usize,
}

/// What became of a message.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Applied {
    /// The frame that tells the others, if anything changed.
    pub(super) frame: Option<Bytes>,
    /// How many entries there was no room for.
    pub(super) refused: usize,
}

/// Who is at a document.
#[derive(Debug, Default)]
pub(super) struct Awareness {
    clients: HashMap<u64, Client>,
    /// Whose client ids came from where, of those who are there.
    sources: HashMap<Source, HashSet<u64>>,
}

#[derive(Debug)]
struct Client {
    clock: u64,
    /// What it says of itself, and from where it came; nothing of who left.
    present: Option<(Box<str>, Source)>,
    updated: Instant,
}

/// One of a message.
struct Entry<'a> {
    client: u64,
    clock: u64,
    state: Option<&'a str>,
}

impl Awareness {
    /// Takes a message, or nothing of it if it is none.
    pub(super) fn apply(
        &mut self,
        bytes: &[u8],
        from: Source,
        now: Instant,
        bounds: Bounds,
    ) -> Result<Applied, Malformed> {
        let (mut changed, mut refused) = (Vec::new(), 0);
        for entry in entries(bytes, bounds.state_bytes)? {
            match self.take(&entry, from, now, bounds) {
                Taken::Changed => changed.push(entry.client),
                Taken::Unchanged => {}
                Taken::Refused => refused += 1,
            }
        }
        // An id may be named twice: the last word counts.
        changed.sort_unstable();
        changed.dedup();
        Ok(Applied { frame: self.frame(&changed), refused })
    }

    fn take(&mut self, entry: &Entry<'_>, from: Source, now: Instant, bounds: Bounds) -> Taken {
        let known = self.clients.get(&entry.client);
        let clock = known.map_or(0, |known| known.clock);
        let is_there = known.is_some_and(|known| known.present.is_some());
        if !(clock < entry.clock || clock == entry.clock && entry.state.is_none() && is_there) {
            return Taken::Unchanged;
        }
        let was_known = known.is_some();
        let is_new_of_source = !self.sources.get(&from).is_some_and(|ids| ids.contains(&entry.client));
        let of_source = self.sources.get(&from).map_or(0, HashSet::len);
        if !was_known && self.clients.len() >= bounds.clients
            || entry.state.is_some()
                && is_new_of_source
                && matches!(from, Source::Socket(_))
                && of_source >= bounds.clients_of_socket
        {
            return Taken::Refused;
        }
        self.disown(entry.client);
        let present = entry.state.map(|state| (state.into(), from));
        if present.is_some() {
            self.sources.entry(from).or_default().insert(entry.client);
        }
        self.clients.insert(entry.client, Client { clock: entry.clock, present, updated: now });
        // Of somebody unknown who is gone, nobody has to be told.
        if was_known || entry.state.is_some() { Taken::Changed } else { Taken::Unchanged }
    }

    /// Forgets from where a client id came.
    fn disown(&mut self, client: u64) {
        let Some((_, from)) = self.clients.get(&client).and_then(|client| client.present.as_ref()) else {
            return;
        };
        let from = *from;
        if let Some(ids) = self.sources.get_mut(&from) {
            ids.remove(&client);
            if ids.is_empty() {
                self.sources.remove(&from);
            }
        }
    }

    /// Removes all who came from there; the frame that tells the others. As in y-protocols it has the clock that they had:
    /// with a later one, whoever comes back would not be seen until that was passed.
    pub(super) fn remove_source(&mut self, from: Source, now: Instant) -> Option<Bytes> {
        let ids = self.sources.get(&from)?.iter().copied().collect();
        self.remove(ids, now)
    }

    /// Removes who was not renewed, and forgets who left long ago; the frame that tells the others.
    pub(super) fn sweep(&mut self, now: Instant) -> Option<Bytes> {
        let age = |client: &Client| now.saturating_duration_since(client.updated);
        self.clients.retain(|_, client| client.present.is_some() || age(client) < REMEMBERED);
        let outdated =
            self.clients.iter().filter(|(_, client)| client.present.is_some() && age(client) >= OUTDATED);
        let outdated = outdated.map(|(&id, _)| id).collect();
        self.remove(outdated, now)
    }

    fn remove(&mut self, mut ids: Vec<u64>, now: Instant) -> Option<Bytes> {
        ids.sort_unstable();
        for id in &ids {
            self.disown(*id);
            if let Some(client) = self.clients.get_mut(id) {
                client.present = None;
                client.updated = now;
            }
        }
        self.frame(&ids)
    }

    /// The frame that tells a newcomer who is there, if anybody is.
    pub(super) fn full(&self) -> Option<Bytes> {
        let present = self.clients.iter().filter(|(_, client)| client.present.is_some());
        self.frame(&present.map(|(&id, _)| id).collect::<Vec<_>>())
    }

    /// How many are there.
    #[cfg(test)]
    pub(super) fn len(&self) -> usize {
        self.sources.values().map(HashSet::len).sum()
    }

    fn frame(&self, ids: &[u64]) -> Option<Bytes> {
        if ids.is_empty() {
            return None;
        }
        let mut states = Writer::default().unsigned(ids.len() as u64);
        for id in ids {
            let client = self.clients.get(id)?;
            let state = client.present.as_ref().map_or(GONE, |(state, _)| state);
            states = states.unsigned(*id).unsigned(client.clock).prefixed(state.as_bytes());
        }
        Some(frame::awareness(&states.finish()))
    }
}

/// What became of an entry.
enum Taken {
    Changed,
    Unchanged,
    Refused,
}

/// The entries of a message, all of them sound.
fn entries(bytes: &[u8], state_bytes: usize) -> Result<Vec<Entry<'_>>, Malformed> {
    let mut reader = Reader::new(bytes);
    let mut entries = Vec::new();
    for _ in 0..reader.count(ENTRY_BYTES)? {
        let (client, clock, state) = (reader.client()?, reader.unsigned()?, reader.text()?);
        let is_sound = state.len() <= state_bytes
            && json_depth(state) <= MAX_DEPTH
            && serde_json::from_str::<IgnoredAny>(state).is_ok();
        // Clocks go where JavaScript counts.
        if !is_sound || clock >= 1 << 53 {
            return Err(Malformed);
        }
        entries.push(Entry { client, clock, state: (state.trim() != GONE).then_some(state) });
    }
    if reader.is_empty() { Ok(entries) } else { Err(Malformed) }
}
