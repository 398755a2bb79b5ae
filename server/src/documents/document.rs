//! A Yjs document. No IO, no tasks; what is heard has been measured before it comes here.
//!
//! It only ever holds whole updates: one with a gap before it is not taken, and whoever sent it is asked for more. So
//! nothing in it waits for anything, and all that it says can be taken as it is.

use std::{
    collections::HashMap,
    fmt,
    panic::{AssertUnwindSafe, catch_unwind},
};

use aws_lc_rs::digest::{Context, SHA256};
use bytes::Bytes;
use yrs::{
    Doc, ReadTxn as _, StateVector, Transact as _, Update,
    block::ClientID,
    updates::{decoder::Decode as _, encoder::Encode as _},
};

use super::{
    depth::{Depths, TooDeep},
    measure::{self, Bounds, Refused},
    nodes::Standing,
    view::View,
};

/// A document.
pub(super) struct Document {
    doc: Doc,
    depths: Depths,
    /// How large it is when it is saved, at most.
    bytes: usize,
    /// Changes of it that stand on what is gone. They are kept for as long as that may come back.
    orphans: Vec<Bytes>,
}

/// The document may hold half of something, and is to be read again.
#[derive(Debug)]
pub(super) struct Broken(String);

impl std::error::Error for Broken {}

impl fmt::Display for Broken {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// Why an update is not taken.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Refusal {
    /// Something before it is missing.
    Gap,
    /// There is no room for it.
    Full,
    /// It is none, or one that no client makes.
    Malformed,
}

/// Updates on their way into a document.
pub(super) struct Batch<'a> {
    state: StateVector,
    /// How far the updates before go.
    ahead: HashMap<u64, u32>,
    updates: Vec<&'a [u8]>,
}

impl Batch<'_> {
    fn clock(&self, client: u64) -> u32 {
        let known = || self.state.get(&ClientID::new(client));
        self.ahead.get(&client).copied().unwrap_or_else(known)
    }
}

impl Document {
    /// An empty one.
    pub(super) fn new() -> Self {
        Self { doc: Doc::new(), depths: Depths::default(), bytes: 0, orphans: Vec::new() }
    }

    /// One of what was kept of it: whole states, and changes in order. A change that stands on what is in neither is an orphan.
    ///
    /// # Errors
    /// [`Broken`] when that cannot be read.
    pub(super) fn load(states: &[Bytes], changes: &[Bytes]) -> Result<Self, Broken> {
        let unsound = |refusal| Broken(format!("what was kept of it is not sound: {refusal:?}"));
        let mut orphans = Vec::new();
        let mut document = Self::new();
        let mut batch = document.batch();
        for state in states.iter().filter(|state| !state.is_empty()) {
            document.take(&mut batch, state, Bounds::OPEN).map_err(unsound)?;
        }
        for change in changes.iter().filter(|change| !change.is_empty()) {
            match document.take(&mut batch, change, Bounds::OPEN) {
                Err(Refusal::Gap) => orphans.push(change.clone()),
                taken => taken.map_err(unsound)?,
            }
        }
        document.adopt(&mut batch, &orphans);
        document.apply(batch)?;
        Ok(document)
    }

    /// Changes of it that stand on what is gone.
    pub(super) fn orphans(&self) -> &[Bytes] {
        &self.orphans
    }

    /// Takes into a batch those of the orphans that stand on something again. The others stay orphans.
    pub(super) fn adopt<'a>(&mut self, batch: &mut Batch<'a>, orphans: &'a [Bytes]) {
        let mut left: Vec<&Bytes> = orphans.iter().collect();
        loop {
            let before = left.len();
            // One may stand on another.
            left.retain(|&orphan| self.take(batch, orphan, Bounds::OPEN).is_err());
            if left.len() == before {
                break;
            }
        }
        self.orphans = left.into_iter().cloned().collect();
    }

    /// A batch that begins with what is here.
    pub(super) fn batch<'a>(&self) -> Batch<'a> {
        Batch { state: self.doc.transact().state_vector(), ahead: HashMap::new(), updates: Vec::new() }
    }

    /// Whether an update has more than deletions and what is known already.
    pub(super) fn grows_by(&self, batch: &Batch<'_>, update: &[u8], bounds: Bounds) -> bool {
        measure::measure(update, bounds).is_ok_and(|measured| {
            measured.clients().iter().any(|client| client.end() > batch.clock(client.id))
        })
    }

    /// Takes an update into a batch, which is to be applied.
    ///
    /// # Errors
    /// Why it cannot be in the document.
    pub(super) fn take<'a>(
        &mut self,
        batch: &mut Batch<'a>,
        update: &'a [u8],
        bounds: Bounds,
    ) -> Result<(), Refusal> {
        let measured = measure::measure(update, bounds).map_err(|refused| match refused {
            Refused::Malformed => Refusal::Malformed,
            Refused::TooLarge => Refusal::Full,
        })?;
        if measured.is_empty() {
            return Ok(());
        }
        if !measured.fits(|client| batch.clock(client)) {
            return Err(Refusal::Gap);
        }
        let added = self.depths.of(&measured).map_err(|TooDeep| Refusal::Malformed)?;
        self.depths.add(added);
        for client in measured.clients() {
            let end = client.end().max(batch.clock(client.id));
            batch.ahead.insert(client.id, end);
        }
        batch.updates.push(update);
        Ok(())
    }

    /// Applies a batch, all in one; what that has changed, or nothing if all of it was there already.
    ///
    /// # Errors
    /// [`Broken`]: one of them could not be applied, and others may be in it.
    pub(super) fn apply(&mut self, batch: Batch<'_>) -> Result<Option<Bytes>, Broken> {
        if batch.updates.is_empty() {
            return Ok(None);
        }
        let mut transaction = self.doc.transact_mut();
        let applied = guarded(|| {
            for update in batch.updates {
                let update = Update::decode_v1(update).map_err(|error| Broken(error.to_string()))?;
                transaction.apply_update(update).map_err(|error| Broken(error.to_string()))?;
            }
            Ok(transaction.has_changes().then(|| Bytes::from(transaction.encode_update_v1())))
        });
        // Not while a panic unwinds: it would commit what is broken, panic again, and so end the process.
        guarded(|| {
            drop(transaction);
            Ok(())
        })?;
        let changed = applied?;
        self.bytes += changed.as_ref().map_or(0, Bytes::len);
        Ok(changed)
    }

    /// How large it is when it is saved, at most.
    pub(super) fn bytes(&self) -> usize {
        self.bytes
    }

    /// What is in it, as clients tell each other.
    pub(super) fn state_vector(&self) -> Bytes {
        self.doc.transact().state_vector().encode_v1().into()
    }

    /// All of it.
    ///
    /// # Errors
    /// [`Broken`]
    pub(super) fn state(&mut self) -> Result<Bytes, Broken> {
        let state = guarded(|| Ok(self.doc.transact().encode_diff_v1(&StateVector::default())))?;
        self.bytes = state.len();
        Ok(state.into())
    }

    /// What somebody lacks who has this state vector, which was measured.
    ///
    /// # Errors
    /// [`Broken`]
    pub(super) fn missing(&self, state_vector: &[u8]) -> Result<Bytes, Broken> {
        guarded(|| {
            let theirs = StateVector::decode_v1(state_vector).map_err(|error| Broken(error.to_string()))?;
            Ok(self.doc.transact().encode_diff_v1(&theirs).into())
        })
    }

    /// As JSON, for those who only want to look.
    ///
    /// # Errors
    /// [`Broken`]
    pub(super) fn json(&self) -> Result<View, Broken> {
        guarded(|| Ok(View::of(&self.doc.transact())))
    }

    /// Whether anything was ever written into it.
    pub(super) fn is_empty(&self) -> bool {
        self.doc.transact().state_vector().is_empty()
    }

    /// How far it is: what is in it, and what of that is deleted, which a state vector does not say.
    pub(super) fn standing(&self) -> Standing {
        let snapshot = self.doc.transact().snapshot();
        let mut clocks: Vec<(u64, u32)> =
            snapshot.state_map.iter().map(|(client, clock)| (client.get(), *clock)).collect();
        clocks.sort_unstable();
        let mut deleted: Vec<(u64, u32, u32)> = Vec::new();
        for (client, ranges) in snapshot.delete_set.iter() {
            deleted.extend(ranges.iter().map(|range| (client.get(), range.start, range.end)));
        }
        deleted.sort_unstable();
        let mut hash = Context::new(&SHA256);
        for (client, clock) in clocks {
            hash.update(&client.to_le_bytes());
            hash.update(&clock.to_le_bytes());
        }
        hash.update(b"deleted");
        for (client, start, end) in deleted {
            hash.update(&client.to_le_bytes());
            hash.update(&start.to_le_bytes());
            hash.update(&end.to_le_bytes());
        }
        let mut digest = [0; 32];
        digest.copy_from_slice(hash.finish().as_ref());
        Standing { digest, state_vector: self.state_vector() }
    }
}

/// yrs panics on some updates that nobody else makes.
fn guarded<T>(work: impl FnOnce() -> Result<T, Broken>) -> Result<T, Broken> {
    catch_unwind(AssertUnwindSafe(work)).unwrap_or_else(|_panic| Err(Broken("yrs panicked".to_owned())))
}
