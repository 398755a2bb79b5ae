//! Documents in the place of changes, so that a fresh node need not read every change that ever was, and NATS need not
//! keep them.
//!
//! A pointer moves forward alone: a document takes the place of one that it contains, and only if nobody else's has
//! done so since. What is replaced stays for a while: somebody may be reading it.

use std::sync::{Arc, atomic::Ordering};

use futures_util::StreamExt as _;
use tokio::time::Instant;

use super::{
    CATCH_UP_WITHIN, Replication,
    jobs::Job,
    nats::{Failed, Kept, Nats, Pointer, failed},
    replica::InUse,
    subject,
    wire::{self, ObjectName},
};
use crate::{clock::micros_now, workspaces::id::WorkspaceId};

/// How many documents that were replaced may be there. As long as there are more, no new one is made.
const MAX_OLD: usize = 16;

impl Replication {
    /// Puts a workspace's document where its changes are, if there are many.
    pub(super) async fn compact(self: &Arc<Self>, nats: &Nats, id: &WorkspaceId) -> Result<(), Failed> {
        let Some(workspace) = self.live().and_then(|live| live.get(id)) else { return Ok(()) };
        let deadline = Instant::now() + CATCH_UP_WITHIN;
        let caught = self.take_in(nats, id, &mut InUse(Arc::clone(&workspace)), deadline).await?;
        workspace.track.published.store(0, Ordering::Relaxed);
        let Some(last) = caught.last.filter(|_| caught.is_much()) else { return Ok(()) };
        if caught.is_incomplete || caught.pointed.is_unknown {
            // A document would be said to contain what it does not.
            return Ok(());
        }
        let mut old = caught.pointed.pointer.as_ref().map_or_else(Vec::new, |pointer| pointer.old.clone());
        if caught.pointed.pointer.as_ref().is_some_and(|pointer| pointer.stream != caught.stream) {
            // Sequences of another stream say nothing of this one.
            old.clear();
        }
        if old.len() >= MAX_OLD {
            self.later(Job::Tidy(id.clone()), self.keep);
            return Ok(());
        }
        old.extend(caught.pointed.pointer.map(|pointer| pointer.document));
        let (copy, heads) =
            workspace.read(|reading| (reading.document.copy(), reading.document.heads())).await?;
        let saving = tokio::task::spawn_blocking(move || copy.save());
        let bytes = saving.await.map_err(failed("not saved"))?;
        let name = nats.put(&bytes).await?;
        let document = Kept { object: name.as_str().to_owned(), from: last + 1, at: micros_now() };
        let pointer = Pointer::new(caught.stream, document, &heads, old);
        nats.point(id, &pointer, caught.pointed.revision).await?;
        self.metrics.replication.documents.increment(1);
        self.later(Job::Tidy(id.clone()), self.keep);
        self.tidy(nats, id).await
    }

    /// Removes what a document took the place of long enough ago.
    pub(super) async fn tidy(self: &Arc<Self>, nats: &Nats, id: &WorkspaceId) -> Result<(), Failed> {
        let pointed = nats.pointed(id).await?;
        let Some(mut pointer) = pointed.pointer else { return Ok(()) };
        let (now, keep) = (micros_now(), i64::try_from(self.keep.as_micros()).unwrap_or(i64::MAX));
        let is_due = |kept: &Kept| now.saturating_sub(kept.at) >= keep;
        let all: Vec<Kept> = pointer.old.iter().chain([&pointer.document]).cloned().collect();
        // A change of before a document was there came before it.
        if let Some(newest) = all.iter().rev().find(|kept| is_due(kept))
            && nats.state().await?.made == pointer.stream
        {
            self.remove_changes(nats, id, newest.from, &all).await?;
        }
        // A document is replaced from when the next one is there.
        let due = all.windows(2).take_while(|pair| is_due(&pair[1])).count();
        for gone in &all[..due] {
            let is_used = all[due..].iter().any(|kept| kept.object == gone.object);
            if let Some(name) = ObjectName::parse(&gone.object).filter(|_| !is_used) {
                nats.delete(&name).await?;
            }
        }
        if due > 0 {
            pointer.old = all[due..all.len() - 1].to_vec();
            // If somebody else has pointed elsewhere since, theirs names these once more, to no harm.
            let _or_later = nats.point(id, &pointer, pointed.revision).await;
        }
        Ok(())
    }

    /// Removes changes before that sequence, and the objects that they are in.
    async fn remove_changes(
        &self,
        nats: &Nats,
        id: &WorkspaceId,
        before: u64,
        documents: &[Kept],
    ) -> Result<(), Failed> {
        let (reader, waiting) = nats.reader(subject::changes(id), 1, true).await?;
        let mut objects = Vec::new();
        let mut found = 0;
        'all: while found < waiting {
            let batch = reader.fetch().max_messages(super::nats::BATCH).messages().await;
            let mut batch = batch.map_err(failed("no messages"))?;
            let so_far = found;
            while let Some(message) = batch.next().await {
                let message = message.map_err(failed("no messages"))?;
                found += 1;
                if message.info().map_err(failed("no messages"))?.stream_sequence >= before {
                    break 'all;
                }
                objects.extend(message.headers.as_ref().and_then(wire::object_in));
            }
            if found == so_far {
                break;
            }
        }
        nats.let_go(&reader).await;
        if found == 0 {
            return Ok(());
        }
        nats.purge(id, before).await?;
        objects.retain(|name| documents.iter().all(|document| document.object != name.as_str()));
        for name in objects {
            nats.delete(&name).await?;
        }
        Ok(())
    }
}
