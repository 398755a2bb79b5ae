//! What goes to the disk in one commit: changes as they are made, and who is to be told of them. Free of IO.

use std::sync::Arc;

use automerge::AutomergeError;
use syncline::{SyncError, SyncResult};

use super::{Ask, Done, Origin, What};
use crate::workspaces::{
    codes,
    document::{Document, Made},
    stamp::Stamp,
    webhook::Event,
};

/// The changes of one commit.
#[derive(Default)]
pub(super) struct Batch {
    /// As they are kept.
    pub(super) entry: Vec<u8>,
    /// Those of them that were made on this node.
    pub(super) ours: Vec<u8>,
    pub(super) made: Vec<Made>,
    /// Who made those that were made on this node, and the keys that they touched.
    own: Vec<(Arc<str>, Vec<Box<str>>)>,
}

impl Batch {
    pub(super) fn add(&mut self, made: Made, user: Option<Arc<str>>) {
        self.entry.extend_from_slice(&made.bytes);
        if let Some(user) = user {
            self.ours.extend_from_slice(&made.bytes);
            self.own.push((user, made.touched.iter().map(|touched| touched.key.clone()).collect()));
        }
        self.made.push(made);
    }

    pub(super) fn is_empty(&self) -> bool {
        self.made.is_empty()
    }

    /// What the webhook is told, if there is anything.
    pub(super) fn event(&self) -> Option<Event> {
        let last = self.made.last().filter(|_| !self.own.is_empty())?;
        let users = self.own.iter().map(|(user, _)| Arc::clone(user));
        let keys = self.own.iter().flat_map(|(_, keys)| keys).map(|key| Arc::from(&**key));
        let heads = last.heads[1].iter().map(|head| head.to_string().into());
        Some(Event::updated(self.own.len() as u64, users, keys, heads))
    }
}

/// Why a change was not made.
pub(super) enum Failure {
    /// It cannot be; nothing has happened.
    Refused(SyncError),
    /// The document may hold half of it.
    Broken(AutomergeError),
}

/// Carries out a change; nothing is made of what was made already. Says how many changes of others were left out.
pub(super) fn make(
    document: &mut Document,
    what: What,
    stamp: &Stamp,
) -> Result<(Option<Made>, usize), Failure> {
    match what {
        What::Edit(_) if document.has_seen(stamp) => Ok((None, 0)),
        What::Edit(edit) => Ok((Some(document.edit(edit, stamp)?), 0)),
        What::Restore(hash) => {
            let made = document.restore(hash, stamp);
            Ok((Some(made.ok_or_else(|| Failure::Refused(codes::UNKNOWN_CHANGE.into()))??), 0))
        }
        What::Merge(changes, origin) => {
            let (made, missing) = match origin {
                Origin::Node => document.merge(changes)?,
                Origin::Peer => document.try_merge(changes).ok_or_else(|| {
                    Failure::Refused(codes::INVALID_OP.with("reason", "changes that cannot be made"))
                })?,
            };
            Ok(((!made.bytes.is_empty()).then_some(made), missing))
        }
    }
}

/// The same, but what other nodes have changed is merged at once if there is nothing in between: that costs a fraction of
/// one by one. If it fails, each is asked again: which of them it was is found where they are read one by one.
pub(super) fn merged_together(asks: Vec<Ask>) -> Vec<Ask> {
    let mut together: Vec<Ask> = Vec::with_capacity(asks.len());
    for ask in asks {
        let last = together.last_mut();
        match (ask, last) {
            (
                Ask { what: What::Merge(changes, Origin::Node), reply, .. },
                Some(Ask { what: What::Merge(before, Origin::Node), reply: first, .. }),
            ) => {
                before.extend(changes);
                let others = std::mem::replace(first, Box::new(|_| {}));
                *first = Box::new(move |result: SyncResult<Done>| {
                    let failed = |_| codes::PERSISTENCE_FAILED.into();
                    others(result.as_ref().map(Clone::clone).map_err(failed));
                    reply(result.map_err(|_| codes::PERSISTENCE_FAILED.into()));
                });
            }
            (ask, _) => together.push(ask),
        }
    }
    together
}

impl From<AutomergeError> for Failure {
    fn from(error: AutomergeError) -> Self {
        Self::Broken(error)
    }
}
