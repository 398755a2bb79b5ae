//! The journal: durable logs of bytes, to which is appended and which are compacted. A log has an id in a space; its
//! entries have positions that rise by exactly one.
//!
//! It does not know what an entry means. One process has one journal: a log has one writer at a time, its owner.

#[cfg(test)]
mod contract;
mod embedded;
mod memory;
mod plan;

use std::{fmt, sync::Arc};

use bytes::Bytes;
pub(crate) use embedded::EmbeddedJournal;
use futures_util::future::BoxFuture;
use syncline::SyncError;

use crate::codes;
pub(crate) use memory::MemoryJournal;

/// What kind of log. Its name is part of what is on disk.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(crate) enum Space {
    /// A workspace's changes.
    Workspaces,
    /// What a workspace's webhook has not been told yet.
    Webhooks,
    /// A workspace's changes that other nodes have not been told yet.
    Replication,
    /// Which workspace an Automerge document is.
    AutomergeIds,
    /// A document's updates since it was saved.
    Documents,
}

impl Space {
    /// Every one.
    #[cfg(test)]
    pub(crate) const ALL: [Self; 5] =
        [Self::Workspaces, Self::Webhooks, Self::Replication, Self::AutomergeIds, Self::Documents];

    /// Its name on disk.
    pub(crate) const fn name(self) -> &'static str {
        match self {
            Self::Workspaces => "workspaces",
            Self::Webhooks => "webhooks",
            Self::Replication => "replication",
            Self::AutomergeIds => "automerge_ids",
            Self::Documents => "documents",
        }
    }
}

/// Which log.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(crate) struct LogId {
    /// The kind.
    pub(crate) space: Space,
    /// Its id in that space: 1 to 256 bytes, any text.
    pub(crate) id: Arc<str>,
}

impl LogId {
    /// The log of that id in that space.
    pub(crate) fn new(space: Space, id: impl Into<Arc<str>>) -> Self {
        Self { space, id: id.into() }
    }
}

/// One of the writes of a commit.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Write {
    /// Appends an entry; a log begins with its first.
    Append {
        /// To this log.
        log: LogId,
        /// The entry.
        entry: Bytes,
    },
    /// Replaces whatever is there up to this position with a snapshot of it.
    Compact {
        /// In this log.
        log: LogId,
        /// The last position that the snapshot holds. At or before the last snapshot's: nothing is done. Past the last
        /// entry: an error.
        through: u64,
        /// What takes their place.
        snapshot: Bytes,
    },
    /// Drops the entries up to this position, and a snapshot of no more than them. A log that holds nothing then is
    /// forgotten: it begins again at 1.
    Drop {
        /// In this log.
        log: LogId,
        /// The last position that is dropped.
        through: u64,
    },
}

impl Write {
    /// The log that it is on.
    fn log(&self) -> &LogId {
        let (Self::Append { log, .. } | Self::Compact { log, .. } | Self::Drop { log, .. }) = self;
        log
    }
}

/// What a log holds, from some position on.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Contents {
    /// The last snapshot, if it holds anything past the position asked for.
    pub(crate) snapshot: Option<Snapshot>,
    /// The entries after the position asked for and after the snapshot, in order.
    pub(crate) entries: Vec<Entry>,
    /// Whether there are further entries after these.
    pub(crate) more: bool,
}

/// A snapshot.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Snapshot {
    /// The last position that it holds.
    pub(crate) through: u64,
    /// What it is.
    pub(crate) bytes: Bytes,
}

/// An entry.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Entry {
    /// Where it is.
    pub(crate) position: u64,
    /// What it is.
    pub(crate) bytes: Bytes,
}

/// Why the journal did not do what it was asked: it failed, or its disk did. A write may have been carried out.
#[derive(Clone, Debug)]
pub(crate) struct JournalError(pub(crate) Arc<str>);

impl JournalError {
    /// With this as its cause.
    pub(crate) fn new(why: impl fmt::Display) -> Self {
        Self(why.to_string().into())
    }

    /// The error for whoever asked, with this as its cause.
    pub(crate) fn into_answer(self) -> SyncError {
        codes::STORAGE_UNAVAILABLE.with("seconds", 1).caused_by(self)
    }
}

impl fmt::Display for JournalError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl std::error::Error for JournalError {}

/// How much of a read is still to come.
struct Limit {
    left: usize,
    any: bool,
}

impl Limit {
    fn new(bytes: usize) -> Self {
        Self { left: bytes, any: false }
    }

    /// Whether there is to be no further entry.
    fn is_reached(&self) -> bool {
        self.any && self.left == 0
    }

    fn count(&mut self, entry: &[u8]) {
        self.left = self.left.saturating_sub(entry.len().max(1));
        self.any = true;
    }
}

/// Durable logs. `contract.rs` says in tests what each implementation does.
pub(crate) trait Journal: Send + Sync + 'static {
    /// Carries out all of these writes or none, in this order, and returns once they are on disk: the positions of the
    /// appended entries, in order. An id that is too long or an entry or snapshot over 256 MiB is an error. Commits of one caller that are not waited for are carried out in the order of the
    /// calls, not of the first polls.
    fn commit(&self, writes: Vec<Write>) -> BoxFuture<'static, Result<Vec<u64>, JournalError>>;

    /// What a log holds after position `after` (0: all of it): at least one entry, if there is one, and no more once
    /// they have `limit` bytes, of which an empty one counts as one. Of a log that is not there: nothing.
    fn read(
        &self,
        log: &LogId,
        after: u64,
        limit: usize,
    ) -> BoxFuture<'static, Result<Contents, JournalError>>;

    /// The ids of a space's logs, in order, the first `limit` of those greater than `after` (all are greater than "").
    fn logs(
        &self,
        space: Space,
        after: &str,
        limit: usize,
    ) -> BoxFuture<'static, Result<Vec<Arc<str>>, JournalError>>;
}
