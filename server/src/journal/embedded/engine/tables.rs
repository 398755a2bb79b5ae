//! The tables while they are written to, and what is known of logs without reading them.
//!
//! It neither begins transactions nor ends them.

use std::collections::{BTreeMap, HashMap};

use redb::{ReadableTable as _, Table, WriteTransaction};

use super::{Answer, ENTRIES, LOGS, META, NEXT_LOG_KEY, Record, SNAPSHOTS, key};
use crate::journal::{
    LogId, Write,
    plan::{Head, Plan, Step},
};

/// Of how many logs it is remembered where they are.
const REMEMBERED: usize = 65_536;

/// Where logs are, as of the last transaction.
#[derive(Default)]
pub(in super::super) struct Places(HashMap<LogId, Place>);

impl Places {
    /// Whether they are so many that they are to be forgotten.
    pub(super) fn are_many(&self) -> bool {
        self.0.len() > REMEMBERED
    }
}

/// Where a log is.
#[derive(Clone, Copy, Default)]
struct Place {
    head: Head,
    /// What is on disk of it, if it is there.
    record: Option<Record>,
}

/// The tables in a transaction.
pub(super) struct Tables<'a> {
    meta: Table<'a, &'static str, u64>,
    logs: Table<'a, &'static [u8], Record>,
    entries: Table<'a, (u64, u64), &'static [u8]>,
    snapshots: Table<'a, u64, &'static [u8]>,
    places: &'a mut Places,
    next_log: u64,
    has_changed: bool,
}

impl<'a> Tables<'a> {
    /// Opens them.
    pub(super) fn open(
        transaction: &'a WriteTransaction,
        places: &'a mut Places,
    ) -> Result<Self, redb::Error> {
        let meta = transaction.open_table(META)?;
        let next_log = meta.get(NEXT_LOG_KEY)?.map_or(1, |number| number.value());
        Ok(Self {
            meta,
            logs: transaction.open_table(LOGS)?,
            entries: transaction.open_table(ENTRIES)?,
            snapshots: transaction.open_table(SNAPSHOTS)?,
            places,
            next_log,
            has_changed: false,
        })
    }

    /// Closes them. Says whether there is anything to be written.
    pub(super) fn close(self) -> bool {
        self.has_changed
    }

    /// Carries out a commit, or nothing of it if it cannot be.
    pub(super) fn commit(&mut self, writes: &[Write]) -> Result<Answer, redb::Error> {
        for write in writes {
            self.find(write.log())?;
        }
        let places = &self.places.0;
        let plan = Plan::of(writes, |log| places.get(log).map_or_else(Head::default, |place| place.head));
        let plan = match plan {
            Ok(plan) => plan,
            Err(refused) => return Ok(Err(refused)),
        };
        self.has_changed |= !plan.steps.is_empty();
        let mut numbers = BTreeMap::new();
        for log in plan.heads.keys() {
            numbers.insert(*log, self.number(log)?);
        }
        for step in plan.steps {
            match step {
                Step::Put(log, position, entry) => {
                    self.entries.insert((numbers[log], position), &entry[..])?;
                }
                Step::Remove(log, entries) => {
                    let number = numbers[log];
                    let entries = (number, *entries.start())..=(number, *entries.end());
                    self.entries.retain_in(entries, |_, _| false)?;
                }
                Step::PutSnapshot(log, snapshot) => {
                    self.snapshots.insert(numbers[log], &snapshot[..])?;
                }
                Step::RemoveSnapshot(log) => {
                    self.snapshots.remove(numbers[log])?;
                }
            }
        }
        for (log, head) in plan.heads {
            self.put(log, numbers[log], head)?;
        }
        Ok(Ok(plan.positions))
    }

    /// Looks where a log is, if that is not known.
    fn find(&mut self, log: &LogId) -> Result<(), redb::Error> {
        if self.places.0.contains_key(log) {
            return Ok(());
        }
        let Some(record) = self.logs.get(&key(log)[..])?.map(|record| record.value()) else { return Ok(()) };
        let (number, first, through) = record;
        let snapshot = (through > 0).then_some(through);
        let last = self.entries.range((number, first)..=(number, u64::MAX))?.next_back().transpose()?;
        // What a log without entries holds is its snapshot, and the first entry comes after it.
        let last = last.map_or(first - 1, |(key, _)| key.value().1);
        let head = Head { first, last, snapshot };
        self.places.0.insert(log.clone(), Place { head, record: Some(record) });
        Ok(())
    }

    /// A log's number; one that has none is given one.
    fn number(&mut self, log: &LogId) -> Result<u64, redb::Error> {
        if let Some((number, ..)) = self.places.0.get(log).and_then(|place| place.record) {
            return Ok(number);
        }
        let number = self.next_log;
        self.next_log += 1;
        self.meta.insert(NEXT_LOG_KEY, self.next_log)?;
        Ok(number)
    }

    /// Puts down where a log is, or forgets it.
    fn put(&mut self, log: &LogId, number: u64, head: Head) -> Result<(), redb::Error> {
        let before = self.places.0.get(log).and_then(|place| place.record);
        if head.is_empty() {
            if before.is_some() {
                self.logs.remove(&key(log)[..])?;
            }
            self.places.0.remove(log);
            return Ok(());
        }
        let record = (number, head.first, head.snapshot.unwrap_or(0));
        if before != Some(record) {
            self.logs.insert(&key(log)[..], record)?;
        }
        self.places.0.insert(log.clone(), Place { head, record: Some(record) });
        Ok(())
    }
}
