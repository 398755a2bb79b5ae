//! A workspace's document: a root map of JSON values, and how it came to be. Free of IO.
//!
//! Every op is one Automerge change, and who made it stands in its message. What is durable, and who is told, is the
//! owner's.

use std::{
    collections::{HashMap, HashSet, VecDeque},
    panic::AssertUnwindSafe,
    sync::Arc,
};

use automerge::{
    ActorId, Automerge, AutomergeError, Change, ChangeHash, ROOT, ReadDoc as _,
    transaction::{CommitOptions, Transactable as _},
};
use serde_json::{Map, Value};

use super::{
    keys,
    seen::Seen,
    stamp::{self, Stamp},
    value,
};

/// How many changes a client that comes back is told of one by one.
const MAX_RESUMED: usize = 1000;

/// An op: what a client asks for.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Edit {
    /// A key gets a value.
    Set(Box<str>, Value),
    /// A key goes.
    Delete(Box<str>),
}

/// A change that is in the document, and not on disk yet.
#[derive(Debug)]
pub(super) struct Made {
    /// As it is kept and sent to other nodes.
    pub(super) bytes: Vec<u8>,
    /// The keys of the root that it touches, each with what is there now.
    pub(super) touched: Vec<Touched>,
    /// The heads before it and after it.
    pub(super) heads: [Vec<ChangeHash>; 2],
}

/// A key of the root that was touched.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Touched {
    pub(super) key: Box<str>,
    /// What is there now, if anything.
    pub(super) value: Option<Value>,
    /// When, in microseconds since 1970.
    pub(super) at: i64,
}

/// One entry of the history.
#[derive(Debug, serde::Serialize)]
pub(super) struct Entry {
    hash: String,
    /// What its author called it; nothing for an op.
    message: Option<String>,
    /// Microseconds since 1970.
    timestamp: i64,
    actor: String,
    user_id: Option<Arc<str>>,
    region: Option<Arc<str>>,
    keys: Vec<Box<str>>,
    /// The change whose state it brought back.
    #[serde(skip_serializing_if = "Option::is_none")]
    restored: Option<String>,
}

/// A document.
pub(super) struct Document {
    doc: Automerge,
    seen: Seen,
    /// The hashes of all changes in the order in which they came here, once anybody asked for the history.
    order: Option<Vec<ChangeHash>>,
}

impl Document {
    /// One of nothing.
    pub(super) fn new(actor: ActorId) -> Self {
        Self { doc: Automerge::new().with_actor(actor), seen: Seen::default(), order: None }
    }

    /// One from what is kept: saved documents and changes, one after the other.
    pub(super) fn load(bytes: &[u8], actor: ActorId, now: i64) -> Result<Self, AutomergeError> {
        if bytes.is_empty() {
            return Ok(Self::new(actor));
        }
        let doc = Automerge::load(bytes)?.with_actor(actor);
        let mut seen = Seen::default();
        for change in doc.get_changes_meta(&[]) {
            if let Some(stamp) = change.message.as_deref().and_then(Stamp::read) {
                seen.insert(&stamp, now);
            }
        }
        Ok(Self { doc, seen, order: None })
    }

    pub(super) fn heads(&self) -> Vec<ChangeHash> {
        self.doc.get_heads()
    }

    /// Whether that op of that user was carried out.
    pub(super) fn has_seen(&self, stamp: &Stamp) -> bool {
        self.seen.contains(stamp)
    }

    /// The whole state.
    pub(super) fn state(&self) -> Map<String, Value> {
        value::state(&self.doc, None)
    }

    /// The state at a change; nothing if there is no such change.
    pub(super) fn state_at(&self, hash: ChangeHash) -> Option<Map<String, Value>> {
        self.doc.get_change_meta_by_hash(&hash)?;
        Some(value::state(&self.doc, Some(&[hash])))
    }

    /// Carries out an op.
    pub(super) fn edit(&mut self, edit: Edit, stamp: &Stamp) -> Result<Made, AutomergeError> {
        let touched = match edit {
            Edit::Set(key, value) => Touched { key, value: Some(value), at: stamp.shown() },
            Edit::Delete(key) => Touched { key, value: None, at: stamp.shown() },
        };
        self.change(vec![touched], stamp)
    }

    /// Makes the state what it was at a change, by a further change; nothing if there is no such change.
    pub(super) fn restore(
        &mut self,
        hash: ChangeHash,
        stamp: &Stamp,
    ) -> Option<Result<Made, AutomergeError>> {
        let mut then = self.state_at(hash)?;
        let mut touched = Vec::new();
        for (key, now) in self.state() {
            let value = then.remove(&key);
            if value.as_ref() != Some(&now) {
                touched.push(Touched { key: key.into(), value, at: stamp.shown() });
            }
        }
        let back = then.into_iter().map(|(key, value)| (key, Some(value)));
        touched.extend(back.map(|(key, value)| Touched { key: key.into(), value, at: stamp.shown() }));
        Some(self.change(touched, stamp))
    }

    fn change(&mut self, touched: Vec<Touched>, stamp: &Stamp) -> Result<Made, AutomergeError> {
        let before = self.heads();
        let options = || CommitOptions::default().with_message(stamp.write()).with_time(stamp.seconds());
        let mut transaction = self.doc.transaction();
        for Touched { key, value, .. } in &touched {
            match value {
                Some(value) => value::put(&mut transaction, key, value)?,
                None => transaction.delete(ROOT, &**key)?,
            }
        }
        // What changes nothing is kept all the same: it was asked for, and is not to happen later.
        let hash = match transaction.commit_with(options()).0 {
            Some(hash) => hash,
            None => self.doc.empty_commit(options()),
        };
        let change = self.doc.get_change_by_hash(&hash).ok_or(AutomergeError::MissingHash(hash))?;
        self.seen.insert(stamp, stamp.at);
        self.order.iter_mut().for_each(|order| order.push(hash));
        let bytes = change.raw_bytes().to_vec();
        Ok(Made { bytes, touched, heads: [before, self.heads()] })
    }

    /// Takes in changes that were made elsewhere; those of which something before them is missing are left out. Says how
    /// many. After an error the document is of no use.
    pub(super) fn merge(&mut self, changes: Vec<Change>) -> Result<(Made, usize), AutomergeError> {
        let before = self.heads();
        let (ready, missing) = self.ready(changes);
        self.doc.apply_changes(ready)?;
        let new = self.doc.get_changes(&before);
        let mut bytes = Vec::new();
        for change in &new {
            bytes.extend_from_slice(change.raw_bytes());
            if let Some(stamp) = change.message().and_then(Stamp::read) {
                self.seen.insert(&stamp, stamp.at);
            }
        }
        self.order.iter_mut().for_each(|order| order.extend(new.iter().map(Change::hash)));
        let touched = self.touched_by(&new);
        Ok((Made { bytes, touched, heads: [before, self.heads()] }, missing.len()))
    }

    /// As [`Document::merge`], of changes that anybody may have made: the document is as before if they cannot be taken in,
    /// or panic. None of them has a stamp.
    pub(super) fn try_merge(&mut self, changes: Vec<Change>) -> Option<(Made, usize)> {
        let before = self.doc.clone();
        let merged = std::panic::catch_unwind(AssertUnwindSafe(|| self.merge(changes)));
        if let Ok(Ok(merged)) = merged {
            return Some(merged);
        }
        (self.doc, self.order) = (before, None);
        None
    }

    /// Those of a client's changes that are not here: those that can be applied, in an order in which they can, and those
    /// of which something before them is missing. Nothing if one says who made it, or counts ops that there never were.
    pub(super) fn admit(&self, mut changes: Vec<Change>) -> Option<(Vec<Change>, Vec<Change>)> {
        changes.retain(|change| !self.has(&change.hash()));
        let ops: u64 = changes.iter().map(|change| change.len() as u64).sum();
        let heads = self.doc.get_heads();
        let last = heads.iter().filter_map(|head| Some(self.doc.get_change_meta_by_hash(head)?.max_op)).max();
        let next = last.unwrap_or_default() + ops + 1;
        let is_sound = |change: &Change| {
            let is_stamped = change.message().is_some_and(|message| Stamp::read(message).is_some());
            !is_stamped && change.start_op().get() <= next
        };
        let (ready, missing) = self.ready(changes);
        let unsound = ready.iter().any(|change| !is_sound(change));
        (!unsound).then_some((ready, missing))
    }

    /// Those that can be applied and are not yet, in an order in which they can, and those that cannot.
    fn ready(&self, changes: Vec<Change>) -> (Vec<Change>, Vec<Change>) {
        let mut waiting: HashMap<ChangeHash, (Change, usize)> = HashMap::with_capacity(changes.len());
        let mut blocked: HashMap<ChangeHash, Vec<ChangeHash>> = HashMap::new();
        let mut free = VecDeque::new();
        for change in changes {
            let hash = change.hash();
            if self.has(&hash) || waiting.contains_key(&hash) {
                continue;
            }
            let missing: HashSet<_> = change.deps().iter().filter(|dep| !self.has(dep)).copied().collect();
            missing.iter().for_each(|dep| blocked.entry(*dep).or_default().push(hash));
            if missing.is_empty() {
                free.push_back(hash);
            }
            waiting.insert(hash, (change, missing.len()));
        }
        let mut ready = Vec::with_capacity(waiting.len());
        while let Some(hash) = free.pop_front() {
            ready.extend(waiting.remove(&hash).map(|(change, _)| change));
            for next in blocked.remove(&hash).into_iter().flatten() {
                if let Some((_, missing)) = waiting.get_mut(&next) {
                    *missing -= 1;
                    if *missing == 0 {
                        free.push_back(next);
                    }
                }
            }
        }
        (ready, waiting.into_values().map(|(change, _)| change).collect())
    }

    /// Whether it has all of these changes.
    pub(super) fn has_all(&self, hashes: &[ChangeHash]) -> bool {
        hashes.iter().all(|hash| self.has(hash))
    }

    /// The changes, one after the other, that neither come before these heads nor are among those.
    pub(super) fn beyond(&self, heads: &[ChangeHash], known: &HashSet<ChangeHash>) -> Vec<u8> {
        let changes = self.doc.get_changes(heads);
        let unknown = changes.iter().filter(|change| !known.contains(&change.hash()));
        unknown.flat_map(|change| change.raw_bytes()).copied().collect()
    }

    fn has(&self, hash: &ChangeHash) -> bool {
        self.doc.get_change_meta_by_hash(hash).is_some()
    }

    fn touched_by(&self, changes: &[Change]) -> Vec<Touched> {
        let mut last = indexmap::IndexMap::new();
        for change in changes {
            let stamp = change.message().and_then(Stamp::read);
            let at = stamp.map_or_else(|| stamp::micros(change.timestamp()), |stamp| stamp.shown());
            for key in keys::of(&self.doc, change) {
                last.insert(key, at);
            }
        }
        let touched = last.into_iter();
        touched.map(|(key, at)| Touched { value: value::get(&self.doc, &key), key, at }).collect()
    }

    /// What was touched since these heads, if they are known and that is not too much to tell one by one.
    pub(super) fn since(&self, heads: &[ChangeHash]) -> Option<Vec<Touched>> {
        if heads.is_empty() || !heads.iter().all(|head| self.has(head)) {
            return None;
        }
        let changes = self.doc.get_changes(heads);
        (changes.len() <= MAX_RESUMED).then(|| self.touched_by(&changes))
    }

    /// The changes before `before`, or the last ones, the newest first; nothing if there is no such change.
    pub(super) fn history(&mut self, before: Option<ChangeHash>, limit: usize) -> Option<Vec<Entry>> {
        let doc = &self.doc;
        let order = self
            .order
            .get_or_insert_with(|| doc.get_changes_meta(&[]).into_iter().map(|change| change.hash).collect());
        let end = match before {
            Some(before) => order.iter().rposition(|hash| *hash == before)?,
            None => order.len(),
        };
        let page = order[end.saturating_sub(limit)..end].iter().rev();
        Some(page.filter_map(|hash| doc.get_change_by_hash(hash)).map(|change| entry(doc, &change)).collect())
    }

    /// A copy to be saved elsewhere.
    pub(super) fn copy(&self) -> Automerge {
        self.doc.clone()
    }
}

fn entry(doc: &Automerge, change: &Change) -> Entry {
    let stamp = change.message().and_then(Stamp::read);
    let message = match &stamp {
        Some(_) => None,
        None => change.message().map(str::to_owned),
    };
    let timestamp = stamp.as_ref().map_or_else(|| stamp::micros(change.timestamp()), |stamp| stamp.at);
    let (user_id, region, restored) = match stamp {
        Some(stamp) => (Some(stamp.user), Some(stamp.region), stamp.restored),
        None => (None, None, None),
    };
    Entry {
        hash: change.hash().to_string(),
        message,
        timestamp,
        actor: change.actor_id().to_hex_string(),
        user_id,
        region,
        keys: keys::of(doc, change),
        restored,
    }
}

#[cfg(test)]
#[path = "document/tests.rs"]
mod tests;
