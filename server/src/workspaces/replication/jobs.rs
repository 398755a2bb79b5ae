//! What is to be done with NATS, each thing once at a time, while NATS is there.
//!
//! While it is away nothing is kept here: what is to be published is on disk, and who is behind knows it.

use std::{
    collections::{HashSet, VecDeque},
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use tokio::sync::Notify;

use super::wire::ObjectName;
use crate::workspaces::id::WorkspaceId;

/// A thing to do.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(super) enum Job {
    /// To publish what is queued of a workspace.
    Publish(WorkspaceId),
    /// To take in all that NATS has of a workspace.
    CatchUp(WorkspaceId),
    /// To take in the changes of an object.
    Fetch(WorkspaceId, ObjectName),
    /// To put a workspace's document where its changes are.
    Compact(WorkspaceId),
    /// To remove what a document has taken the place of.
    Tidy(WorkspaceId),
}

/// Things to do.
#[derive(Default)]
pub(super) struct Jobs {
    state: Mutex<State>,
    changed: Notify,
    settled: Notify,
}

#[derive(Default)]
struct State {
    is_open: bool,
    waiting: VecDeque<Job>,
    /// The same.
    known: HashSet<Job>,
    running: HashSet<Job>,
    /// Those that are to be done once more when they are done.
    again: HashSet<Job>,
}

/// A job that is being done. Dropping it says that it is over.
pub(super) struct Running {
    jobs: Arc<Jobs>,
    pub(super) job: Job,
}

impl Jobs {
    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// From now on jobs are taken.
    pub(super) fn open(&self) {
        self.lock().is_open = true;
    }

    /// Forgets all that waits, and takes nothing more.
    pub(super) fn close(&self) {
        let mut state = self.lock();
        (state.is_open, state.waiting) = (false, VecDeque::new());
        state.known = HashSet::new();
        state.again = HashSet::new();
        drop(state);
        self.settled.notify_waiters();
    }

    /// Wants something done after this.
    pub(super) fn want(&self, job: Job) {
        let mut state = self.lock();
        if !state.is_open {
            return;
        }
        if state.running.contains(&job) {
            state.again.insert(job);
        } else if state.known.insert(job.clone()) {
            state.waiting.push_back(job);
        }
        drop(state);
        self.changed.notify_one();
    }

    /// The next job.
    pub(super) fn take(self: &Arc<Self>) -> Option<Running> {
        let mut state = self.lock();
        let job = state.waiting.pop_front()?;
        state.known.remove(&job);
        state.running.insert(job.clone());
        Some(Running { jobs: Arc::clone(self), job })
    }

    /// Waits for a job, or for one that is over.
    pub(super) async fn changed(&self) {
        self.changed.notified().await;
    }

    /// How many wait.
    pub(super) fn waiting(&self) -> usize {
        self.lock().waiting.len()
    }

    /// Waits until nothing is to be done.
    pub(super) async fn settled(&self) {
        loop {
            let settled = self.settled.notified();
            tokio::pin!(settled);
            settled.as_mut().enable();
            let is_settled = {
                let state = self.lock();
                state.waiting.is_empty() && state.running.is_empty()
            };
            if is_settled {
                return;
            }
            settled.await;
        }
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        let mut state = self.jobs.lock();
        state.running.remove(&self.job);
        if state.again.remove(&self.job) && state.known.insert(self.job.clone()) {
            state.waiting.push_back(self.job.clone());
        }
        drop(state);
        self.jobs.changed.notify_one();
        self.jobs.settled.notify_waiters();
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::{Job, Jobs};
    use crate::workspaces::id::WorkspaceId;

    fn publish(id: &str) -> Job {
        Job::Publish(WorkspaceId::parse(id).unwrap())
    }

    fn next(jobs: &Arc<Jobs>) -> Option<Job> {
        jobs.take().map(|running| running.job.clone())
    }

    #[test]
    fn each_is_done_once_at_a_time_and_again_when_it_is_wanted_again() {
        let jobs = Arc::new(Jobs::default());
        jobs.want(publish("a"));
        assert_eq!(next(&jobs), None, "NATS is away");
        jobs.open();
        for id in ["a", "b", "a"] {
            jobs.want(publish(id));
        }
        let first = jobs.take().unwrap();
        assert_eq!((&first.job, jobs.waiting()), (&publish("a"), 1));
        jobs.want(publish("a"));
        jobs.want(publish("a"));
        assert_eq!((next(&jobs), next(&jobs)), (Some(publish("b")), None), "`a` is under way");
        drop(first);
        assert_eq!((next(&jobs), next(&jobs)), (Some(publish("a")), None));
    }

    #[test]
    fn nothing_is_kept_while_nats_is_away() {
        let jobs = Arc::new(Jobs::default());
        jobs.open();
        jobs.want(publish("a"));
        jobs.want(publish("b"));
        let running = jobs.take();
        jobs.want(publish("a"));
        jobs.close();
        drop(running);
        jobs.want(publish("c"));
        assert_eq!((next(&jobs), jobs.waiting()), (None, 0));
    }
}
