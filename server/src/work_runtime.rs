//! The runtime for work that takes the processor or the disk, so that neither holds up the sockets, which have one of
//! their own.

use std::{io, num::NonZeroUsize, time::Duration};

use tokio::runtime::{Builder, Handle, Runtime};

/// How long what still runs may take when the server ends.
const END_WITHIN: Duration = Duration::from_secs(1);

/// The runtime. Dropping it ends it.
pub(crate) struct WorkRuntime(Option<Runtime>);

impl WorkRuntime {
    /// One with a thread for each core.
    pub(crate) fn new() -> io::Result<Self> {
        let threads = std::thread::available_parallelism().map_or(1, NonZeroUsize::get);
        let runtime = Builder::new_multi_thread()
            .worker_threads(threads)
            .enable_all()
            .thread_name("syncline-work")
            .build()?;
        Ok(Self(Some(runtime)))
    }

    pub(crate) fn handle(&self) -> Handle {
        self.0.as_ref().map_or_else(Handle::current, |runtime| runtime.handle().clone())
    }
}

impl Drop for WorkRuntime {
    fn drop(&mut self) {
        if let Some(runtime) = self.0.take() {
            runtime.shutdown_timeout(END_WITHIN);
        }
    }
}
