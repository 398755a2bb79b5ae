//! The journal in this process's memory: for tests, and for a server without a data folder.
//!
//! Nothing of it is durable: it is gone when the process stops. What it takes in memory is not bounded; what is appended
//! to it has to be compacted or dropped.

use std::{
    collections::{BTreeMap, VecDeque},
    ops::Bound,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use bytes::Bytes;
use futures_util::{FutureExt as _, future::BoxFuture};

use super::{
    Contents, Entry, Journal, JournalError, Limit, LogId, Snapshot, Space, Write,
    plan::{Head, Plan, Step},
};

/// The journal in memory.
#[derive(Default)]
pub(crate) struct MemoryJournal {
    logs: Mutex<BTreeMap<LogId, Log>>,
    #[cfg(test)]
    faults: faults::Faults,
}

#[derive(Default)]
struct Log {
    head: Head,
    snapshot: Bytes,
    entries: VecDeque<Bytes>,
}

impl MemoryJournal {
    fn lock(&self) -> MutexGuard<'_, BTreeMap<LogId, Log>> {
        self.logs.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn write(&self, writes: &[Write]) -> Result<Vec<u64>, JournalError> {
        let mut logs = self.lock();
        let plan = Plan::of(writes, |log| logs.get(log).map_or_else(Head::default, |log| log.head))?;
        for step in plan.steps {
            match step {
                Step::Put(log, _, entry) => {
                    logs.entry(log.clone()).or_default().entries.push_back(entry.clone());
                }
                Step::Remove(log, entries) => {
                    let log = logs.entry(log.clone()).or_default();
                    for _ in entries {
                        log.entries.pop_front();
                    }
                }
                Step::PutSnapshot(log, snapshot) => {
                    logs.entry(log.clone()).or_default().snapshot = snapshot.clone();
                }
                Step::RemoveSnapshot(log) => logs.entry(log.clone()).or_default().snapshot = Bytes::new(),
            }
        }
        for (id, head) in plan.heads {
            if head.is_empty() {
                logs.remove(id);
            } else if let Some(log) = logs.get_mut(id) {
                log.head = head;
            }
        }
        Ok(plan.positions)
    }

    fn contents(&self, log: &LogId, after: u64, limit: usize) -> Contents {
        let logs = self.lock();
        let Some(log) = logs.get(log) else { return Contents::default() };
        let snapshot = log
            .head
            .snapshot
            .filter(|through| *through > after)
            .map(|through| Snapshot { through, bytes: log.snapshot.clone() });
        let first = after.saturating_add(1).max(log.head.first);
        let behind = usize::try_from(first - log.head.first).unwrap_or(usize::MAX);
        let mut limit = Limit::new(limit);
        let mut entries = Vec::new();
        for (bytes, position) in log.entries.iter().skip(behind).zip(first..) {
            if limit.is_reached() {
                return Contents { snapshot, entries, more: true };
            }
            limit.count(bytes);
            entries.push(Entry { position, bytes: bytes.clone() });
        }
        Contents { snapshot, entries, more: false }
    }
}

impl Journal for MemoryJournal {
    fn commit(&self, writes: Vec<Write>) -> BoxFuture<'static, Result<Vec<u64>, JournalError>> {
        #[cfg(test)]
        {
            self.commit_with_faults(writes)
        }
        #[cfg(not(test))]
        {
            std::future::ready(self.write(&writes)).boxed()
        }
    }

    fn read(
        &self,
        log: &LogId,
        after: u64,
        limit: usize,
    ) -> BoxFuture<'static, Result<Contents, JournalError>> {
        std::future::ready(Ok(self.contents(log, after, limit))).boxed()
    }

    fn logs(
        &self,
        space: Space,
        after: &str,
        limit: usize,
    ) -> BoxFuture<'static, Result<Vec<Arc<str>>, JournalError>> {
        let logs = self.lock();
        let after = Bound::Excluded(LogId::new(space, after));
        let ids = logs
            .range((after, Bound::Unbounded))
            .map(|(log, _)| log)
            .take_while(|log| log.space == space)
            .take(limit)
            .map(|log| Arc::clone(&log.id))
            .collect();
        std::future::ready(Ok(ids)).boxed()
    }
}

/// What a test can have go wrong. Reads are never disturbed.
#[cfg(test)]
mod faults {
    use tokio::sync::oneshot;

    use super::*;

    type Answer = Result<Vec<u64>, JournalError>;
    type Held = (Vec<Write>, oneshot::Sender<Answer>);

    #[derive(Default)]
    pub(super) struct Faults(Mutex<Kept>);

    #[derive(Default)]
    struct Kept {
        fails: usize,
        unsure: usize,
        holds: bool,
        held: VecDeque<Held>,
    }

    impl MemoryJournal {
        /// Fails the next `n` commits, which do nothing.
        pub(crate) fn fail_next(&self, n: usize) {
            self.faults().fails = n;
        }

        /// Carries out the next `n` commits, and says that they failed.
        pub(crate) fn unsure_next(&self, n: usize) {
            self.faults().unsure = n;
        }

        /// Holds back every commit from now on: none is carried out, nor seen, nor answered.
        pub(crate) fn hold(&self) {
            self.faults().holds = true;
        }

        /// How many commits are held back.
        pub(crate) fn held(&self) -> usize {
            self.faults().held.len()
        }

        /// Carries out the first of those held back, and still holds the others.
        pub(crate) fn release_one(&self) {
            let first = self.faults().held.pop_front();
            self.carry_out(first);
        }

        /// Carries out all that was held back, and holds no more.
        pub(crate) fn release(&self) {
            loop {
                let mut faults = self.faults();
                let first = faults.held.pop_front();
                faults.holds = first.is_some();
                drop(faults);
                if first.is_none() {
                    return;
                }
                self.carry_out(first);
            }
        }

        fn carry_out(&self, held: Option<Held>) {
            if let Some((writes, answer)) = held {
                let _nobody_waits = answer.send(self.faulty(&writes));
            }
        }

        fn faults(&self) -> MutexGuard<'_, Kept> {
            self.faults.0.lock().unwrap_or_else(PoisonError::into_inner)
        }

        pub(super) fn commit_with_faults(&self, writes: Vec<Write>) -> BoxFuture<'static, Answer> {
            let mut faults = self.faults();
            if !faults.holds {
                drop(faults);
                return std::future::ready(self.faulty(&writes)).boxed();
            }
            let (answer, answered) = oneshot::channel();
            faults.held.push_back((writes, answer));
            async { answered.await.unwrap_or_else(|_| Err(JournalError::new("the journal is gone"))) }.boxed()
        }

        fn faulty(&self, writes: &[Write]) -> Answer {
            let counted_down = |n: &mut usize| std::mem::replace(n, n.saturating_sub(1)) > 0;
            if counted_down(&mut self.faults().fails) {
                return Err(JournalError::new("made to fail"));
            }
            let answer = self.write(writes);
            if counted_down(&mut self.faults().unsure) {
                return Err(JournalError::new("made to say that it failed"));
            }
            answer
        }
    }
}

#[cfg(test)]
mod tests {
    use futures_util::FutureExt as _;

    use super::*;
    use crate::journal::contract;

    fn append(log: &LogId) -> Vec<Write> {
        vec![Write::Append { log: log.clone(), entry: Bytes::from_static(b"x") }]
    }

    #[tokio::test]
    async fn fulfils_the_contract() {
        contract::check(async || Arc::new(MemoryJournal::default()) as _).await;
    }

    #[test]
    fn does_what_the_model_does() {
        contract::model::check(256, || Arc::new(MemoryJournal::default()) as _, |journal| journal);
    }

    #[tokio::test]
    async fn what_is_held_back_is_carried_out_in_order() {
        let journal = MemoryJournal::default();
        let log = LogId::new(Space::Workspaces, "a");
        journal.hold();
        let mut commits: Vec<_> = (0..3).map(|_| journal.commit(append(&log))).collect();
        assert_eq!(journal.held(), 3);
        assert!((&mut commits[0]).now_or_never().is_none());
        assert_eq!(journal.contents(&log, 0, 100), Contents::default());
        journal.release_one();
        assert_eq!(journal.contents(&log, 0, 100).entries.len(), 1);
        journal.release();
        for (position, commit) in (1..).zip(commits) {
            assert_eq!(commit.await.unwrap(), [position]);
        }
        assert_eq!(journal.commit(append(&log)).await.unwrap(), [4]);
    }

    #[tokio::test]
    async fn it_fails_when_it_is_told_to() {
        let journal = MemoryJournal::default();
        let log = LogId::new(Space::Workspaces, "a");
        journal.fail_next(1);
        journal.commit(append(&log)).await.unwrap_err();
        assert_eq!(journal.contents(&log, 0, 100), Contents::default());
        journal.unsure_next(1);
        journal.commit(append(&log)).await.unwrap_err();
        assert_eq!(journal.commit(append(&log)).await.unwrap(), [2], "it was carried out");
    }

    #[tokio::test]
    async fn nothing_stays_of_what_is_dropped() {
        let journal = MemoryJournal::default();
        for number in 0..1000 {
            let log = LogId::new(Space::Webhooks, number.to_string());
            let through = journal.commit(append(&log)).await.unwrap()[0];
            journal.commit(vec![Write::Drop { log, through }]).await.unwrap();
        }
        assert!(journal.lock().is_empty());
    }
}
