//! The one task that has a workspace's document, and what others ask of it.
//!
//! It carries out what has come in, puts all of it on disk in one commit, and only then tells anybody. If that fails, or
//! anything panics, it lets go of the document and reads it again: what is not on disk did not happen. Sockets and HTTP
//! are the edges'.

mod batch;
mod compaction;
mod nodes;

use std::{panic::AssertUnwindSafe, sync::Arc, time::Duration};

use automerge::{ActorId, Change, ChangeHash};
use batch::{Batch, Failure, make, merged_together};
use bytes::Bytes;
use compaction::{Compaction, ended};
use syncline::{SyncError, SyncResult, codes as framework};
use tokio::sync::mpsc;
use tokio_tungstenite::tungstenite::Utf8Bytes;

use super::{
    codes,
    document::{Document, Edit, Made},
    live::{Live, Workspace},
    messages,
    replication::Replication,
    stamp::Stamp,
    webhook::Webhooks,
};
use crate::{
    clock::micros_now,
    journal::{Journal, LogId, Space, Write},
    observe::Metrics,
};

/// How many changes are put on disk at a time.
const MAX_BATCH: usize = 256;

/// How many requests may wait for an owner. Whoever asks waits at the bound.
pub(super) const MAILBOX: usize = 1024;

/// Of how many keys one change is told one by one; of more, everybody gets the whole state.
const MAX_TOLD: usize = 64;

/// What an owner is asked.
pub(super) enum Command {
    /// To change something.
    Write(Ask),
    /// To look at something.
    Read(Read),
}

/// A change that is asked for.
pub(super) struct Ask {
    pub(super) what: What,
    pub(super) stamp: Stamp,
    /// Called once the change is on disk and told, or is not going to be.
    pub(super) reply: Reply,
}

/// Whom to tell what came of a change.
pub(super) type Reply = Box<dyn FnOnce(SyncResult<Done>) + Send>;

/// What is to change.
pub(super) enum What {
    /// An op.
    Edit(Edit),
    /// Everything, to what it was at a change.
    Restore(ChangeHash),
    /// What others have changed.
    Merge(Vec<Change>, Origin),
}

/// Where changes were made that are to be merged.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Origin {
    /// On another node, which has told all nodes of them.
    Node,
    /// By an Automerge client of this node.
    Peer,
}

/// A change that was made.
#[derive(Clone, Debug)]
pub(super) struct Done {
    pub(super) heads: Vec<ChangeHash>,
    /// How many keys it touched.
    pub(super) keys: usize,
    /// How many changes of others were left out, since what comes before them is missing.
    pub(super) missing: usize,
}

/// Somebody who wants to look at the document.
pub(super) type Read = Box<dyn FnOnce(SyncResult<Reading<'_>>) + Send>;

/// A document that is looked at: nothing in it is not on disk.
pub(super) struct Reading<'a> {
    pub(super) document: &'a mut Document,
    /// Where in the feed this state is.
    pub(super) position: u64,
    init: &'a mut Option<(u64, Utf8Bytes)>,
}

impl Reading<'_> {
    /// The whole state as a socket is told it.
    pub(super) fn init(&mut self) -> Utf8Bytes {
        if let Some((position, text)) = &*self.init
            && *position == self.position
        {
            return text.clone();
        }
        let text = messages::init(&self.document.state(), &self.document.heads());
        *self.init = Some((self.position, text.clone()));
        text
    }
}

/// What every owner needs.
pub(super) struct Outlets {
    pub(super) journal: Arc<dyn Journal>,
    /// Told of what is changed on this node.
    pub(super) webhooks: Option<Arc<Webhooks>>,
    pub(super) metrics: Arc<Metrics>,
    /// Automerge's name for this process.
    pub(super) actor: ActorId,
    pub(super) max_bytes: usize,
    pub(super) idle: Duration,
    /// If there are other nodes.
    pub(super) replication: Option<Arc<Replication>>,
}

/// An owner.
pub(super) struct Owner {
    live: Arc<Live>,
    workspace: Arc<Workspace>,
    outlets: Arc<Outlets>,
    log: LogId,
    document: Option<Document>,
    /// What is on disk: the saved document and the changes after it, in bytes, and the last change's position.
    saved: usize,
    appended: usize,
    position: u64,
    compaction: Option<Compaction>,
    /// The last state that was told, and where it is.
    init: Option<(u64, Utf8Bytes)>,
}

/// The document cannot be read.
#[derive(Clone, Copy, Debug)]
struct Unreadable;

impl From<Unreadable> for SyncError {
    fn from(Unreadable: Unreadable) -> Self {
        crate::codes::STORAGE_UNAVAILABLE.with("seconds", 1)
    }
}

/// A change that waits for the disk.
struct Pending {
    reply: Reply,
    done: Done,
}

impl Owner {
    pub(super) fn new(live: Arc<Live>, workspace: Arc<Workspace>, outlets: Arc<Outlets>) -> Self {
        let log = LogId::new(Space::Workspaces, workspace.id.shared());
        Self {
            live,
            workspace,
            outlets,
            log,
            document: None,
            saved: 0,
            appended: 0,
            position: 0,
            compaction: None,
            init: None,
        }
    }

    /// Runs until nobody has used the workspace for a while.
    pub(super) async fn run(mut self, mut mailbox: mpsc::Receiver<Command>) {
        loop {
            let command = tokio::select! {
                command = mailbox.recv() => command,
                (saved, replaced) = ended(&mut self.compaction) => {
                    self.compacted(saved, replaced);
                    continue;
                }
                () = tokio::time::sleep(self.outlets.idle) => {
                    self.workspace.feed.trim();
                    if self.compaction.is_none() && mailbox.is_empty() && self.live.unload(&self.workspace) {
                        return;
                    }
                    continue;
                }
            };
            // The workspace itself has a sender, so there is always another command.
            let Some(command) = command else { return };
            self.work(command, &mut mailbox).await;
        }
    }

    /// Does this, and with it whatever else may go on disk in the same commit.
    async fn work(&mut self, command: Command, mailbox: &mut mpsc::Receiver<Command>) {
        let mut asks = Vec::new();
        let mut read = None;
        let mut next = Some(command);
        while let Some(command) = next {
            match command {
                Command::Write(ask) => asks.push(ask),
                Command::Read(reading) => {
                    read = Some(reading);
                    break;
                }
            }
            next = if asks.len() < MAX_BATCH { mailbox.try_recv().ok() } else { None };
        }
        if let Err(unreadable) = self.load().await {
            asks.into_iter().for_each(|ask| (ask.reply)(Err(unreadable.into())));
            if let Some(read) = read {
                read(Err(unreadable.into()));
            }
            return;
        }
        if !asks.is_empty() {
            self.write(asks).await;
        }
        if let Some(read) = read {
            self.read(read).await;
        }
    }

    async fn read(&mut self, read: Read) {
        // A write before it may have failed, and with it the document gone.
        if let Err(unreadable) = self.load().await {
            return read(Err(unreadable.into()));
        }
        let Some(document) = &mut self.document else { return };
        let reading = Reading { document, position: self.workspace.feed.position(), init: &mut self.init };
        if std::panic::catch_unwind(AssertUnwindSafe(|| read(Ok(reading)))).is_err() {
            self.drop_document("a reader panicked");
        }
    }

    async fn load(&mut self) -> Result<(), Unreadable> {
        if self.document.is_none() {
            self.read_from_disk().await?;
            self.hear_other_nodes().await?;
        }
        Ok(())
    }

    async fn read_from_disk(&mut self) -> Result<(), Unreadable> {
        let began = std::time::Instant::now();
        let contents = self.outlets.journal.read(&self.log, 0, usize::MAX).await;
        let contents = contents.map_err(|error| self.cannot_load(&error))?;
        let (saved, through) =
            contents.snapshot.map_or((Bytes::new(), 0), |snapshot| (snapshot.bytes, snapshot.through));
        self.saved = saved.len();
        self.appended = contents.entries.iter().map(|entry| entry.bytes.len()).sum();
        self.position = contents.entries.last().map_or(through, |entry| entry.position);
        let actor = self.outlets.actor.clone();
        let loading = tokio::task::spawn_blocking(move || {
            let mut bytes = Vec::from(saved);
            contents.entries.iter().for_each(|entry| bytes.extend_from_slice(&entry.bytes));
            Document::load(&bytes, actor, micros_now())
        });
        let document = match loading.await {
            Ok(Ok(document)) => document,
            Ok(Err(error)) => return Err(self.cannot_load(&error)),
            Err(panicked) => return Err(self.cannot_load(&panicked)),
        };
        self.outlets.metrics.workspaces.load_seconds.record(began.elapsed());
        self.document = Some(document);
        Ok(())
    }

    fn cannot_load(&self, error: &dyn std::fmt::Display) -> Unreadable {
        self.outlets.metrics.workspaces.load_failures.increment(1);
        let workspace = self.workspace.id.as_str();
        tracing::error!(workspace, %error, "a workspace could not be read from the disk");
        Unreadable
    }

    /// Lets go of a document that may hold what is not on disk, and lets everybody begin anew.
    fn drop_document(&mut self, why: &str) {
        tracing::error!(workspace = self.workspace.id.as_str(), why, "a workspace is read again");
        self.document = None;
        self.init = None;
        self.workspace.feed.reset();
    }

    async fn write(&mut self, asks: Vec<Ask>) {
        let (mut pending, mut batch) = (Vec::new(), Batch::default());
        for ask in merged_together(asks) {
            let Some(document) = &mut self.document else {
                (ask.reply)(Err(codes::PERSISTENCE_FAILED.into()));
                continue;
            };
            let full = self.saved + self.appended + batch.entry.len() > self.outlets.max_bytes;
            if full && !matches!(ask.what, What::Merge(_, Origin::Node)) {
                (ask.reply)(Err(codes::WORKSPACE_FULL.with("max", self.outlets.max_bytes)));
                continue;
            }
            let is_own = !matches!(ask.what, What::Merge(_, Origin::Node));
            let user = is_own.then(|| Arc::clone(&ask.stamp.user));
            match std::panic::catch_unwind(AssertUnwindSafe(|| make(document, ask.what, &ask.stamp))) {
                Ok(Ok((made, missing))) => {
                    let heads = made.as_ref().map_or_else(|| document.heads(), |made| made.heads[1].clone());
                    let keys = made.as_ref().map_or(0, |made| made.touched.len());
                    pending.push(Pending { reply: ask.reply, done: Done { heads, keys, missing } });
                    if let Some(made) = made {
                        batch.add(made, user);
                    }
                }
                Ok(Err(Failure::Refused(error))) => (ask.reply)(Err(error)),
                Ok(Err(Failure::Broken(error))) => {
                    self.drop_document("a change could not be made");
                    (ask.reply)(Err(framework::INTERNAL.caused_by(error)));
                }
                Err(_panic) => {
                    self.drop_document("a change panicked");
                    (ask.reply)(Err(framework::INTERNAL.into()));
                }
            }
        }
        let is_whole = self.document.is_some();
        let kept = match is_whole {
            true if batch.is_empty() => Ok(()),
            true => self.keep(&mut batch).await,
            false => Err(()),
        };
        match kept {
            Ok(()) => {
                self.tell(&batch.made);
                pending.into_iter().for_each(|Pending { reply, done }| reply(Ok(done)));
                self.compact();
            }
            Err(()) => {
                if is_whole {
                    self.drop_document("changes could not be put on disk");
                }
                let failed = || Err(codes::PERSISTENCE_FAILED.into());
                pending.into_iter().for_each(|Pending { reply, .. }| reply(failed()));
            }
        }
    }

    /// Puts changes on disk; those that were made here, for the other nodes too.
    async fn keep(&mut self, batch: &mut Batch) -> Result<(), ()> {
        let entry = std::mem::take(&mut batch.entry);
        let bytes = entry.len();
        let began = std::time::Instant::now();
        let mut writes = vec![Write::Append { log: self.log.clone(), entry: entry.into() }];
        if self.position == 0 {
            let index = LogId::new(Space::AutomergeIds, self.workspace.id.automerge_id());
            let entry = Bytes::copy_from_slice(self.workspace.id.as_str().as_bytes());
            writes.push(Write::Append { log: index, entry });
        }
        let webhooks = self.outlets.webhooks.as_ref().zip(batch.event());
        if let Some((webhooks, event)) = &webhooks {
            writes.push(webhooks.entry(&self.workspace.id, event.clone()));
        }
        let ours = std::mem::take(&mut batch.ours);
        let replication = self.outlets.replication.as_ref().filter(|_| !ours.is_empty());
        writes.extend(replication.map(|_| Replication::queue(&self.workspace.id, ours)));
        let metrics = &self.outlets.metrics.workspaces;
        match self.outlets.journal.commit(writes).await {
            Ok(positions) => {
                if let Some(replication) = replication {
                    replication.queued(&self.workspace.id);
                }
                metrics.commit_seconds.record(began.elapsed());
                self.position = positions.first().copied().unwrap_or(self.position);
                self.appended += bytes;
                if let Some((webhooks, _)) = webhooks {
                    webhooks.notify(&self.workspace.id);
                }
                Ok(())
            }
            Err(error) => {
                metrics.commit_failures.increment(1);
                tracing::error!(workspace = self.workspace.id.as_str(), %error, "a commit failed");
                Err(())
            }
        }
    }

    fn tell(&mut self, made: &[Made]) {
        self.outlets.metrics.workspaces.changes.increment(made.len() as u64);
        for Made { touched, heads: [before, after], .. } in made {
            if touched.len() > MAX_TOLD {
                self.workspace.feed.reset();
                continue;
            }
            let last = touched.len().saturating_sub(1);
            // Whoever has heard some of it only is to be told all of it when it comes back.
            let heads = |number| if number == last { after } else { before };
            let frames = touched.iter().enumerate();
            self.workspace.feed.publish(frames.map(|(n, touched)| messages::change(touched, heads(n))));
        }
    }
}

#[cfg(test)]
#[path = "owner/tests.rs"]
mod tests;
