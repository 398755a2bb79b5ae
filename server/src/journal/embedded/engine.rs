//! What is on disk, and the engine that puts it there: redb.
//!
//! It knows neither lines nor threads. Whatever fails in the engine closes it, and the next use opens it again, so that a
//! disk that is well again is used again.
//!
//! Format 1: `meta` has the format and the number of the next log. `logs` has each log that holds anything, by its space's
//! name, a zero byte and its id: its number, its first entry's position, and the last position that its snapshot holds (0:
//! there is none). `entries` are by number and position, `snapshots` by number. A log that is forgotten leaves nothing.

use std::{
    ops::Bound,
    panic::{AssertUnwindSafe, catch_unwind},
    sync::{Arc, PoisonError, RwLock},
};

use bytes::Bytes;
use redb::{Database, ReadableDatabase as _, ReadableTable, TableDefinition, TableError};

use super::super::{Contents, Entry, JournalError, Limit, LogId, Snapshot, Space, Write};
pub(super) use tables::Places;
use tables::Tables;

mod tables;

/// What is on disk is written in this way.
const FORMAT: u64 = 1;

const META: TableDefinition<'_, &str, u64> = TableDefinition::new("meta");
const LOGS: TableDefinition<'_, &[u8], Record> = TableDefinition::new("logs");
const ENTRIES: TableDefinition<'_, (u64, u64), &[u8]> = TableDefinition::new("entries");
const SNAPSHOTS: TableDefinition<'_, u64, &[u8]> = TableDefinition::new("snapshots");

/// In `meta`.
const FORMAT_KEY: &str = "format";
const NEXT_LOG_KEY: &str = "next_log";

/// Of a log: its number, its first entry's position, the last position of its snapshot or 0.
type Record = (u64, u64, u64);

/// What became of a commit.
pub(super) type Answer = Result<Vec<u64>, JournalError>;

/// Opens the database; `true` if it was open before and failed.
pub(super) type Opener = Box<dyn Fn(bool) -> Result<Database, JournalError> + Send + Sync>;

/// The engine, open or to be opened.
pub(super) struct Engine {
    opener: Opener,
    /// Every use holds it for reading; it is closed and opened when nobody uses it.
    database: RwLock<Option<Database>>,
}

impl Engine {
    /// Opens it. What is there has to be a journal of a format that is known.
    pub(super) fn open(opener: Opener) -> Result<Self, JournalError> {
        let database = contained(|| begin(opener(false)?))?;
        Ok(Self { opener, database: RwLock::new(Some(database)) })
    }

    /// Carries out these commits, in order, and syncs; says what became of each. An error: none is known to be on disk.
    pub(super) fn carry_out(
        &self,
        commits: &[&[Write]],
        places: &mut Places,
    ) -> Result<Vec<Answer>, JournalError> {
        let answers = self.using(|database| {
            let transaction = database.begin_write()?;
            let mut tables = Tables::open(&transaction, places)?;
            let answers =
                commits.iter().map(|writes| tables.commit(writes)).collect::<Result<Vec<_>, _>>()?;
            if tables.close() {
                transaction.commit()?;
            } else {
                transaction.abort()?;
            }
            Ok(answers)
        });
        if answers.is_err() || places.are_many() {
            *places = Places::default();
        }
        answers
    }

    /// What a log holds after this position.
    pub(super) fn read(&self, log: &LogId, after: u64, limit: usize) -> Result<Contents, JournalError> {
        self.using(|database| {
            let transaction = database.begin_read()?;
            let record = transaction.open_table(LOGS)?.get(&key(log)[..])?.map(|record| record.value());
            let Some((number, first, through)) = record else { return Ok(Contents::default()) };
            let mut contents = Contents::default();
            if through > after {
                let snapshot = transaction.open_table(SNAPSHOTS)?.get(number)?;
                let bytes = snapshot.map(|snapshot| Bytes::copy_from_slice(snapshot.value()));
                let bytes = bytes.ok_or_else(|| corrupted("a snapshot is missing"))?;
                contents.snapshot = Some(Snapshot { through, bytes });
            }
            let Some(from) = after.checked_add(1).map(|from| from.max(first)) else { return Ok(contents) };
            let mut limit = Limit::new(limit);
            let entries = transaction.open_table(ENTRIES)?;
            for (entry, expected) in entries.range((number, from)..=(number, u64::MAX))?.zip(from..) {
                let (key, bytes) = entry?;
                let (_, position) = key.value();
                if position != expected {
                    return Err(corrupted("an entry is missing"));
                }
                if limit.is_reached() {
                    contents.more = true;
                    break;
                }
                limit.count(bytes.value());
                contents.entries.push(Entry { position, bytes: Bytes::copy_from_slice(bytes.value()) });
            }
            Ok(contents)
        })
    }

    /// The ids of a space's logs after this one.
    pub(super) fn logs(
        &self,
        space: Space,
        after: &str,
        limit: usize,
    ) -> Result<Vec<Arc<str>>, JournalError> {
        self.using(|database| {
            let logs = database.begin_read()?.open_table(LOGS)?;
            let space_is = key(&LogId::new(space, ""));
            let after = key(&LogId::new(space, after));
            let mut ids = Vec::new();
            for log in logs.range::<&[u8]>((Bound::Excluded(&after[..]), Bound::Unbounded))?.take(limit) {
                let (key, _) = log?;
                let Some(id) = key.value().strip_prefix(&space_is[..]) else { break };
                let id = str::from_utf8(id).map_err(|_| corrupted("an id is no text"))?;
                ids.push(id.into());
            }
            Ok(ids)
        })
    }

    /// Uses the database, which is opened if it is not. Whatever fails closes it.
    fn using<T>(&self, act: impl FnOnce(&Database) -> Result<T, redb::Error>) -> Result<T, JournalError> {
        let used = contained(|| {
            loop {
                let database = self.database.read().unwrap_or_else(PoisonError::into_inner);
                if let Some(database) = &*database {
                    return act(database).map_err(JournalError::new);
                }
                drop(database);
                let mut database = self.database.write().unwrap_or_else(PoisonError::into_inner);
                if database.is_none() {
                    *database = Some(begin((self.opener)(true)?)?);
                    tracing::info!("the journal is open again");
                }
            }
        });
        if used.is_err() {
            let mut database = self.database.write().unwrap_or_else(PoisonError::into_inner);
            let closed = database.take();
            // The file is another's once it is closed, so not before the next one opens it.
            let _failed_before = contained(|| {
                drop(closed);
                Ok(())
            });
        }
        used
    }
}

/// Does it; a panic is an error.
fn contained<T>(act: impl FnOnce() -> Result<T, JournalError>) -> Result<T, JournalError> {
    catch_unwind(AssertUnwindSafe(act)).unwrap_or_else(|panic| {
        let what = panic.downcast_ref::<String>().map(String::as_str);
        let what = what.or_else(|| panic.downcast_ref::<&str>().copied()).unwrap_or("of unknown cause");
        Err(JournalError::new(format!("a panic: {what}")))
    })
}

/// Sees that the database is a journal that can be read, and makes a new one a journal.
fn begin(database: Database) -> Result<Database, JournalError> {
    match format(&database).map_err(JournalError::new)? {
        Some(FORMAT) => Ok(database),
        Some(format) if format > FORMAT => Err(JournalError::new(format!(
            "it was written by a newer version, in format {format}; this one reads {FORMAT}"
        ))),
        Some(format) => Err(JournalError::new(format!("format {format} is none"))),
        None => {
            make(&database).map_err(JournalError::new)?;
            Ok(database)
        }
    }
}

fn format(database: &Database) -> Result<Option<u64>, redb::Error> {
    match database.begin_read()?.open_table(META) {
        Ok(meta) => Ok(Some(meta.get(FORMAT_KEY)?.map_or(0, |format| format.value()))),
        Err(TableError::TableDoesNotExist(_)) => Ok(None),
        Err(why) => Err(why.into()),
    }
}

fn make(database: &Database) -> Result<(), redb::Error> {
    let transaction = database.begin_write()?;
    transaction.open_table(META)?.insert(FORMAT_KEY, FORMAT)?;
    transaction.open_table(LOGS)?;
    transaction.open_table(ENTRIES)?;
    transaction.open_table(SNAPSHOTS)?;
    Ok(transaction.commit()?)
}

/// A log's key in `logs`. No space's name has a zero byte.
fn key(log: &LogId) -> Vec<u8> {
    [log.space.name().as_bytes(), &[0], log.id.as_bytes()].concat()
}

fn corrupted(what: &str) -> redb::Error {
    redb::Error::Corrupted(what.to_owned())
}
