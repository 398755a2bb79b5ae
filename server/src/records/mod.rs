//! Records: the store of versioned records. A key has a value and a version that rises by exactly one a write.
//!
//! It knows neither what a value is nor who may read it. One store holds one kind of record, which share a time to
//! live. A write is atomic and numbered once, however many nodes write; each one is hinted at, so that whoever follows
//! a key knows when to look again.

#[cfg(test)]
mod contract;
mod memory;
mod redis;

use std::{fmt, sync::Arc, time::Duration};

pub(crate) use self::redis::RedisRecords;
use bytes::Bytes;
use futures_util::future::BoxFuture;
pub(crate) use memory::MemoryRecords;
use syncline::SyncError;
use tokio::sync::broadcast;

use crate::codes;

/// How many hints may wait for a slow listener; one that missed some is told so by [`Hint::Gap`].
const HINTS: usize = 1024;

/// How long a client should wait when there is no space.
const RETRY_AFTER_SECONDS: u64 = 5;

/// Where a key is. Of two positions of one key the greater is the later.
///
/// Versions alone would not tell: a key that was forgotten begins again at 1, in a later `epoch`; and a version that is
/// `gone` comes after the same version when it was there.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) struct Position {
    /// Which line of versions; later lines of a key have greater numbers.
    pub(crate) epoch: u64,
    /// The version on that line.
    pub(crate) version: u64,
    /// Whether the record is no longer there.
    pub(crate) gone: bool,
}

impl Position {
    /// Where a key is that was not found while this was the latest epoch: past all lines that there were, and before
    /// any that will be.
    pub(crate) fn unknown(epoch: u64) -> Self {
        Self { epoch, version: u64::MAX, gone: true }
    }
}

/// A record.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Record {
    /// Where its key is.
    pub(crate) position: Position,
    /// When it was written, in milliseconds since 1970, by the store's clock.
    pub(crate) updated_at: u64,
    /// What was written.
    pub(crate) value: Bytes,
}

/// What is under a key.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Found {
    /// A record.
    Record(Record),
    /// Nothing: never written, deleted or swept.
    Gone(Position),
}

/// Word of a write, by whichever node.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Hint {
    /// That key came to that position.
    Changed(Arc<str>, Position),
    /// Hints were missed: any key may have changed.
    Gap,
}

/// The hints from now on.
pub(crate) struct Hints(broadcast::Receiver<Hint>);

impl Hints {
    /// The next one. A store that is gone gives none.
    pub(crate) async fn next(&mut self) -> Hint {
        match self.0.recv().await {
            Ok(hint) => hint,
            Err(broadcast::error::RecvError::Lagged(_)) => Hint::Gap,
            Err(broadcast::error::RecvError::Closed) => std::future::pending().await,
        }
    }
}

/// Why a store did not do what it was asked.
#[derive(Debug)]
pub(crate) enum RecordsError {
    /// It cannot be reached, or failed. A write may have been carried out.
    Unavailable(String),
    /// It has no space for more.
    Full,
}

impl RecordsError {
    /// The error for whoever asked, with this as its cause where that says more.
    pub(crate) fn into_answer(self) -> SyncError {
        match self {
            Self::Full => codes::STORAGE_FULL.with("seconds", RETRY_AFTER_SECONDS),
            Self::Unavailable(why) => codes::STORAGE_UNAVAILABLE.with("seconds", 1).caused_by(why),
        }
    }

    /// A write without a condition that was not carried out: no store does that.
    fn refused() -> Self {
        Self::Unavailable("an unconditional write was refused".to_owned())
    }
}

impl fmt::Display for RecordsError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Unavailable(why) => f.write_str(why),
            Self::Full => f.write_str("the store is full"),
        }
    }
}

impl std::error::Error for RecordsError {}

/// A store of versioned records. `contract.rs` says in tests what each implementation does.
pub(crate) trait Records: Send + Sync + 'static {
    /// What is under the key.
    fn get<'a>(&'a self, key: &'a str) -> BoxFuture<'a, Result<Found, RecordsError>>;

    /// Writes whatever is there, at the next version.
    fn put<'a>(&'a self, key: &'a str, value: Bytes) -> BoxFuture<'a, Result<Record, RecordsError>>;

    /// Writes if the key is at `expected`, 0 for a key that holds nothing; otherwise nothing is written or returned.
    fn put_if<'a>(
        &'a self,
        key: &'a str,
        value: Bytes,
        expected: u64,
    ) -> BoxFuture<'a, Result<Option<Record>, RecordsError>>;

    /// Deletes what is there and keeps its version, as a tombstone, for one time to live. Says where the key is then.
    fn delete<'a>(&'a self, key: &'a str) -> BoxFuture<'a, Result<Position, RecordsError>>;

    /// Deletes what has not changed for one time to live; says how many records.
    fn sweep(&self) -> BoxFuture<'_, Result<usize, RecordsError>>;

    /// A hint for every change from now on: by `put`, `put_if`, `delete` and `sweep`.
    fn hints(&self) -> Hints;
}

fn as_millis(duration: Duration) -> u64 {
    u64::try_from(duration.as_millis()).unwrap_or(u64::MAX)
}
