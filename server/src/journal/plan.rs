//! What a commit does to the logs that it names: the rules of positions, the same for every journal.
//!
//! It stores nothing. A commit is planned as a whole before any of it is carried out, so that one that cannot be
//! carried out changes nothing.

use std::{collections::BTreeMap, ops::RangeInclusive};

use bytes::Bytes;

use super::{JournalError, LogId, Write};

/// How long the id of a log may be, in bytes.
const MAX_ID: usize = 256;

/// How large an entry or a snapshot may be.
const MAX_BYTES: usize = 256 << 20;

/// Which positions a log holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Head {
    /// The first entry; one past the last if there are none.
    pub(super) first: u64,
    /// The last position that was given; 0 of a log that is not there.
    pub(super) last: u64,
    /// The last position that the snapshot holds, if there is one.
    pub(super) snapshot: Option<u64>,
}

impl Default for Head {
    fn default() -> Self {
        Self { first: 1, last: 0, snapshot: None }
    }
}

impl Head {
    /// Whether it holds nothing, so that the log is forgotten.
    pub(super) fn is_empty(&self) -> bool {
        self.first > self.last && self.snapshot.is_none()
    }

    /// Takes the entries up to this position away: those that there are.
    fn take(&mut self, through: u64) -> RangeInclusive<u64> {
        let taken = self.first..=through.min(self.last);
        self.first = self.first.max(taken.end() + 1);
        taken
    }
}

/// Something to be carried out in storage. Removed entries are there, put ones are not.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Step<'a> {
    /// Puts an entry.
    Put(&'a LogId, u64, &'a Bytes),
    /// Removes entries.
    Remove(&'a LogId, RangeInclusive<u64>),
    /// Puts a snapshot, in place of the one that may be there.
    PutSnapshot(&'a LogId, &'a Bytes),
    /// Removes the snapshot.
    RemoveSnapshot(&'a LogId),
}

/// What a commit does.
#[derive(Debug)]
pub(super) struct Plan<'a> {
    /// What is to be carried out, in this order.
    pub(super) steps: Vec<Step<'a>>,
    /// Where the logs are then. One whose head is empty is forgotten.
    pub(super) heads: BTreeMap<&'a LogId, Head>,
    /// The positions of the appended entries.
    pub(super) positions: Vec<u64>,
}

impl<'a> Plan<'a> {
    /// Plans a commit on logs that are where `head_of` says, which is asked once for each.
    pub(super) fn of(writes: &'a [Write], head_of: impl Fn(&LogId) -> Head) -> Result<Self, JournalError> {
        let mut plan = Self { steps: Vec::new(), heads: BTreeMap::new(), positions: Vec::new() };
        for write in writes {
            let log = write.log();
            let mut head = plan.heads.get(log).copied().unwrap_or_else(|| head_of(log));
            plan.add(write, &mut head)?;
            // Within a commit too a log that holds nothing begins again at 1.
            plan.heads.insert(log, if head.is_empty() { Head::default() } else { head });
        }
        Ok(plan)
    }

    fn add(&mut self, write: &'a Write, head: &mut Head) -> Result<(), JournalError> {
        match write {
            Write::Append { log, entry } => {
                check(log, entry)?;
                head.last += 1;
                self.positions.push(head.last);
                self.steps.push(Step::Put(log, head.last, entry));
            }
            Write::Compact { log, through, snapshot } => {
                check(log, snapshot)?;
                if *through > head.last {
                    let last = head.last;
                    return Err(JournalError::new(format!(
                        "a snapshot through {through} of a log of {last}"
                    )));
                }
                if *through > head.snapshot.unwrap_or(0) {
                    self.remove(log, head.take(*through));
                    head.snapshot = Some(*through);
                    self.steps.push(Step::PutSnapshot(log, snapshot));
                }
            }
            Write::Drop { log, through } => {
                check(log, &Bytes::new())?;
                self.remove(log, head.take(*through));
                if head.snapshot.is_some_and(|snapshot| snapshot <= *through) {
                    head.snapshot = None;
                    self.steps.push(Step::RemoveSnapshot(log));
                }
            }
        }
        Ok(())
    }

    fn remove(&mut self, log: &'a LogId, entries: RangeInclusive<u64>) {
        if !entries.is_empty() {
            self.steps.push(Step::Remove(log, entries));
        }
    }
}

/// Whether the id and the size of what is written are within their bounds.
fn check(log: &LogId, bytes: &Bytes) -> Result<(), JournalError> {
    if log.id.is_empty() || log.id.len() > MAX_ID {
        return Err(JournalError::new(format!("the id of a log has {} bytes", log.id.len())));
    }
    if bytes.len() > MAX_BYTES {
        return Err(JournalError::new(format!("{} bytes are too many for one entry", bytes.len())));
    }
    Ok(())
}
