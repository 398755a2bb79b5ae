//! Saving a document anew, in the place of the changes since it was saved last. Beside all else: nobody waits for it.

use std::sync::Arc;

use bytes::Bytes;
use tokio::task::JoinHandle;

use super::Owner;
use crate::journal::Write;

/// Changes of fewer bytes than this are not worth a new saved document.
const COMPACT_ABOVE: usize = 256 * 1024;

/// A saved document on its way to the disk.
pub(super) struct Compaction {
    /// Ends with its size, if it got there.
    task: JoinHandle<Option<usize>>,
    /// The bytes of the changes that it takes the place of.
    replaces: usize,
}

impl Owner {
    /// Saves the document anew, beside all else, when the changes since the last time are as large.
    pub(super) fn compact(&mut self) {
        let Some(document) = &self.document else { return };
        if self.compaction.is_some() || self.appended < COMPACT_ABOVE.max(self.saved) {
            return;
        }
        let (copy, journal) = (document.copy(), Arc::clone(&self.outlets.journal));
        let (log, through) = (self.log.clone(), self.position);
        let task = tokio::spawn(async move {
            // Read again before it takes the place of anything: clients may make changes that we would not.
            let saving = tokio::task::spawn_blocking(move || copy.save_and_verify().ok());
            let snapshot = Bytes::from(saving.await.ok()??);
            let bytes = snapshot.len();
            let compacted = journal.commit(vec![Write::Compact { log, through, snapshot }]).await;
            compacted.inspect_err(|error| tracing::warn!(%error, "a workspace was not compacted")).ok()?;
            Some(bytes)
        });
        self.compaction = Some(Compaction { task, replaces: self.appended });
    }

    pub(super) fn compacted(&mut self, saved: Option<usize>, replaced: usize) {
        let metrics = &self.outlets.metrics.workspaces;
        match saved {
            Some(bytes) => {
                metrics.compactions.increment(1);
                self.saved = bytes;
                // Less is left where the document was read again meanwhile.
                self.appended = self.appended.saturating_sub(replaced);
            }
            None => metrics.compaction_failures.increment(1),
        }
    }
}

/// What a compaction came to, once it has ended, and what it replaced; pends while there is none.
pub(super) async fn ended(compaction: &mut Option<Compaction>) -> (Option<usize>, usize) {
    match compaction {
        Some(Compaction { task, replaces }) => {
            let ended = (task.await.ok().flatten(), *replaces);
            *compaction = None;
            ended
        }
        None => std::future::pending().await,
    }
}
