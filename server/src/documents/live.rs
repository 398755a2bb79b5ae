//! The documents that are open, each with its owner. One owner for each, however many ask at a time.

use std::{
    panic::AssertUnwindSafe,
    sync::{Arc, Mutex, PoisonError},
};

use bytes::Bytes;
use futures_util::FutureExt as _;
use syncline::{SyncResult, codes as framework};
use tokio::{
    runtime::Handle,
    sync::{Notify, mpsc, oneshot},
};

use super::{
    answers::SeatId,
    id::DocumentId,
    owner::{Command, Look, MAILBOX, Outlets, Owner},
};
use crate::{
    in_use::InUse,
    ws::{Feed, Frame},
};

/// Something that everybody at a document is told.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Told {
    pub(super) frame: Bytes,
    /// The one seat that it came from, if it is all from one.
    pub(super) from: Option<SeatId>,
    pub(super) kind: Kind,
}

/// What everybody is told.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    Update,
    Awareness,
    /// A text that nobody keeps, for those whose protocol has such: the frame is that alone.
    Stateless,
}

impl Frame for Told {
    fn bytes(&self) -> usize {
        self.frame.len()
    }
}

/// The documents that are open.
pub(super) struct Live {
    documents: InUse<DocumentId, OpenDocument>,
    outlets: Arc<Outlets>,
    /// Where owners run.
    runtime: Handle,
}

/// A document that is open.
pub(super) struct OpenDocument {
    pub(super) id: DocumentId,
    pub(super) feed: Arc<Feed<Told>>,
    mailbox: mpsc::Sender<Command>,
    /// The seats that were left. Not a command: whoever leaves does not wait.
    left: Mutex<Vec<SeatId>>,
    somebody_left: Notify,
}

impl Live {
    pub(super) fn new(outlets: Outlets, runtime: Handle) -> Arc<Self> {
        Arc::new(Self { documents: InUse::default(), outlets: Arc::new(outlets), runtime })
    }

    /// The document, open from now on for as long as somebody has it.
    pub(super) fn open(self: &Arc<Self>, id: &DocumentId) -> Arc<OpenDocument> {
        let document = self.documents.open(id, || self.begin(id));
        self.count();
        document
    }

    fn count(&self) {
        self.outlets.metrics.documents.open.set(self.documents.len() as f64);
    }

    fn begin(self: &Arc<Self>, id: &DocumentId) -> Arc<OpenDocument> {
        let (mailbox, commands) = mpsc::channel(MAILBOX);
        let document = Arc::new(OpenDocument {
            id: id.clone(),
            feed: Arc::default(),
            mailbox,
            left: Mutex::default(),
            somebody_left: Notify::new(),
        });
        let owner = Owner::new(Arc::clone(self), Arc::clone(&document), Arc::clone(&self.outlets));
        let (live, owned) = (Arc::clone(self), Arc::clone(&document));
        self.runtime.spawn(async move {
            if AssertUnwindSafe(owner.run(commands)).catch_unwind().await.is_err() {
                tracing::error!(document = owned.id.as_str(), "the owner of a document panicked");
                live.documents.forget(&owned.id, &owned);
                live.count();
                // Those who are here ask for the state, and come back when nobody answers.
                owned.feed.reset();
            }
        });
        document
    }

    /// The document, if it is open.
    pub(super) fn get(&self, id: &DocumentId) -> Option<Arc<OpenDocument>> {
        self.documents.get(id)
    }

    /// All that are open.
    pub(super) fn all(&self) -> Vec<Arc<OpenDocument>> {
        self.documents.all()
    }

    /// Lets go of a document that nobody but its owner has; says whether it did.
    pub(super) fn unload(&self, document: &Arc<OpenDocument>) -> bool {
        // Its owner has two, one of them to wait for those who leave, and the owner's task has one.
        let left = self.documents.leave(&document.id, document, 3);
        self.count();
        left
    }
}

impl OpenDocument {
    /// Asks its owner; waits while too many ask.
    pub(super) async fn ask(&self, command: Command) -> SyncResult<()> {
        self.mailbox.send(command).await.map_err(|_| framework::INTERNAL.into())
    }

    /// Asks its owner, if there is room to ask at once; gives it back if not.
    pub(super) fn try_ask(&self, command: Command) -> Result<(), Command> {
        match self.mailbox.try_reserve() {
            Ok(place) => {
                place.send(command);
                Ok(())
            }
            Err(_full) => Err(command),
        }
    }

    /// Looks at the document, or does something with it that takes its owner.
    pub(super) async fn look<T: Send + 'static>(
        &self,
        look: impl FnOnce(&mut super::document::Document) -> T + Send + 'static,
    ) -> SyncResult<T> {
        let (reply, seen) = oneshot::channel();
        let look: Look = Box::new(move |document| {
            let _nobody_waits = reply.send(document.map(look));
        });
        self.ask(Command::Look(look)).await?;
        seen.await.map_err(|_| framework::INTERNAL)?
    }

    /// Somebody gets up. Returns at once.
    pub(super) fn leave(&self, seat: SeatId) {
        self.left.lock().unwrap_or_else(PoisonError::into_inner).push(seat);
        self.somebody_left.notify_one();
    }

    /// The seats that were left since this was asked last; waits until there is one.
    pub(super) async fn left(&self) -> Vec<SeatId> {
        loop {
            let left = std::mem::take(&mut *self.left.lock().unwrap_or_else(PoisonError::into_inner));
            if !left.is_empty() {
                return left;
            }
            self.somebody_left.notified().await;
        }
    }
}
