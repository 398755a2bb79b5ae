//! A server that runs: where it listens, and how it is told to stop.
//!
//! What it does until then, and how it ends, is the composition root's.

use std::{future::Future, io, net::SocketAddr};

use tokio::sync::oneshot;

/// Listens for the signals from now on; the future ends at the first.
#[cfg(unix)]
pub(crate) fn stop_signal() -> io::Result<impl Future<Output = &'static str> + Send> {
    use tokio::signal::unix::{SignalKind, signal};
    let (mut interrupt, mut terminate) = (signal(SignalKind::interrupt())?, signal(SignalKind::terminate())?);
    Ok(async move {
        tokio::select! {
            _ = interrupt.recv() => "interrupt",
            _ = terminate.recv() => "terminate",
        }
    })
}

/// Listens for Ctrl-C from now on.
#[cfg(not(unix))]
pub(crate) fn stop_signal() -> io::Result<impl Future<Output = &'static str> + Send> {
    Ok(async {
        let _pressed_or_unavailable = tokio::signal::ctrl_c().await;
        "interrupt"
    })
}

/// A server that runs. Dropping it stops it without waiting.
#[derive(Debug)]
pub struct Running {
    pub(crate) address: SocketAddr,
    pub(crate) stop: Option<oneshot::Sender<()>>,
    pub(crate) end: Option<oneshot::Receiver<()>>,
    pub(crate) thread: Option<std::thread::JoinHandle<io::Result<()>>>,
}

impl Running {
    /// Where it listens.
    #[must_use]
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Stops it gracefully and waits for the end.
    pub async fn shutdown(mut self) {
        self.stop.take();
        if let Some(end) = self.end.take() {
            let _ended = end.await;
        }
    }

    pub(crate) fn join(mut self) -> io::Result<()> {
        match self.thread.take().map(std::thread::JoinHandle::join) {
            Some(Ok(result)) => result,
            Some(Err(_panic)) => Err(io::Error::other("the server's thread panicked")),
            None => Ok(()),
        }
    }
}
