//! The workspaces that are in use, each with its owner and who is there.
//!
//! One owner for each, however many ask at a time. What an owner does is its own.

use std::{
    collections::{BTreeMap, BTreeSet},
    panic::AssertUnwindSafe,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use futures_util::FutureExt as _;
use syncline::{SyncResult, codes as framework};
use tokio::{
    runtime::Handle,
    sync::{mpsc, oneshot},
};
use tokio_tungstenite::tungstenite::Utf8Bytes;

use super::{
    id::WorkspaceId,
    messages::{self, Status, User},
    owner::{Ask, Command, Done, MAILBOX, Outlets, Owner, Reading, What},
    replication::{Replication, Track},
    repo::Gossip,
    stamp::Stamp,
};
use crate::{
    in_use::InUse,
    journal::{JournalError, LogId, Space},
    ws::Feed,
};

/// The workspaces that are in use.
pub(super) struct Live {
    workspaces: InUse<WorkspaceId, Workspace>,
    outlets: Arc<Outlets>,
    /// Where owners run.
    runtime: Handle,
}

/// A workspace that is in use.
pub(super) struct Workspace {
    pub(super) id: WorkspaceId,
    pub(super) feed: Arc<Feed<Utf8Bytes>>,
    pub(super) gossip: Arc<Gossip>,
    mailbox: mpsc::Sender<Command>,
    /// How many sockets each user has here.
    present: Mutex<BTreeMap<Arc<str>, usize>>,
    replication: Option<Arc<Replication>>,
    /// What its replication is at.
    pub(super) track: Track,
}

/// Somebody's socket is there. Dropping it is its leaving.
pub(super) struct Presence {
    workspace: Arc<Workspace>,
    user: Arc<str>,
}

impl Live {
    pub(super) fn new(outlets: Outlets, runtime: Handle) -> Arc<Self> {
        Arc::new(Self { workspaces: InUse::default(), outlets: Arc::new(outlets), runtime })
    }

    /// The workspace, in use from now on for as long as somebody has it.
    pub(super) fn open(self: &Arc<Self>, id: &WorkspaceId) -> Arc<Workspace> {
        let workspace = self.workspaces.open(id, || self.begin(id));
        self.count();
        workspace
    }

    fn count(&self) {
        self.outlets.metrics.workspaces.live.set(self.workspaces.len() as f64);
    }

    /// The workspace, with an owner of its own.
    fn begin(self: &Arc<Self>, id: &WorkspaceId) -> Arc<Workspace> {
        let (mailbox, commands) = mpsc::channel(MAILBOX);
        let workspace = Arc::new(Workspace {
            id: id.clone(),
            feed: Arc::default(),
            gossip: Arc::default(),
            mailbox,
            present: Mutex::default(),
            replication: self.outlets.replication.clone(),
            track: Track::default(),
        });
        let owner = Owner::new(Arc::clone(self), Arc::clone(&workspace), Arc::clone(&self.outlets));
        let (live, owned) = (Arc::clone(self), Arc::clone(&workspace));
        self.runtime.spawn(async move {
            if AssertUnwindSafe(owner.run(commands)).catch_unwind().await.is_err() {
                live.forget(&owned);
            }
        });
        workspace
    }

    /// Forgets a workspace whose owner is gone, so that whoever wants it next gets one with another owner.
    fn forget(&self, workspace: &Arc<Workspace>) {
        tracing::error!(workspace = workspace.id.as_str(), "the owner of a workspace panicked");
        self.workspaces.forget(&workspace.id, workspace);
        // Those who are here ask it for the state, and come back when nobody answers.
        workspace.feed.reset();
    }

    /// The workspace that is an Automerge document; nothing until something was written into it.
    pub(super) async fn find(&self, automerge_id: &str) -> SyncResult<Option<WorkspaceId>> {
        let log = LogId::new(Space::AutomergeIds, automerge_id);
        let contents = self.outlets.journal.read(&log, 0, 1).await.map_err(JournalError::into_answer)?;
        let first = contents.entries.first().and_then(|entry| std::str::from_utf8(&entry.bytes).ok());
        Ok(first.and_then(WorkspaceId::parse).filter(|id| id.automerge_id() == automerge_id))
    }

    /// The workspace, if it is in use.
    pub(super) fn get(&self, id: &WorkspaceId) -> Option<Arc<Workspace>> {
        self.workspaces.get(id)
    }

    /// Who is in a workspace, on any node.
    pub(super) fn users(&self, id: &WorkspaceId) -> Vec<User> {
        match self.get(id) {
            Some(workspace) => workspace.users(),
            None => users_on_all_nodes(id, self.outlets.replication.as_ref(), [].iter()),
        }
    }

    /// All that are in use.
    pub(super) fn all(&self) -> Vec<Arc<Workspace>> {
        self.workspaces.all()
    }

    /// Forgets a workspace that nobody but its owner has; says whether it did.
    pub(super) fn unload(&self, workspace: &Arc<Workspace>) -> bool {
        // Its owner and the owner's task have one each.
        let left = self.workspaces.leave(&workspace.id, workspace, 2);
        self.count();
        left
    }
}

impl Workspace {
    /// Asks for a change; waits while too many ask.
    pub(super) async fn ask(&self, ask: Ask) -> SyncResult<()> {
        self.mailbox.send(Command::Write(ask)).await.map_err(|_| framework::INTERNAL.into())
    }

    /// Asks for a change, if there is room to ask at once; gives it back if not.
    pub(super) fn try_ask(&self, ask: Ask) -> Result<(), Box<Ask>> {
        match self.mailbox.try_reserve() {
            Ok(place) => {
                place.send(Command::Write(ask));
                Ok(())
            }
            Err(_full) => Err(Box::new(ask)),
        }
    }

    /// Asks for a change and waits for what comes of it.
    pub(super) async fn change(&self, what: What, stamp: Stamp) -> SyncResult<Done> {
        let (reply, done) = oneshot::channel();
        let reply = Box::new(move |result| {
            let _nobody_waits = reply.send(result);
        });
        self.ask(Ask { what, stamp, reply }).await?;
        done.await.map_err(|_| framework::INTERNAL)?
    }

    /// Looks at the document.
    pub(super) async fn read<T: Send + 'static>(
        &self,
        look: impl FnOnce(Reading<'_>) -> T + Send + 'static,
    ) -> SyncResult<T> {
        let (reply, seen) = oneshot::channel();
        let read = Box::new(move |reading: SyncResult<Reading<'_>>| {
            let _nobody_waits = reply.send(reading.map(look));
        });
        self.mailbox.send(Command::Read(read)).await.map_err(|_| framework::INTERNAL)?;
        seen.await.map_err(|_| framework::INTERNAL)?
    }

    fn present(&self) -> MutexGuard<'_, BTreeMap<Arc<str>, usize>> {
        self.present.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// A socket of that user is there.
    pub(super) fn enter(self: &Arc<Self>, user: Arc<str>) -> Presence {
        let sockets = {
            let mut present = self.present();
            let sockets = present.entry(Arc::clone(&user)).or_default();
            *sockets += 1;
            *sockets
        };
        if sockets == 1 {
            self.presence_changed(true);
        }
        Presence { workspace: Arc::clone(self), user }
    }

    /// Who is here has changed; `asks`: somebody came.
    fn presence_changed(&self, asks: bool) {
        self.tell_presence();
        if let Some(replication) = &self.replication {
            replication.presence_changed(&self.id, asks);
        }
    }

    /// Tells everybody here who is there.
    pub(super) fn tell_presence(&self) {
        // One after the other: the last one told is how it is.
        let present = self.present();
        let users = users_on_all_nodes(&self.id, self.replication.as_ref(), present.keys());
        self.feed.set_notice(messages::presence(&users));
    }

    /// Who is here, on this node.
    pub(super) fn users_here(&self) -> BTreeSet<Arc<str>> {
        self.present().keys().cloned().collect()
    }

    /// Who is there, on any node.
    pub(super) fn users(&self) -> Vec<User> {
        users_on_all_nodes(&self.id, self.replication.as_ref(), self.present().keys())
    }
}

impl Drop for Presence {
    fn drop(&mut self) {
        let mut present = self.workspace.present();
        let Some(sockets) = present.get_mut(&self.user) else { return };
        *sockets -= 1;
        if *sockets == 0 {
            present.remove(&self.user);
            drop(present);
            self.workspace.presence_changed(false);
        }
    }
}

fn users_on_all_nodes<'a>(
    id: &WorkspaceId,
    replication: Option<&Arc<Replication>>,
    here: impl Iterator<Item = &'a Arc<str>>,
) -> Vec<User> {
    let mut users = replication.map_or_else(BTreeSet::new, |replication| replication.elsewhere(id));
    users.extend(here.cloned());
    users.into_iter().map(|user_id| User { user_id, status: Status::Online }).collect()
}
