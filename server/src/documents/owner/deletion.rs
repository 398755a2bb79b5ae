//! The end of a document, and what is kept of one that could not end.

use bytes::Bytes;
use syncline::SyncResult;
use tokio::{task::block_in_place, time::Instant};

use super::Owner;
use crate::{
    documents::{answers::Answer, codes, document::Document, nodes::News},
    ws::End,
};

impl Owner {
    pub(super) async fn delete(&mut self) -> SyncResult<()> {
        let failed = |error: String| {
            tracing::error!(document = self.open.id.as_str(), error, "a document could not be deleted");
            codes::unavailable()
        };
        self.saving.drop_all(&*self.outlets.journal, &self.log).await.map_err(failed)?;
        if let Err(error) = self.outlets.store.delete(&self.open.id).await {
            let failed = failed(error.to_string());
            self.keep_after_all().await;
            return Err(failed);
        }
        self.settle();
        self.is_deleted();
        self.tell_nodes(News::Deleted);
        Ok(())
    }

    /// It could not be deleted, and what the journal had of it is gone: all of it is put there again.
    async fn keep_after_all(&mut self) {
        let Some(document) = &mut self.document else { return };
        let orphans = document.orphans().to_vec();
        let kept = match block_in_place(|| document.state()) {
            Ok(state) => self.keep_all(std::iter::once(state).chain(orphans)).await,
            Err(broken) => {
                self.drop_document(&broken.to_string());
                Err(())
            }
        };
        match kept {
            Ok(()) => self.saving.changed(Instant::now()),
            // They come back, and say what is not in the store.
            Err(()) => self.seats.values().for_each(|seat| seat.answers.push(Answer::End(End::FAILED))),
        }
    }

    /// Puts these in the journal, in order.
    async fn keep_all(&mut self, entries: impl Iterator<Item = Bytes>) -> Result<(), ()> {
        for entry in entries {
            self.keep(entry).await?;
        }
        Ok(())
    }

    /// It begins anew, and whoever has it open has it no more.
    pub(super) fn is_deleted(&mut self) {
        self.whole = None;
        self.document = Some(Document::new());
        self.seats.values().for_each(|seat| seat.answers.push(Answer::End(End::DELETED)));
    }
}
