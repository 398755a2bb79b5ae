//! What an owner takes in from other nodes before anybody sees its document.

use std::{collections::HashSet, panic::AssertUnwindSafe};

use automerge::{Change, ChangeHash};

use super::{Batch, Owner, Unreadable};
use crate::workspaces::{
    document::Document,
    replication::{Failed, Merged, Replica},
};

impl Owner {
    /// For a document that was just read: takes in what other nodes have, if that is known soon, and puts it on disk.
    /// Whatever fails there is tried again later; what is here is served.
    pub(super) async fn hear_other_nodes(&mut self) -> Result<(), Unreadable> {
        let Some(replication) = self.outlets.replication.clone() else { return Ok(()) };
        let id = self.workspace.id.clone();
        replication.arrive(&id, self).await;
        match self.document {
            Some(_) => Ok(()),
            // What could not be put on disk, or cannot be, is not to be seen.
            None => self.read_from_disk().await,
        }
    }

    fn loaded(&mut self) -> Result<&mut Document, Failed> {
        self.document.as_mut().ok_or_else(|| Failed::new("not merged", "the document is gone"))
    }
}

impl Replica for Owner {
    async fn knows(&mut self, heads: Vec<ChangeHash>) -> Result<bool, Failed> {
        Ok(self.loaded()?.has_all(&heads))
    }

    async fn merge(&mut self, messages: Vec<Vec<Change>>) -> Result<Vec<Merged>, Failed> {
        let (mut batch, mut merged) = (Batch::default(), Vec::new());
        // All at once, which costs a fraction of one by one; one by one if that fails, to know which.
        let all = messages.iter().flatten().cloned().collect();
        if messages.len() > 1
            && let Some((made, missing)) = self.loaded()?.try_merge(all)
        {
            merged = vec![Merged::Kept { missing }; messages.len()];
            if !made.bytes.is_empty() {
                batch.add(made, None);
            }
        }
        let one_by_one = if merged.is_empty() { messages } else { Vec::new() };
        for changes in one_by_one {
            let document = self.loaded()?;
            match std::panic::catch_unwind(AssertUnwindSafe(|| document.merge(changes))) {
                Ok(Ok((made, missing))) => {
                    if !made.bytes.is_empty() {
                        batch.add(made, None);
                    }
                    merged.push(Merged::Kept { missing });
                }
                Ok(Err(_)) | Err(_) => {
                    // Half of it may be in there. Those before it are read once more; this one is not.
                    self.document = None;
                    merged.push(Merged::Refused);
                    return Ok(merged);
                }
            }
        }
        if !batch.is_empty() && self.keep(&mut batch).await.is_err() {
            self.document = None;
            return Err(Failed::new("not merged", "it could not be put on disk"));
        }
        Ok(merged)
    }

    async fn beyond(
        &mut self,
        heads: Vec<ChangeHash>,
        known: HashSet<ChangeHash>,
    ) -> Result<Vec<u8>, Failed> {
        Ok(self.loaded()?.beyond(&heads, &known))
    }
}
