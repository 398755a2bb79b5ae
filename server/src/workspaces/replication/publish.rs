//! The queue on disk: what was changed here is in it from the commit on, and until JetStream has acknowledged it.

use std::sync::{Arc, atomic::Ordering};

use async_nats::jetstream::context::PublishAckFuture;
use automerge::Change;
use bytes::Bytes;

use super::{
    Replication,
    catch_up::{COMPACT_ABOVE_BYTES, COMPACT_ABOVE_MESSAGES},
    jobs::Job,
    nats::{Failed, Nats, failed},
    subject, wire,
};
use crate::{
    journal::{LogId, Space, Write},
    workspaces::id::WorkspaceId,
};

/// How many bytes of a workspace's queue are published at a time.
const BATCH_BYTES: usize = 1024 * 1024;

/// How many workspaces' names are read at a time, and how many may wait.
const PAGE: usize = 256;

/// How long the queue's counting waits for jobs to be done.
const BREATH: std::time::Duration = std::time::Duration::from_millis(50);

impl Replication {
    /// The write that puts changes in the queue, for the commit that makes them.
    pub(in super::super) fn queue(id: &WorkspaceId, changes: Vec<u8>) -> Write {
        Write::Append { log: LogId::new(Space::Replication, id.shared()), entry: changes.into() }
    }

    /// Something is in a workspace's queue.
    pub(in super::super) fn queued(&self, id: &WorkspaceId) {
        self.count_queued(1);
        self.jobs.want(Job::Publish(id.clone()));
    }

    fn count_queued(&self, by: i64) {
        let queued = self.tally.queued.fetch_add(by, Ordering::Relaxed) + by;
        self.metrics.replication.queued.set(queued.max(0) as f64);
    }

    /// Counts what the last process left.
    pub(super) async fn count_queue(&self) {
        let mut after: Arc<str> = "".into();
        while let Ok(page) = self.journal.logs(Space::Replication, &after, PAGE).await {
            let Some(last) = page.last() else { return };
            after = Arc::clone(last);
            for id in page {
                let log = LogId::new(Space::Replication, id);
                if let Ok(contents) = self.journal.read(&log, 0, usize::MAX).await {
                    self.count_queued(contents.entries.len() as i64);
                }
            }
        }
    }

    /// Wants everything published that is queued; ends with the connection.
    pub(super) async fn publish_all(&self) {
        let mut after: Arc<str> = "".into();
        loop {
            match self.journal.logs(Space::Replication, &after, PAGE).await {
                Ok(page) => {
                    let Some(last) = page.last() else { break };
                    after = Arc::clone(last);
                    let ids = page.iter().filter_map(|id| WorkspaceId::parse(id));
                    ids.for_each(|id| self.jobs.want(Job::Publish(id)));
                }
                Err(error) => self.failure(&Failed::new("no queue", error)),
            }
            while self.jobs.waiting() >= PAGE {
                tokio::time::sleep(BREATH).await;
            }
        }
        std::future::pending::<()>().await;
    }

    /// Publishes what is queued of a workspace.
    pub(super) async fn publish(&self, nats: &Nats, id: &WorkspaceId) -> Result<(), Failed> {
        let log = LogId::new(Space::Replication, id.shared());
        loop {
            let queued = self.journal.read(&log, 0, BATCH_BYTES).await.map_err(failed("no queue"))?;
            let Some(through) = queued.entries.last().map(|entry| entry.position) else { return Ok(()) };
            let (mut acks, mut count, mut bytes) = (Vec::new(), 0, 0);
            for entry in &queued.entries {
                let changes = wire::split(&entry.bytes)
                    .map_err(|malformed| Failed::new("what is queued cannot be read", malformed.0))?;
                count += changes.len() as u64;
                bytes += entry.bytes.len();
                acks.push(self.send(nats, id, &changes, entry.bytes.clone()).await?);
            }
            for ack in acks {
                ack.await.map_err(failed("not acknowledged"))?;
            }
            let dropped = vec![Write::Drop { log: log.clone(), through }];
            self.journal.commit(dropped).await.map_err(failed("not dropped from the queue"))?;
            self.count_queued(-(queued.entries.len() as i64));
            self.metrics.replication.published.increment(count);
            self.tally.published.fetch_add(count, Ordering::Relaxed);
            self.consider_compaction(id, queued.entries.len(), bytes);
        }
    }

    async fn send(
        &self,
        nats: &Nats,
        id: &WorkspaceId,
        changes: &[Change],
        body: Bytes,
    ) -> Result<PublishAckFuture, Failed> {
        let message_id = wire::message_id(changes, &body);
        let (object, body) = match body.len() > nats.max_body() {
            true => (Some(nats.put(&body).await?), Bytes::new()),
            false => (None, body),
        };
        let headers = wire::headers(&self.server_id, &message_id, object.as_ref());
        self.own.insert(message_id);
        nats.publish(subject::changes(id), headers, body).await
    }

    /// Thinks of a new document once that much was published.
    fn consider_compaction(&self, id: &WorkspaceId, messages: usize, bytes: usize) {
        let Some(workspace) = self.live().and_then(|live| live.get(id)) else { return };
        // Bytes and messages in one number: each message is at least that much.
        let weight = bytes.max(messages * (COMPACT_ABOVE_BYTES / COMPACT_ABOVE_MESSAGES));
        let before = workspace.track.published.fetch_add(weight, Ordering::Relaxed);
        if before + weight > COMPACT_ABOVE_BYTES {
            workspace.track.published.store(0, Ordering::Relaxed);
            self.jobs.want(Job::Compact(id.clone()));
        }
    }
}
