//! Workspaces on many nodes, over NATS with JetStream.
//!
//! ```text
//! owner --commit: the change, and the same in the queue--> journal --publish--> stream --feed--> every other node's owner
//! owner <--catch up: document, and the changes after it-- bucket <--compact-- whoever has published much
//! ```
//!
//! `nats` is one connection and what is there; `feed` is what comes by itself, `catch_up` what is read, `publish` the queue
//! on disk, `compact` documents in the place of changes, `presence` who is where. `wire` and `subject` are free of IO. A
//! document is its owner's alone: what comes from here goes through its mailbox, or is asked for by the owner itself.
//! Whether NATS is there changes nothing about what is done here, but when the others hear of it.

mod catch_up;
mod compact;
mod feed;
mod jobs;
mod nats;
mod presence;
mod publish;
mod recent;
mod replica;
mod subject;
#[cfg(test)]
mod tests;
mod wire;

use std::{
    fmt::Display,
    sync::{
        Arc, OnceLock, Weak,
        atomic::{AtomicBool, AtomicI64, AtomicU32, AtomicU64, AtomicUsize, Ordering},
    },
    time::Duration,
};

use automerge::ChangeHash;
use catch_up::Caught;
use feed::Place;
use jobs::{Job, Jobs, Running};
pub(super) use nats::Failed;
use nats::Nats;
use recent::Recent;
pub(super) use replica::{Merged, Replica};
use tokio::{runtime::Handle, sync::watch, task::JoinSet, time::Instant};

use super::{
    id::WorkspaceId,
    live::{Live, Workspace},
};
use crate::{config::NatsServers, journal::Journal, observe::Metrics};

/// How long whoever opens a workspace waits for what other nodes have of it.
const OPEN_WITHIN: Duration = Duration::from_secs(3);

/// How long NATS may take for all of a workspace that nobody waits for.
const CATCH_UP_WITHIN: Duration = Duration::from_secs(120);

/// The pauses between attempts to connect: the first, and the longest.
const MIN_PAUSE: Duration = Duration::from_millis(50);
const MAX_PAUSE: Duration = Duration::from_secs(1);

/// How many reasons are logged while NATS is away, each once.
const MAX_REASONS: usize = 8;

/// How long after a failure a job is tried again.
const RETRY_AFTER: Duration = Duration::from_secs(1);

/// The longest pause between two looks for what is missing of a workspace.
const MAX_LOOK_AFTER: Duration = Duration::from_secs(60);

/// How many jobs are done at a time.
const MAX_WORKERS: usize = 8;

/// What a workspace's replication is at, for as long as it is in use.
#[derive(Default)]
pub(super) struct Track {
    /// NATS may have what is not here.
    is_behind: AtomicBool,
    /// A look for what is missing is to come.
    is_looked_for: AtomicBool,
    looks: AtomicU32,
    /// What was published since somebody last thought of a new document.
    published: AtomicUsize,
}

/// Whether NATS is there.
#[derive(Clone)]
enum Link {
    /// Nobody knows yet.
    Starting,
    Up(Arc<Nats>),
    Away,
}

/// What is counted, for whoever asks.
#[derive(Default)]
struct Tally {
    queued: AtomicI64,
    published: AtomicU64,
    received: AtomicU64,
    /// Failures, of which not each one is logged.
    failures: AtomicU64,
    malformed: AtomicU64,
}

/// What `/v1/stats` says.
#[derive(Debug, serde::Serialize)]
pub(super) struct Stats {
    connected: bool,
    /// Commits that wait for being published.
    queued: i64,
    /// Changes that NATS has acknowledged.
    published: u64,
    /// Changes that came.
    received: u64,
}

/// The replication of all workspaces.
pub(super) struct Replication {
    servers: NatsServers,
    server_id: Arc<str>,
    /// How long what a newer document has taken the place of stays.
    keep: Duration,
    journal: Arc<dyn Journal>,
    metrics: Arc<Metrics>,
    live: OnceLock<Weak<Live>>,
    link: watch::Sender<Link>,
    /// The same, for those who look after the server.
    is_up: Arc<AtomicBool>,
    jobs: Arc<Jobs>,
    tally: Tally,
    /// Messages that this process published.
    own: Recent<String>,
    /// Changes that no document takes.
    refused: Recent<ChangeHash>,
    presence: presence::Voice,
}

impl Replication {
    pub(super) fn new(
        servers: NatsServers,
        server_id: Arc<str>,
        keep: Duration,
        journal: Arc<dyn Journal>,
        metrics: Arc<Metrics>,
        is_up: Arc<AtomicBool>,
    ) -> Arc<Self> {
        Arc::new(Self {
            servers,
            server_id,
            keep,
            journal,
            metrics,
            live: OnceLock::new(),
            link: watch::Sender::new(Link::Starting),
            is_up,
            jobs: Arc::default(),
            tally: Tally::default(),
            own: Recent::default(),
            refused: Recent::default(),
            presence: presence::Voice::default(),
        })
    }

    /// Begins, for those workspaces.
    pub(super) fn start(self: &Arc<Self>, live: &Arc<Live>, runtime: &Handle) {
        // Whoever embeds the server may have chosen already; then theirs stays.
        let _theirs = rustls::crypto::aws_lc_rs::default_provider().install_default();
        let _once = self.live.set(Arc::downgrade(live));
        runtime.spawn(Arc::clone(self).run());
        runtime.spawn(Arc::clone(self).expire_presence());
    }

    fn live(&self) -> Option<Arc<Live>> {
        self.live.get()?.upgrade()
    }

    pub(super) fn is_up(&self) -> bool {
        matches!(*self.link.borrow(), Link::Up(_))
    }

    pub(super) fn stats(&self) -> Stats {
        Stats {
            connected: self.is_up(),
            queued: self.tally.queued.load(Ordering::Relaxed).max(0),
            published: self.tally.published.load(Ordering::Relaxed),
            received: self.tally.received.load(Ordering::Relaxed),
        }
    }

    /// The connection, if there is one.
    fn nats(&self) -> Option<Arc<Nats>> {
        match &*self.link.borrow() {
            Link::Up(nats) => Some(Arc::clone(nats)),
            Link::Starting | Link::Away => None,
        }
    }

    /// One connection after the other, for as long as the server runs.
    async fn run(self: Arc<Self>) {
        self.count_queue().await;
        let mut pause = MIN_PAUSE;
        let mut place = None;
        let mut told = Vec::new();
        loop {
            let name = format!("syncline {}", self.server_id);
            let ended = match Nats::connect(&self.servers, &name).await {
                Ok(nats) => self.live_with(Arc::new(nats), &mut place, &mut pause).await,
                Err(failed) => failed,
            };
            self.jobs.close();
            self.is_up.store(false, Ordering::Release);
            self.metrics.replication.connected.set(0);
            let was_up = matches!(self.link.send_replace(Link::Away), Link::Up(_));
            if was_up {
                told.clear();
            }
            // Each attempt may fail for another reason, such as a wrong password once the network is there again.
            let why = ended.to_string();
            if told.len() < MAX_REASONS && !told.contains(&why) {
                tracing::warn!(%why, "NATS is away: changes wait on disk");
                told.push(why);
            }
            tokio::time::sleep(pause).await;
            pause = (pause * 2).min(MAX_PAUSE);
        }
    }

    /// Lives with a connection until it ends; why it did.
    async fn live_with(
        self: &Arc<Self>,
        nats: Arc<Nats>,
        place: &mut Option<Place>,
        pause: &mut Duration,
    ) -> Failed {
        let (reader, goes_on) = match self.begin_feed(&nats, place).await {
            Ok(begun) => begun,
            Err(failed) => return failed,
        };
        *pause = MIN_PAUSE;
        self.jobs.open();
        self.link.send_replace(Link::Up(Arc::clone(&nats)));
        self.is_up.store(true, Ordering::Release);
        self.metrics.replication.connected.set(1);
        tracing::info!("NATS is there");
        for workspace in self.live().iter().flat_map(|live| live.all()) {
            if !goes_on {
                workspace.track.is_behind.store(true, Ordering::Release);
            }
            if workspace.track.is_behind.load(Ordering::Acquire) {
                self.jobs.want(Job::CatchUp(workspace.id.clone()));
            }
        }
        tokio::select! {
            failed = self.feed(&reader, place) => failed,
            failed = self.probe(&nats) => failed,
            failed = self.hear_presence(&nats) => failed,
            () = self.work(&nats) => Failed::new("no work", "it ended"),
            () = self.publish_all() => Failed::new("no work", "it ended"),
            () = nats.ended() => Failed::new("no connection", "it ended"),
        }
    }

    /// Does what is to be done, some of it at a time.
    async fn work(self: &Arc<Self>, nats: &Arc<Nats>) {
        let mut workers = JoinSet::new();
        loop {
            while workers.len() < MAX_WORKERS
                && let Some(running) = self.jobs.take()
            {
                workers.spawn(Arc::clone(self).carry_out(Arc::clone(nats), running));
            }
            tokio::select! {
                Some(_ended) = workers.join_next(), if !workers.is_empty() => {}
                () = self.jobs.changed() => {}
            }
        }
    }

    async fn carry_out(self: Arc<Self>, nats: Arc<Nats>, running: Running) {
        let job = running.job.clone();
        let result = match &job {
            Job::Publish(id) => self.publish(&nats, id).await,
            Job::CatchUp(id) => self.catch_up(&nats, id).await,
            Job::Fetch(id, name) => self.fetch(&nats, id, name).await,
            Job::Compact(id) => self.compact(&nats, id).await,
            Job::Tidy(id) => self.tidy(&nats, id).await,
        };
        drop(running);
        if let Err(failed) = result {
            self.failure(&failed);
            self.later(job, RETRY_AFTER);
        }
    }

    fn later(self: &Arc<Self>, job: Job, after: Duration) {
        let replication = Arc::downgrade(self);
        tokio::spawn(async move {
            tokio::time::sleep(after).await;
            if let Some(replication) = replication.upgrade() {
                replication.jobs.want(job);
            }
        });
    }

    async fn catch_up(self: &Arc<Self>, nats: &Nats, id: &WorkspaceId) -> Result<(), Failed> {
        let Some(workspace) = self.live().and_then(|live| live.get(id)) else { return Ok(()) };
        // What comes from now on is known of by itself.
        workspace.track.is_behind.store(false, Ordering::Release);
        let mut replica = replica::InUse(Arc::clone(&workspace));
        let caught = self.take_in(nats, id, &mut replica, Instant::now() + CATCH_UP_WITHIN).await;
        match &caught {
            Ok(caught) => self.caught_up(&workspace, caught),
            Err(_) => workspace.track.is_behind.store(true, Ordering::Release),
        }
        caught.map(|_| ())
    }

    /// All that NATS has was looked through.
    fn caught_up(self: &Arc<Self>, workspace: &Workspace, caught: &Caught) {
        match caught.is_incomplete {
            true => self.look_again(&workspace.id),
            false => workspace.track.looks.store(0, Ordering::Relaxed),
        }
        if caught.is_much() {
            self.jobs.want(Job::Compact(workspace.id.clone()));
        }
    }

    /// Something of a workspace in use is not here.
    fn behind(self: &Arc<Self>, id: &WorkspaceId) {
        let Some(workspace) = self.live().and_then(|live| live.get(id)) else { return };
        workspace.track.is_behind.store(true, Ordering::Release);
        // While it is known that something is nowhere to be found, not each change is a reason to look for it.
        if !workspace.track.is_looked_for.load(Ordering::Acquire) {
            self.jobs.want(Job::CatchUp(id.clone()));
        }
    }

    /// Looks once more for what was not found, ever more seldom.
    fn look_again(self: &Arc<Self>, id: &WorkspaceId) {
        let Some(workspace) = self.live().and_then(|live| live.get(id)) else { return };
        workspace.track.is_behind.store(true, Ordering::Release);
        if workspace.track.is_looked_for.swap(true, Ordering::AcqRel) {
            return;
        }
        let looks = workspace.track.looks.fetch_add(1, Ordering::Relaxed).min(10);
        let after = (RETRY_AFTER * (1 << looks)).min(MAX_LOOK_AFTER);
        let (replication, id) = (Arc::downgrade(self), id.clone());
        drop(workspace);
        tokio::spawn(async move {
            tokio::time::sleep(after).await;
            let Some(replication) = replication.upgrade() else { return };
            let Some(workspace) = replication.live().and_then(|live| live.get(&id)) else { return };
            workspace.track.is_looked_for.store(false, Ordering::Release);
            replication.behind(&id);
        });
    }

    /// For an owner that has read its document from the disk: takes in what other nodes have, if NATS says it soon.
    pub(super) async fn arrive(self: &Arc<Self>, id: &WorkspaceId, replica: &mut impl Replica) {
        let deadline = Instant::now() + OPEN_WITHIN;
        let mut link = self.link.subscribe();
        let known = link.wait_for(|link| !matches!(link, Link::Starting));
        let _or_not = tokio::time::timeout_at(deadline, known).await.map(drop);
        let caught = match self.nats() {
            Some(nats) => self.take_in(&nats, id, replica, deadline).await,
            None => Err(Failed::new("no connection", "NATS is away")),
        };
        match caught {
            Ok(caught) => {
                if let Some(workspace) = self.live().and_then(|live| live.get(id)) {
                    self.caught_up(&workspace, &caught);
                }
            }
            Err(failed) => {
                if self.is_up() {
                    self.failure(&failed);
                }
                self.behind(id);
            }
        }
    }

    /// Waits until all that was done here is published, if NATS is there.
    pub(super) async fn settle(&self) {
        if self.is_up() {
            self.jobs.settled().await;
        }
    }

    /// What became of the changes of a message.
    fn note_merged(&self, id: &WorkspaceId, hashes: Vec<ChangeHash>, merged: Merged) {
        match merged {
            Merged::Kept { .. } => {
                let count = hashes.len() as u64;
                self.metrics.replication.received.increment(count);
                self.tally.received.fetch_add(count, Ordering::Relaxed);
            }
            Merged::Refused => {
                self.malformed(id, "a change that cannot be made");
                hashes.into_iter().for_each(|hash| self.refused.insert(hash));
            }
        }
    }

    fn malformed(&self, what: impl Display, why: &'static str) {
        self.metrics.replication.malformed.increment(1);
        let total = self.tally.malformed.fetch_add(1, Ordering::Relaxed) + 1;
        if total.is_power_of_two() {
            tracing::warn!(%what, why, total, "something in NATS could not be read");
        }
    }

    fn failure(&self, failed: &Failed) {
        self.metrics.replication.failures.increment(1);
        let total = self.tally.failures.fetch_add(1, Ordering::Relaxed) + 1;
        // The first, and then ever more seldom.
        if total.is_power_of_two() {
            tracing::warn!(%failed, total, "a task of replication failed; it is tried again");
        }
    }
}
