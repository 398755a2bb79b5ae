//! A switch on an accepted connection: whoever holds it can end the connection from outside, however stuck it is.
//!
//! It also ends a connection whose first request does not arrive in time: HTTP's own timeout for heads begins only
//! once a part of one can be told from HTTP/2's, so whoever sends nothing, or a single letter, would stay for ever.
//!
//! Socket.IO's own `disconnect()` has to queue a packet and so fails on the very socket whose queue is full.

use std::{
    future::Future as _,
    io,
    pin::Pin,
    sync::{
        Arc, Weak,
        atomic::{AtomicBool, AtomicU8, Ordering},
    },
    task::{Context, Poll},
    time::Duration,
};

use futures_util::task::AtomicWaker;
use pin_project_lite::pin_project;
use tokio::{
    io::{AsyncRead, AsyncWrite, ReadBuf},
    time::Sleep,
};

use super::crowd::Present;

const OPEN: u8 = 0;
const HUNG_UP: u8 = 1;
const KILLED: u8 = 2;

/// Ends one connection. Cheap to clone; idempotent.
#[derive(Clone, Debug, Default)]
pub(crate) struct KillSwitch(Arc<Shared>);

/// A switch that does not keep its connection's memory.
#[derive(Clone, Debug)]
pub(crate) struct WeakKillSwitch(Weak<Shared>);

impl WeakKillSwitch {
    /// The switch, while the connection lasts.
    pub(crate) fn upgrade(&self) -> Option<KillSwitch> {
        self.0.upgrade().map(KillSwitch)
    }
}

#[derive(Debug, Default)]
struct Shared {
    state: AtomicU8,
    /// Whether the connection has had a request.
    used: AtomicBool,
    reader: AtomicWaker,
    writer: AtomicWaker,
}

impl KillSwitch {
    /// Ends the connection at once; what is queued is lost.
    pub(crate) fn kill(&self) {
        self.0.state.store(KILLED, Ordering::SeqCst);
        self.0.reader.wake();
        self.0.writer.wake();
    }

    /// Lets the connection's reader see its end, as if the client had closed its side: what is queued still goes
    /// out, then the connection closes.
    pub(crate) fn hang_up(&self) {
        let open = self.0.state.compare_exchange(OPEN, HUNG_UP, Ordering::SeqCst, Ordering::SeqCst);
        if open.is_ok() {
            self.0.reader.wake();
        }
    }

    pub(crate) fn downgrade(&self) -> WeakKillSwitch {
        WeakKillSwitch(Arc::downgrade(&self.0))
    }

    /// A request has arrived.
    pub(crate) fn mark_used(&self) {
        self.0.used.store(true, Ordering::Release);
    }

    /// Guards a stream whose first request has to arrive in time.
    pub(crate) fn guard<S>(&self, stream: S, first_request: Duration, present: Present) -> Guarded<S> {
        let unused = Some(Box::pin(tokio::time::sleep(first_request)));
        Guarded { stream, switch: self.clone(), unused, _present: present }
    }

    fn state(&self) -> u8 {
        self.0.state.load(Ordering::SeqCst)
    }
}

pin_project! {
    /// A stream that its [`KillSwitch`] can end.
    #[derive(Debug)]
    pub(crate) struct Guarded<S> {
        #[pin]
        stream: S,
        switch: KillSwitch,
        // Runs out while no request has arrived.
        unused: Option<Pin<Box<Sleep>>>,
        _present: Present,
    }
}

fn killed() -> io::Error {
    io::Error::new(io::ErrorKind::ConnectionAborted, "the server ended the connection")
}

impl<S: AsyncRead> AsyncRead for Guarded<S> {
    fn poll_read(self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        let this = self.project();
        if this.switch.state() == OPEN {
            match this.stream.poll_read(cx, buf) {
                Poll::Pending => this.switch.0.reader.register(cx.waker()),
                ready => return ready,
            }
            if this.switch.0.used.load(Ordering::Acquire) {
                *this.unused = None;
            } else if let Some(unused) = this.unused
                && unused.as_mut().poll(cx).is_ready()
            {
                return Poll::Ready(Err(io::ErrorKind::TimedOut.into()));
            }
        }
        // Looked at again after registering, so that no switch between the two goes unseen.
        match this.switch.state() {
            OPEN => Poll::Pending,
            HUNG_UP => Poll::Ready(Ok(())),
            _ => Poll::Ready(Err(killed())),
        }
    }
}

impl<S: AsyncWrite> Guarded<S> {
    fn poll_write_side<T>(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        poll: impl FnOnce(Pin<&mut S>, &mut Context<'_>) -> Poll<io::Result<T>>,
    ) -> Poll<io::Result<T>> {
        let this = self.project();
        if this.switch.state() == KILLED {
            return Poll::Ready(Err(killed()));
        }
        match poll(this.stream, cx) {
            Poll::Pending => {
                this.switch.0.writer.register(cx.waker());
                if this.switch.state() == KILLED { Poll::Ready(Err(killed())) } else { Poll::Pending }
            }
            ready => ready,
        }
    }
}

impl<S: AsyncWrite> AsyncWrite for Guarded<S> {
    fn poll_write(self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &[u8]) -> Poll<io::Result<usize>> {
        self.poll_write_side(cx, |stream, cx| stream.poll_write(cx, buf))
    }

    fn poll_flush(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.poll_write_side(cx, |stream, cx| stream.poll_flush(cx))
    }

    fn poll_shutdown(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.poll_write_side(cx, |stream, cx| stream.poll_shutdown(cx))
    }

    fn poll_write_vectored(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bufs: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        self.poll_write_side(cx, |stream, cx| stream.poll_write_vectored(cx, bufs))
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};

    use super::KillSwitch;
    use crate::net::Crowd;

    #[tokio::test]
    async fn a_stuck_writer_is_ended() {
        let switch = KillSwitch::default();
        let (near, _far) = tokio::io::duplex(8);
        let mut stream = switch.guard(near, Duration::from_secs(60), Crowd::default().enter());
        let stuck = tokio::spawn(async move { stream.write_all(&[0; 64]).await });
        tokio::task::yield_now().await;
        switch.kill();
        stuck.await.unwrap().unwrap_err();
    }

    #[tokio::test]
    async fn hanging_up_ends_the_reader_and_not_the_writer() {
        let switch = KillSwitch::default();
        let (near, mut far) = tokio::io::duplex(64);
        let (mut read, mut write) =
            tokio::io::split(switch.guard(near, Duration::from_secs(60), Crowd::default().enter()));
        let reading = tokio::spawn(async move { read.read(&mut [0; 8]).await });
        tokio::task::yield_now().await;
        switch.hang_up();
        assert_eq!(reading.await.unwrap().unwrap(), 0);
        write.write_all(b"bye").await.unwrap();
        let mut said = [0; 3];
        far.read_exact(&mut said).await.unwrap();
        assert_eq!(&said, b"bye");
    }
}
