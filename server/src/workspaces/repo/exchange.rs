//! How far one peer is with one document, by Automerge's sync protocol, and what to tell it next. Free of IO.
//!
//! It looks at copies of what is on disk, and never changes a document: what a peer has changed is taken out of its
//! messages and goes the way of all changes.

use std::collections::HashSet;

use automerge::{
    Automerge, AutomergeError, Change,
    sync::{Message, State, SyncDoc as _},
};

/// How often a peer may come without any of the changes that are missing, which it has to have.
const MAX_EMPTY_HANDED: u32 = 16;

/// How far a peer is.
#[derive(Debug)]
pub(super) struct Exchange {
    state: State,
    /// Its changes of which something before them is missing.
    ///
    /// There are such: one in a hundred changes is taken for one that we have, and sent only when it is asked for.
    held: Vec<Change>,
    /// How often it was asked for what is missing in vain.
    empty_handed: u32,
}

/// Whether changes can be made in a document, of which this is a copy, and the document saved and read again afterwards: of
/// some that Automerge takes it cannot, neither here nor by other clients. It may panic where Automerge does.
pub(in crate::workspaces) fn are_sound(mut document: Automerge, changes: &[Change]) -> bool {
    document.apply_changes(changes.to_vec()).is_ok() && document.save_and_verify().is_ok()
}

/// It sends what never comes to anything.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Endless;

impl Exchange {
    /// One with a peer from whom changes are taken, or not.
    pub(super) fn new(write: bool) -> Self {
        let state = if write { State::new() } else { State::new_read_only() };
        Self { state, held: Vec::new(), empty_handed: 0 }
    }

    /// From now on no changes are taken; the peer is told so.
    pub(super) fn take_no_more(&mut self) {
        self.state.read_only = true;
        // Or there would be nothing to say.
        self.state.have_responded = false;
        self.held = Vec::new();
    }

    /// These and those that are held, which are not from then on.
    pub(super) fn with_held(&mut self, mut changes: Vec<Change>) -> Vec<Change> {
        changes.append(&mut self.held);
        changes
    }

    /// Holds changes of which something before them is missing.
    pub(super) fn hold(&mut self, missing: Vec<Change>, at_most: usize, came: usize) -> Result<(), Endless> {
        self.empty_handed = if missing.is_empty() || came > 0 { 0 } else { self.empty_handed + 1 };
        self.held = missing;
        let bytes: usize = self.held.iter().map(|change| change.raw_bytes().len()).sum();
        if bytes > at_most || self.empty_handed > MAX_EMPTY_HANDED { Err(Endless) } else { Ok(()) }
    }

    /// What the peer is told next, if anything; `heard` is what it has said, without its changes, which are in the document
    /// if they ever will be, and whether there were any.
    pub(super) fn answer(
        &mut self,
        document: &mut Automerge,
        heard: Option<(Message, bool)>,
    ) -> Result<Option<Vec<u8>>, AutomergeError> {
        if let Some((message, had_changes)) = heard {
            let sent = self.state.last_sent_heads.clone();
            document.receive_sync_message(&mut self.state, message)?;
            if had_changes {
                // Without changes it takes its heads for an answer to ours; these want one.
                self.state.last_sent_heads = sent;
            }
        }
        let Some(mut message) = document.generate_sync_message(&mut self.state) else { return Ok(None) };
        if !self.state.read_only {
            // They say that whole documents are taken too, which is a much larger thing to read from a stranger.
            message.flags = None;
        }
        if !self.held.is_empty() {
            message.need = self.missing(document);
            message.have = Vec::new();
        }
        Ok(Some(message.encode()))
    }

    /// What has to come before the changes that are held.
    fn missing(&self, document: &Automerge) -> Vec<automerge::ChangeHash> {
        let held: HashSet<_> = self.held.iter().map(Change::hash).collect();
        let deps = self.held.iter().flat_map(Change::deps).filter(|dep| !held.contains(dep));
        let mut missing: Vec<_> =
            deps.filter(|dep| document.get_change_meta_by_hash(dep).is_none()).copied().collect();
        missing.sort_unstable();
        missing.dedup();
        missing
    }
}

#[cfg(test)]
#[path = "exchange/tests.rs"]
mod tests;
