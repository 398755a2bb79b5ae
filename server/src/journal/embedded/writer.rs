//! The thread that writes: all commits that wait are carried out as one transaction, with one sync, and then answered.
//!
//! A commit is put in line when it is called, so the order is that of the calls. The line is bounded by the bytes in it:
//! past the bound a commit fails at once, as its caller could not be made to wait without losing its place.

use std::{
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
        mpsc::{Receiver, Sender, channel},
    },
    thread::JoinHandle,
};

use futures_util::{FutureExt as _, future::BoxFuture};
use tokio::sync::oneshot;

use super::engine::{Answer, Engine, Places};
use crate::journal::{JournalError, Write};

/// What a commit and each of its writes takes in line, beside ids and entries.
const OVERHEAD: usize = 128;

/// How many commits, and about how many bytes, are one transaction.
const GROUP: usize = 1000;
const GROUP_BYTES: usize = 8 << 20;

struct Job {
    writes: Vec<Write>,
    bytes: usize,
    answer: oneshot::Sender<Answer>,
}

/// The thread and the line to it. To drop it waits until the line is empty.
pub(super) struct Writer {
    line: Option<Sender<Job>>,
    bound: usize,
    waiting: Arc<AtomicUsize>,
    thread: Option<JoinHandle<()>>,
}

impl Writer {
    /// Starts the thread. About `bound` bytes may wait in line; a commit that is larger is accepted when nothing waits.
    pub(super) fn start(engine: Arc<Engine>, bound: usize) -> Result<Self, JournalError> {
        let (line, jobs) = channel();
        let waiting = Arc::new(AtomicUsize::new(0));
        let done = Arc::clone(&waiting);
        let thread = std::thread::Builder::new().name("journal".to_owned());
        let thread = thread.spawn(move || write(&engine, &jobs, &done)).map_err(JournalError::new)?;
        Ok(Self { line: Some(line), bound, waiting, thread: Some(thread) })
    }

    /// Puts a commit in line.
    pub(super) fn commit(&self, writes: Vec<Write>) -> BoxFuture<'static, Answer> {
        let bytes = writes.iter().fold(OVERHEAD, |bytes, write| bytes + OVERHEAD + size(write));
        let before = self.waiting.fetch_add(bytes, Ordering::AcqRel);
        if before > 0 && before.saturating_add(bytes) > self.bound {
            self.waiting.fetch_sub(bytes, Ordering::AcqRel);
            let why = JournalError::new(format!("{before} bytes wait to be written already"));
            return std::future::ready(Err(why)).boxed();
        }
        let (answer, answered) = oneshot::channel();
        let sent = self.line.as_ref().map(|line| line.send(Job { writes, bytes, answer }));
        // Without a thread the answer's sender is gone, and so is the answer.
        drop(sent);
        async { answered.await.unwrap_or_else(|_| Err(JournalError::new("the journal has stopped"))) }.boxed()
    }
}

impl Drop for Writer {
    fn drop(&mut self) {
        self.line = None;
        if let Some(thread) = self.thread.take() {
            let _has_panicked = thread.join();
        }
    }
}

fn size(write: &Write) -> usize {
    let bytes = match write {
        Write::Append { entry, .. } => entry.len(),
        Write::Compact { snapshot, .. } => snapshot.len(),
        Write::Drop { .. } => 0,
    };
    write.log().id.len() + bytes
}

/// Carries out what comes, until nobody is there to send any.
fn write(engine: &Engine, jobs: &Receiver<Job>, waiting: &AtomicUsize) {
    let mut places = Places::default();
    while let Ok(first) = jobs.recv() {
        let mut bytes = first.bytes;
        let mut group = vec![first];
        while group.len() < GROUP && bytes < GROUP_BYTES {
            let Ok(job) = jobs.try_recv() else { break };
            bytes += job.bytes;
            group.push(job);
        }
        let commits: Vec<&[Write]> = group.iter().map(|job| job.writes.as_slice()).collect();
        let answers = engine.carry_out(&commits, &mut places).unwrap_or_else(|why| {
            tracing::error!(%why, commits = commits.len(), "the journal could not be written");
            vec![Err(why); commits.len()]
        });
        // Before the answers: whoever has one finds its place in line free.
        waiting.fetch_sub(bytes, Ordering::AcqRel);
        for (job, answer) in group.into_iter().zip(answers) {
            let _nobody_waits = job.answer.send(answer);
        }
    }
}
