//! Taking in all that NATS has of a workspace: the document that is pointed to, and the changes after it. What is here and
//! not there is queued for publishing.

use std::{collections::HashSet, time::Duration};

use async_nats::jetstream::Message;
use automerge::{Automerge, Change, ChangeHash};
use futures_util::StreamExt as _;
use tokio::time::{Instant, timeout_at};

use super::{
    Replication,
    nats::{BATCH, Failed, Kept, Nats, Pointed, failed},
    replica::{Merged, Replica},
    subject,
    wire::{self, Content, ObjectName},
};
use crate::{
    clock::micros_now,
    journal::{LogId, Space, Write},
    workspaces::id::WorkspaceId,
};

/// How much may come after a document before it is made anew.
pub(super) const COMPACT_ABOVE_BYTES: usize = 1024 * 1024;
pub(super) const COMPACT_ABOVE_MESSAGES: usize = 1000;

/// Changes that have waited for so long for others before them are not going to get them.
const ORPHANED_AFTER: Duration = Duration::from_secs(3600);

/// What was found.
pub(super) struct Caught {
    pub(super) pointed: Pointed,
    /// The stream that the sequences are of.
    pub(super) stream: i64,
    /// The last message.
    pub(super) last: Option<u64>,
    /// Whether what comes before some changes is missing.
    pub(super) is_incomplete: bool,
    messages: usize,
    bytes: usize,
}

impl Caught {
    /// Whether there is enough for a new document.
    pub(super) fn is_much(&self) -> bool {
        self.messages > COMPACT_ABOVE_MESSAGES || self.bytes > COMPACT_ABOVE_BYTES
    }
}

/// A message of a workspace.
struct Found {
    sequence: u64,
    bytes: usize,
    is_old: bool,
    changes: Vec<Change>,
}

impl Replication {
    /// Takes in all that there is by now. NATS has until the deadline; the document has its time.
    pub(super) async fn take_in(
        &self,
        nats: &Nats,
        id: &WorkspaceId,
        replica: &mut impl Replica,
        deadline: Instant,
    ) -> Result<Caught, Failed> {
        self.metrics.replication.catch_ups.increment(1);
        // Before all else: what is published meanwhile is either found here or there.
        let mut known = self.queued_changes(id).await?;
        let pointed = in_time(deadline, nats.pointed(id)).await?;
        let state = in_time(deadline, nats.state()).await?;
        if pointed.is_unknown {
            self.malformed(id, "the pointer is not known");
        }
        let heads = pointed.pointer.as_ref().and_then(|pointer| pointer.heads()).unwrap_or_default();
        if let Some(pointer) = &pointed.pointer
            && (heads.is_empty() || !replica.knows(heads.clone()).await?)
        {
            let document = in_time(deadline, self.document(nats, &pointer.document)).await?;
            self.merge(id, replica, vec![document]).await?;
        }
        // A stream that was made anew counts anew.
        let from = match &pointed.pointer {
            Some(pointer) if pointer.stream == state.made => pointer.document.from,
            _ => 1,
        };
        let mut caught =
            Caught { pointed, stream: state.made, last: None, is_incomplete: false, messages: 0, bytes: 0 };
        let (reader, mut waiting) = in_time(deadline, nats.reader(subject::changes(id), from, false)).await?;
        let mut left: Vec<Vec<Change>> = Vec::new();
        while waiting > 0 {
            let found = in_time(deadline, self.next_batch(nats, id, &reader, waiting)).await?;
            waiting = waiting.saturating_sub(found.len() as u64);
            for Found { sequence, bytes, changes, .. } in &found {
                caught.last = Some(*sequence);
                caught.messages += 1;
                caught.bytes += bytes;
                known.extend(changes.iter().map(Change::hash));
            }
            let messages: Vec<_> = found.iter().map(|found| found.changes.clone()).collect();
            let merged = self.merge(id, replica, messages).await?;
            let is_left = |merged| matches!(merged, Merged::Kept { missing: 1.. });
            let of_use =
                found.into_iter().zip(merged).filter(|(found, merged)| is_left(*merged) && !found.is_old);
            left.extend(of_use.map(|(found, _)| found.changes));
        }
        nats.let_go(&reader).await;
        caught.is_incomplete = !self.merge_the_rest(id, replica, left).await?;
        self.offer(id, replica.beyond(heads, known).await?).await?;
        Ok(caught)
    }

    /// Takes in what lacked something that came after it; whether all of it could be.
    async fn merge_the_rest(
        &self,
        id: &WorkspaceId,
        replica: &mut impl Replica,
        mut left: Vec<Vec<Change>>,
    ) -> Result<bool, Failed> {
        loop {
            let before = left.len();
            let merged = self.merge(id, replica, left.clone()).await?;
            let still = left.into_iter().zip(merged);
            let still = still.filter(|(_, merged)| matches!(merged, Merged::Kept { missing: 1.. }));
            left = still.map(|(changes, _)| changes).collect();
            if left.is_empty() || left.len() == before {
                return Ok(left.is_empty());
            }
        }
    }

    async fn next_batch(
        &self,
        nats: &Nats,
        id: &WorkspaceId,
        reader: &async_nats::jetstream::consumer::PullConsumer,
        waiting: u64,
    ) -> Result<Vec<Found>, Failed> {
        let wanted = usize::try_from(waiting).unwrap_or(BATCH).min(BATCH);
        let batch = reader.fetch().max_messages(wanted).messages().await;
        let mut batch = batch.map_err(failed("no messages"))?;
        let mut found = Vec::new();
        while let Some(message) = batch.next().await {
            let message = message.map_err(failed("no messages"))?;
            found.push(self.found(nats, id, &message).await?);
        }
        if found.is_empty() {
            return Err(Failed::new("no messages", "they went while they were read"));
        }
        Ok(found)
    }

    async fn found(&self, nats: &Nats, id: &WorkspaceId, message: &Message) -> Result<Found, Failed> {
        let info = message.info().map_err(failed("no messages"))?;
        let age =
            micros_now() - i64::try_from(info.published.unix_timestamp_nanos() / 1000).unwrap_or(i64::MAX);
        let mut found = Found {
            sequence: info.stream_sequence,
            bytes: message.payload.len(),
            is_old: age > i64::try_from(ORPHANED_AFTER.as_micros()).unwrap_or(i64::MAX),
            changes: Vec::new(),
        };
        match wire::read(message.headers.as_ref(), &message.payload) {
            Ok(Content::Changes(changes)) => found.changes = changes,
            Ok(Content::Object(name)) => {
                let (changes, bytes) = self.changes_in(nats, id, &name).await?;
                (found.changes, found.bytes) = (changes, bytes);
            }
            Err(malformed) => self.malformed(id, malformed.0),
        }
        found.changes.retain(|change| !self.refused.contains(&change.hash()));
        Ok(found)
    }

    /// The changes in an object that a message names, and how large it is. One that is gone is in a document by now.
    pub(super) async fn changes_in(
        &self,
        nats: &Nats,
        id: &WorkspaceId,
        name: &ObjectName,
    ) -> Result<(Vec<Change>, usize), Failed> {
        let Some(bytes) = nats.get(name).await? else { return Ok((Vec::new(), 0)) };
        match wire::split(&bytes) {
            Ok(changes) => Ok((changes, bytes.len())),
            Err(malformed) => {
                self.malformed(id, malformed.0);
                Ok((Vec::new(), 0))
            }
        }
    }

    /// The changes of a document in the bucket.
    async fn document(&self, nats: &Nats, kept: &Kept) -> Result<Vec<Change>, Failed> {
        let name =
            ObjectName::parse(&kept.object).ok_or_else(|| Failed::new("no document", "it has no name"))?;
        let bytes = nats.get(&name).await?.ok_or_else(|| Failed::new("no document", "it is gone"))?;
        let loading = tokio::task::spawn_blocking(move || {
            Automerge::load(&bytes).map(|document| document.get_changes(&[]))
        });
        loading.await.map_err(failed("no document"))?.map_err(failed("no document"))
    }

    /// Lets a document take in the changes of messages, and remembers those that cannot be.
    pub(super) async fn merge(
        &self,
        id: &WorkspaceId,
        replica: &mut impl Replica,
        messages: Vec<Vec<Change>>,
    ) -> Result<Vec<Merged>, Failed> {
        let hashes: Vec<Vec<ChangeHash>> =
            messages.iter().map(|changes| changes.iter().map(Change::hash).collect()).collect();
        let merged = replica.merge(messages).await?;
        for (hashes, merged) in hashes.into_iter().zip(&merged) {
            self.note_merged(id, hashes, *merged);
        }
        Ok(merged)
    }

    /// The changes that wait for being published.
    async fn queued_changes(&self, id: &WorkspaceId) -> Result<HashSet<ChangeHash>, Failed> {
        let log = LogId::new(Space::Replication, id.shared());
        let queued = self.journal.read(&log, 0, usize::MAX).await.map_err(failed("no queue"))?;
        let changes = queued.entries.iter().filter_map(|entry| wire::split(&entry.bytes).ok()).flatten();
        Ok(changes.map(|change| change.hash()).collect())
    }

    /// Queues what NATS does not have.
    async fn offer(&self, id: &WorkspaceId, changes: Vec<u8>) -> Result<(), Failed> {
        if changes.is_empty() {
            return Ok(());
        }
        tracing::info!(
            workspace = id.as_str(),
            bytes = changes.len(),
            "NATS is told what only this node has"
        );
        let log = LogId::new(Space::Replication, id.shared());
        let written = self.journal.commit(vec![Write::Append { log, entry: changes.into() }]).await;
        written.map_err(failed("not queued"))?;
        self.queued(id);
        Ok(())
    }
}

/// What NATS says, if it does in time.
async fn in_time<T>(deadline: Instant, asked: impl Future<Output = Result<T, Failed>>) -> Result<T, Failed> {
    timeout_at(deadline, asked).await.map_err(failed("NATS did not answer"))?
}
