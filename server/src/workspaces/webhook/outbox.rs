//! What waits to be told, in the journal: what is next in a workspace's log, and making less of what has grown long.
//!
//! The owner of a workspace appends; only the workspace's turn takes away, and never by a position that it did not just
//! read: a log that was emptied begins again at 1, and a write that failed may have been carried out.

use std::sync::Arc;

use bytes::Bytes;
use futures_util::future::BoxFuture;
use uuid::Uuid;

use super::event::{Run, Stored};
use crate::journal::{Journal, JournalError, LogId, Space, Write};

/// How much is read at a time.
const PAGE_BYTES: usize = 64 * 1024;

/// How many events of a workspace a tidied log has at most.
const MAX_EVENTS: usize = 500;

/// What they may take.
const MAX_BYTES: usize = 1024 * 1024;

/// Where the telling of a workspace's events is, beside what the journal says.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Progress {
    /// The last event that was told and may still be in the log.
    pub(super) told: Option<Uuid>,
    /// The last event of the message that is being tried: what comes later is not part of it.
    pub(super) tried: Option<Uuid>,
}

/// What comes next.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Head {
    /// Nothing.
    Nothing,
    /// Nothing, but up to there all was told.
    Told(u64),
    /// What cannot be read, up to there.
    Unreadable(u64),
    /// This is to be told.
    Message {
        message: Stored,
        /// Up to where can be dropped what has been told then. Nothing, if it is part of a snapshot.
        through: Option<u64>,
        /// Whether there is more after it.
        more: bool,
    },
}

/// What tidying made of a log.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Tidied {
    /// How many of people's coming and going were dropped.
    pub(super) overflowed: u64,
    /// How much could not be read.
    pub(super) unreadable: u64,
}

/// The logs of all workspaces.
pub(super) struct Outbox {
    journal: Arc<dyn Journal>,
}

/// Something in a log.
struct Item {
    /// Through where the log can be dropped when it is told; not, if more of the same snapshot is behind it.
    through: Option<u64>,
    /// What it is, if it can be read.
    stored: Option<Stored>,
}

/// Reads a log from its beginning.
struct Reader<'a> {
    journal: &'a dyn Journal,
    log: LogId,
    after: u64,
    more: bool,
}

pub(super) fn log_of(workspace: Arc<str>) -> LogId {
    LogId::new(Space::Webhooks, workspace)
}

impl Outbox {
    pub(super) fn new(journal: Arc<dyn Journal>) -> Self {
        Self { journal }
    }

    /// The ids of workspaces that have something to tell.
    pub(super) async fn workspaces(&self, after: &str, limit: usize) -> Result<Vec<Arc<str>>, JournalError> {
        self.journal.logs(Space::Webhooks, after, limit).await
    }

    /// Writes an event. Its place in the log is that of this call.
    pub(super) fn write(&self, event: Write) -> BoxFuture<'static, Result<Vec<u64>, JournalError>> {
        self.journal.commit(vec![event])
    }

    /// Drops what was told, through there.
    pub(super) async fn drop_through(&self, workspace: &Arc<str>, through: u64) -> Result<(), JournalError> {
        let log = log_of(Arc::clone(workspace));
        self.journal.commit(vec![Write::Drop { log, through }]).await.map(|_positions| ())
    }

    /// What comes next: the first event, and with an update all updates that follow it directly.
    pub(super) async fn head(&self, workspace: &Arc<str>, progress: Progress) -> Result<Head, JournalError> {
        let mut reader = self.reader(workspace);
        let mut told = None;
        let mut found: Option<(Run, Option<u64>)> = None;
        while let Some(mut page) = reader.page().await? {
            if let Some(index) = position_of(&page, progress.told) {
                told = page.drain(..=index).next_back().and_then(|item| item.through);
                found = None;
            }
            for item in page {
                let Some((run, through)) = &mut found else {
                    match (item.stored, item.through) {
                        (Some(stored), through) => found = Some((Run::begin(stored), through)),
                        (None, Some(through)) => return Ok(Head::Unreadable(through)),
                        (None, None) => {}
                    }
                    continue;
                };
                let is_whole = !run.is_update() || Some(run.last()) == progress.tried;
                match item.stored {
                    Some(stored) if !is_whole && stored.is_update() => {
                        // Both are updates: nothing comes back.
                        let _none = run.add(stored);
                        *through = item.through;
                    }
                    _ => return Ok(message(found, true)),
                }
            }
        }
        Ok(match (found, told) {
            (None, None) => Head::Nothing,
            (None, Some(through)) => Head::Told(through),
            (found, _) => message(found, false),
        })
    }

    /// Makes less of a log that has grown long: updates that follow each other become one. If it is still too long then,
    /// the oldest of people's coming and going are dropped, and the updates around them become one.
    pub(super) async fn tidy(
        &self,
        workspace: &Arc<str>,
        progress: Progress,
    ) -> Result<Tidied, JournalError> {
        let mut reader = self.reader(workspace);
        let mut fold = Fold { tried: progress.tried, ..Fold::default() };
        let (mut items, mut entries) = (0, 0);
        while let Some(mut page) = reader.page().await? {
            entries += page.iter().filter(|item| item.through.is_some()).count();
            if let Some(index) = position_of(&page, progress.told) {
                page.drain(..=index);
                fold = Fold { tried: progress.tried, ..Fold::default() };
            }
            items += page.len();
            page.into_iter().for_each(|item| fold.add(item.stored));
            fold.shrink();
        }
        let (events, tidied) = fold.end();
        // Writing it anew is worth it when half of it goes, and needs more than a snapshot and nothing behind it.
        let is_worth_it = items >= 2 * events.len() || tidied != Tidied::default();
        if entries < 2 || events.is_empty() || !is_worth_it {
            return Ok(Tidied::default());
        }
        let snapshot: Bytes = serde_json::to_vec(&events).map_err(JournalError::new)?.into();
        let compact = Write::Compact { log: log_of(Arc::clone(workspace)), through: reader.after, snapshot };
        self.journal.commit(vec![compact]).await?;
        Ok(tidied)
    }

    fn reader(&self, workspace: &Arc<str>) -> Reader<'_> {
        Reader { journal: &*self.journal, log: log_of(Arc::clone(workspace)), after: 0, more: true }
    }
}

fn message(found: Option<(Run, Option<u64>)>, more: bool) -> Head {
    found.map_or(Head::Nothing, |(run, through)| Head::Message { message: run.end(), through, more })
}

/// Where in a page the event of that id is.
fn position_of(page: &[Item], id: Option<Uuid>) -> Option<usize> {
    let id = id?;
    page.iter().rposition(|item| item.stored.as_ref().is_some_and(|stored| stored.last == id))
}

impl Reader<'_> {
    /// The next items, unless that was all.
    async fn page(&mut self) -> Result<Option<Vec<Item>>, JournalError> {
        if !self.more {
            return Ok(None);
        }
        let contents = self.journal.read(&self.log, self.after, PAGE_BYTES).await?;
        let mut items = Vec::new();
        if let Some(snapshot) = contents.snapshot {
            self.after = snapshot.through;
            let through = Some(snapshot.through);
            match serde_json::from_slice::<Vec<Stored>>(&snapshot.bytes) {
                Ok(events) => {
                    items.extend(events.into_iter().map(|event| Item { through: None, stored: Some(event) }));
                    if let Some(last) = items.last_mut() {
                        last.through = through;
                    }
                }
                Err(_) => items.push(Item { through, stored: None }),
            }
        }
        for entry in contents.entries {
            self.after = entry.position;
            items.push(Item {
                through: Some(entry.position),
                stored: serde_json::from_slice(&entry.bytes).ok(),
            });
        }
        self.more = contents.more;
        Ok(Some(items))
    }
}

/// Events that are becoming fewer.
#[derive(Default)]
struct Fold {
    done: Vec<Stored>,
    run: Option<Run>,
    tried: Option<Uuid>,
    tidied: Tidied,
}

impl Fold {
    fn add(&mut self, stored: Option<Stored>) {
        let Some(stored) = stored else {
            self.tidied.unreadable += 1;
            return;
        };
        let next = match &mut self.run {
            Some(run) if Some(run.last()) != self.tried => match run.add(stored) {
                None => return,
                Some(next) => next,
            },
            _ => stored,
        };
        self.done.extend(self.run.replace(Run::begin(next)).map(Run::end));
    }

    fn is_too_much(&self) -> bool {
        self.done.len() > MAX_EVENTS || self.done.iter().map(Stored::size).sum::<usize>() > MAX_BYTES
    }

    /// Drops the oldest of people's coming and going, a tenth of all at a time, until it is not too much any more. The
    /// updates around them become one.
    fn shrink(&mut self) {
        self.done.extend(self.run.take().map(Run::end));
        while self.is_too_much() {
            let mut left = (self.done.len() / 10).max(1);
            let before = self.tidied;
            for event in std::mem::take(&mut self.done) {
                if left > 0 && !event.is_update() && Some(event.last) != self.tried {
                    left -= 1;
                    self.tidied.overflowed += 1;
                } else {
                    self.add(Some(event));
                }
            }
            self.done.extend(self.run.take().map(Run::end));
            if self.tidied == before {
                break;
            }
        }
        self.run = self.done.pop().map(Run::begin);
    }

    fn end(mut self) -> (Vec<Stored>, Tidied) {
        self.done.extend(self.run.map(Run::end));
        (self.done, self.tidied)
    }
}

#[cfg(test)]
#[path = "tests/outbox.rs"]
mod tests;
