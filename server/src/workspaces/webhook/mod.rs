//! The webhook of workspaces: tells one receiver of every change, and of people coming and going, at least once.
//!
//! ```text
//! owner --entry, in the commit of its change--> journal --turn of the workspace--> sender --signed POST--> receiver
//!    '-- notify --> schedule (whose turn it is)      '<-- drop, when it was taken --'
//! ```
//!
//! Free of IO: `event` (what is told), `schedule`, `pace` (when), `sign`. Edges: `outbox` (the journal) and `sender`
//! (HTTP). Between: this handle, which runs the turns. What waits is on disk and nowhere else. A workspace's events are
//! told in their order, one message at a time; nothing of them reaches a log.

mod event;
mod outbox;
mod pace;
mod schedule;
mod sender;
mod sign;
#[cfg(test)]
mod tests;
mod turn;

use std::{
    sync::{Arc, Mutex, MutexGuard, PoisonError, atomic::AtomicBool},
    time::Duration,
};

use event::Stored;
pub(crate) use event::{Event, Presence};
use futures_util::{
    FutureExt as _, StreamExt as _,
    future::{BoxFuture, OptionFuture},
    stream::FuturesUnordered,
};
use outbox::{Outbox, log_of};
use pace::Pace;
use schedule::{Bounds, Next, Schedule, Turn};
use sender::{Lookup, Sender};
use tokio::{
    sync::{Notify, Semaphore},
    time::Instant,
};
use tokio_util::sync::CancellationToken;

use super::id::WorkspaceId;
use crate::{
    clock,
    config::{Config, webhook as settings},
    journal::{Journal, JournalError, Write},
    observe::Metrics,
};

/// How many messages are on their way at a time.
const AT_A_TIME: usize = 16;

/// How many workspaces that have something to tell are known at a time; the others are found on disk later.
const PLACES: usize = 50_000;

/// How many of them a scan finds at a time.
const SCANNED: usize = 1_000;

/// How many of people's coming and going may be on their way to disk.
const TELLS: u32 = 4_096;

/// The time that events are stamped with, in milliseconds since 1970.
type Clock = Arc<dyn Fn() -> u64 + Send + Sync>;

/// The webhook of a server.
pub(crate) struct Webhooks {
    outbox: Outbox,
    sender: Sender,
    schedule: Mutex<Schedule>,
    pace: Pace,
    clock: Clock,
    metrics: Arc<Metrics>,
    /// Something in the schedule has changed.
    changed: Notify,
    tells: Arc<Semaphore>,
    /// Whether it was logged that attempts fail, and not yet that they do not any more.
    fails: AtomicBool,
    /// When that was logged last.
    warned: Mutex<Option<Instant>>,
    /// Whether attempts get no answer.
    is_away: AtomicBool,
    /// Only what is due is still to be done.
    finishing: CancellationToken,
    /// It is done.
    finished: CancellationToken,
    /// Nothing is to be done any more.
    over: CancellationToken,
}

/// What a test may have otherwise.
struct Parts {
    pace: Pace,
    bounds: Bounds,
    clock: Clock,
    lookup: Lookup,
}

impl Default for Parts {
    fn default() -> Self {
        let pace = Pace::DEFAULT;
        let bounds = Bounds { at_a_time: AT_A_TIME, places: PLACES, page: SCANNED, gather: pace.gather };
        Self { pace, bounds, clock: Arc::new(clock::millis_now), lookup: sender::system_lookup() }
    }
}

impl Webhooks {
    /// The webhook that the settings ask for, if they do.
    ///
    /// # Errors
    /// With the name of the setting that is wrong.
    pub(crate) fn new(
        config: &Config,
        journal: Arc<dyn Journal>,
        metrics: Arc<Metrics>,
    ) -> Result<Option<Arc<Self>>, String> {
        Self::with(config, journal, metrics, Parts::default())
    }

    fn with(
        config: &Config,
        journal: Arc<dyn Journal>,
        metrics: Arc<Metrics>,
        parts: Parts,
    ) -> Result<Option<Arc<Self>>, String> {
        let Some(url) = &config.webhook_url else { return Ok(None) };
        let Parts { pace, bounds, clock, lookup } = parts;
        let allow_private = config.webhook_allow_private;
        let url =
            settings::receiver(url, allow_private).map_err(|problem| format!("WEBHOOK_URL: {problem}"))?;
        let key = config.webhook_secret.as_ref().and_then(settings::signing_key);
        let key = key.ok_or("WEBHOOK_SECRET: WEBHOOK_URL needs it, 24 to 64 bytes in base64")?;
        let sender = Sender::new(url, &key, allow_private, pace.attempt, lookup)
            .map_err(|error| format!("WEBHOOK_URL: {}", error.without_url()))?;
        Ok(Some(Arc::new(Self {
            outbox: Outbox::new(journal),
            sender,
            schedule: Mutex::new(Schedule::new(bounds)),
            pace,
            clock,
            metrics,
            changed: Notify::new(),
            tells: Arc::new(Semaphore::new(TELLS as usize)),
            fails: AtomicBool::new(false),
            warned: Mutex::default(),
            is_away: AtomicBool::new(false),
            finishing: CancellationToken::new(),
            finished: CancellationToken::new(),
            over: CancellationToken::new(),
        })))
    }

    /// Begins to tell what waits and what comes.
    pub(crate) fn start(self: &Arc<Self>) {
        let telling = Arc::clone(self);
        tokio::spawn(async move { telling.run().await });
    }

    /// Tells what is due, within `budget`. What remains is on disk.
    pub(crate) async fn stop(&self, budget: Duration) {
        let all = async {
            // What is on its way to disk is there when all permits are back.
            drop(self.tells.acquire_many(TELLS).await);
            self.finishing.cancel();
            self.finished.cancelled().await;
        };
        let _or_what_is_left = tokio::time::timeout(budget, all).await;
        self.over.cancel();
    }

    /// What has to be written for an event to be told: in the same commit as what it tells of, so that the one is never
    /// without the other. After the commit: [`Webhooks::notify`].
    pub(crate) fn entry(&self, workspace: &WorkspaceId, event: Event) -> Write {
        let entry = Stored::new(event, (self.clock)()).to_bytes();
        Write::Append { log: log_of(workspace.shared()), entry }
    }

    /// Something of this workspace is on disk and to be told.
    pub(crate) fn notify(&self, workspace: &WorkspaceId) {
        self.schedule().notify(workspace.shared(), Instant::now());
        self.changed.notify_one();
    }

    /// Puts an event on disk in the background, after all that the caller committed before, and tells it then. If there
    /// is no getting it there it is counted as a dead letter: this is not for changes.
    pub(crate) fn tell(self: &Arc<Self>, workspace: &WorkspaceId, event: Event) {
        let Ok(permit) = Arc::clone(&self.tells).try_acquire_owned() else {
            return self.unsaved(workspace, "too many are on their way to disk");
        };
        let commit = self.outbox.write(self.entry(workspace, event));
        let (webhooks, workspace) = (Arc::clone(self), workspace.clone());
        tokio::spawn(async move {
            match commit.await {
                Ok(_positions) => webhooks.notify(&workspace),
                Err(error) => webhooks.unsaved(&workspace, &error.to_string()),
            }
            drop(permit);
        });
    }

    fn unsaved(&self, workspace: &WorkspaceId, why: &str) {
        self.metrics.webhooks.unsaved.increment(1);
        tracing::warn!(%workspace, why, "the webhook is not told that somebody came or went");
    }

    fn schedule(&self) -> MutexGuard<'_, Schedule> {
        self.schedule.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Runs turns until it is over.
    async fn run(&self) {
        let mut jobs: FuturesUnordered<BoxFuture<'_, Done>> = FuturesUnordered::new();
        let mut is_finishing = false;
        loop {
            while let Some(turn) = self.next_turn() {
                jobs.push(self.turn(turn).boxed());
            }
            let scan = self.schedule().next_scan();
            if let Some(after) = scan {
                jobs.push(self.scan(after).boxed());
            }
            let due = {
                let schedule = self.schedule();
                if is_finishing && schedule.is_idle(Instant::now()) {
                    self.finished.cancel();
                }
                schedule.next_due()
            };
            tokio::select! {
                () = self.over.cancelled() => return,
                () = self.finishing.cancelled(), if !is_finishing => {
                    is_finishing = true;
                    self.schedule().hurry(Instant::now());
                }
                () = self.changed.notified() => {}
                Some(()) = OptionFuture::from(due.map(tokio::time::sleep_until)) => {}
                Some(done) = jobs.next() => match done {
                    Done::Turn(workspace, next) => self.schedule().ended(workspace, next, Instant::now()),
                    Done::Scan(Ok(found)) => self.schedule().scanned(found, Instant::now()),
                    Done::Scan(Err(_logged)) => self.schedule().scan_failed(),
                },
            }
        }
    }

    fn next_turn(&self) -> Option<Turn> {
        self.schedule().take(Instant::now())
    }

    async fn scan(&self, after: Arc<str>) -> Done {
        let page = self.schedule().page();
        let found = self.outbox.workspaces(&after, page).await;
        if let Err(error) = &found {
            tracing::error!(%error, "it cannot be read what the webhook was not told");
            tokio::time::sleep(self.pace.storage).await;
        }
        Done::Scan(found)
    }
}

/// A job that has ended.
enum Done {
    Turn(Arc<str>, Next),
    Scan(Result<Vec<Arc<str>>, JournalError>),
}
