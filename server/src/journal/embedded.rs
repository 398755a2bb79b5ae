//! The journal on this machine's disk: in one file of a folder, which one process has open at a time.
//!
//! It is no cache: what is appended is on disk when its commit returns, and nothing is read that is not. Commits wait in
//! one line for one thread (`writer.rs`), which carries out all that wait as one transaction of the engine with one sync.
//! The engine and what is on disk are in `engine.rs`; nothing else knows which engine it is.

#[cfg(test)]
mod crash;
#[cfg(test)]
mod disk;
mod engine;
mod file;
#[cfg(test)]
mod tests;
mod writer;

use std::{path::Path, sync::Arc};

use futures_util::{FutureExt as _, future::BoxFuture};
use tokio::sync::Semaphore;

use self::{
    engine::{Engine, Opener},
    writer::Writer,
};
use super::{Contents, Journal, JournalError, LogId, Space, Write};

/// How many reads are under way at once; others wait. Each has a thread of the runtime's, and a disk that hangs is not
/// to have them all.
const READS: usize = 4;

/// How much may wait to be written.
const LINE_BYTES: usize = 256 << 20;

/// The journal on disk. To drop it waits until all commits that it accepted are carried out.
pub(crate) struct EmbeddedJournal {
    writer: Writer,
    engine: Arc<Engine>,
    reads: Arc<Semaphore>,
}

impl EmbeddedJournal {
    /// Opens the journal in this folder, or begins one. Reads and writes files, so not on the reactor: after a crash all
    /// of the journal is read, 0.8 s for a million entries of 200 bytes.
    pub(crate) fn open(folder: impl AsRef<Path>) -> Result<Self, JournalError> {
        let folder = folder.as_ref().to_owned();
        let place = folder.display().to_string();
        Self::on(Box::new(move |again| file::open(&folder, again)), LINE_BYTES)
            .map_err(|why| JournalError::new(format!("the journal in {place} cannot be opened: {why}")))
    }

    fn on(opener: Opener, line_bytes: usize) -> Result<Self, JournalError> {
        let engine = Arc::new(Engine::open(opener)?);
        let writer = Writer::start(Arc::clone(&engine), line_bytes)?;
        Ok(Self { writer, engine, reads: Arc::new(Semaphore::new(READS)) })
    }

    fn read_with<T: Send + 'static>(
        &self,
        read: impl FnOnce(&Engine) -> Result<T, JournalError> + Send + 'static,
    ) -> BoxFuture<'static, Result<T, JournalError>> {
        let (engine, reads) = (Arc::clone(&self.engine), Arc::clone(&self.reads));
        async move {
            let turn = reads.acquire_owned().await.map_err(JournalError::new)?;
            let read = tokio::task::spawn_blocking(move || {
                let _until_it_is_done = turn;
                read(&engine)
            });
            read.await.map_err(JournalError::new)?
        }
        .boxed()
    }
}

impl Journal for EmbeddedJournal {
    fn commit(&self, writes: Vec<Write>) -> BoxFuture<'static, Result<Vec<u64>, JournalError>> {
        self.writer.commit(writes)
    }

    fn read(
        &self,
        log: &LogId,
        after: u64,
        limit: usize,
    ) -> BoxFuture<'static, Result<Contents, JournalError>> {
        let log = log.clone();
        self.read_with(move |engine| engine.read(&log, after, limit))
    }

    fn logs(
        &self,
        space: Space,
        after: &str,
        limit: usize,
    ) -> BoxFuture<'static, Result<Vec<Arc<str>>, JournalError>> {
        let after = after.to_owned();
        self.read_with(move |engine| engine.logs(space, &after, limit))
    }
}
