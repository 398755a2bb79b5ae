//! Closing a connection so that its last answer arrives.
//!
//! A socket that is closed with something unread sends a reset, which can overtake the answer or take it from the client
//! that has not read it yet ([RFC 9112, 9.6](https://www.rfc-editor.org/rfc/rfc9112#section-9.6)): whoever is refused in
//! the middle of a body would never learn why. So the server says that it has ended, goes on reading for a moment, into
//! nothing, and closes once the client has closed too.
//!
//! What is ended by its kill switch or dropped, as WebSockets are, is closed at once.

use std::{
    future::Future as _,
    io,
    mem::MaybeUninit,
    pin::Pin,
    task::{Context, Poll, ready},
    time::Duration,
};

use pin_project_lite::pin_project;
use tokio::{
    io::{AsyncRead, AsyncWrite, ReadBuf},
    time::{Instant, Sleep},
};

/// How long a client may be quiet before it closes its side. Like the next, what nginx gives it.
const QUIET: Duration = Duration::from_secs(5);

/// How long it may take altogether.
const ALTOGETHER: Duration = Duration::from_secs(30);

/// How many bytes are read into nothing at the most. Whoever sends more counts as quiet, and is reset in the end.
const MAX_BYTES: usize = 4 << 20;

/// How many of them at a time.
const AT_ONCE: usize = 8 << 10;

pin_project! {
    /// A stream that does not close on a client that still sends.
    #[derive(Debug)]
    pub(crate) struct Lingering<S> {
        #[pin]
        stream: S,
        // From its shutdown on.
        end: Option<Box<End>>,
    }
}

#[derive(Debug)]
struct End {
    patience: Pin<Box<Sleep>>,
    at_last: Instant,
    discarded: usize,
}

impl End {
    fn begin() -> Self {
        let at_last = Instant::now() + ALTOGETHER;
        Self { patience: Box::pin(tokio::time::sleep(QUIET)), at_last, discarded: 0 }
    }

    fn discard(&mut self, bytes: usize) {
        self.discarded += bytes;
        self.patience.as_mut().reset(self.at_last.min(Instant::now() + QUIET));
    }
}

impl<S> Lingering<S> {
    pub(crate) fn new(stream: S) -> Self {
        Self { stream, end: None }
    }
}

impl<S: AsyncRead> AsyncRead for Lingering<S> {
    fn poll_read(self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        self.project().stream.poll_read(cx, buf)
    }
}

impl<S: AsyncRead + AsyncWrite> AsyncWrite for Lingering<S> {
    fn poll_write(self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &[u8]) -> Poll<io::Result<usize>> {
        self.project().stream.poll_write(cx, buf)
    }

    fn poll_flush(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.project().stream.poll_flush(cx)
    }

    fn poll_shutdown(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        let mut this = self.project();
        if this.end.is_none() {
            ready!(this.stream.as_mut().poll_shutdown(cx))?;
        }
        let end = this.end.get_or_insert_with(|| Box::new(End::begin()));
        while end.discarded < MAX_BYTES {
            let mut nothing = [MaybeUninit::uninit(); AT_ONCE];
            let mut nothing = ReadBuf::uninit(&mut nothing);
            match this.stream.as_mut().poll_read(cx, &mut nothing) {
                Poll::Pending => break,
                // The client has closed, or is gone.
                Poll::Ready(read) if read.is_err() || nothing.filled().is_empty() => {
                    return Poll::Ready(Ok(()));
                }
                Poll::Ready(_) => end.discard(nothing.filled().len()),
            }
        }
        end.patience.as_mut().poll(cx).map(Ok)
    }

    fn poll_write_vectored(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bufs: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        self.project().stream.poll_write_vectored(cx, bufs)
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }
}

#[cfg(test)]
mod tests {
    use tokio::{
        io::{AsyncReadExt as _, AsyncWriteExt as _, DuplexStream},
        time::{Instant, sleep},
    };

    use super::{ALTOGETHER, Lingering, MAX_BYTES, QUIET};

    /// How long a shutdown takes beside a client that does this after it has read the answer to its end.
    async fn shut_down<T>(client: impl AsyncFnOnce(DuplexStream) -> T) -> std::time::Duration {
        let (near, mut far) = tokio::io::duplex(1024);
        let mut stream = Lingering::new(near);
        stream.write_all(b"an answer").await.unwrap();
        let began = Instant::now();
        let closing = async {
            stream.shutdown().await.unwrap();
            let took = began.elapsed();
            drop(stream);
            took
        };
        let client = async {
            let mut answer = String::new();
            far.read_to_string(&mut answer).await.unwrap();
            assert_eq!(answer, "an answer");
            client(far).await
        };
        tokio::join!(closing, client).0
    }

    #[tokio::test(start_paused = true)]
    async fn a_client_that_closes_is_not_waited_for() {
        assert!(shut_down(async |far| drop(far)).await < QUIET);
    }

    #[tokio::test(start_paused = true)]
    async fn a_client_that_is_quiet_is_waited_for_so_long() {
        let took = shut_down(async |far| {
            sleep(2 * QUIET).await;
            drop(far);
        });
        assert!((QUIET..QUIET * 11 / 10).contains(&took.await));
    }

    #[tokio::test(start_paused = true)]
    async fn a_client_that_sends_now_and_then_has_an_end_too() {
        let took = shut_down(async |mut far| {
            for _ in 0..100 {
                if far.write_all(b"x").await.is_err() {
                    break;
                }
                sleep(QUIET / 2).await;
            }
        });
        assert!((ALTOGETHER..ALTOGETHER * 11 / 10).contains(&took.await));
    }

    #[tokio::test(start_paused = true)]
    async fn a_client_that_sends_without_end_is_read_so_far() {
        let mut sent = 0;
        let took = shut_down(async |mut far| {
            while let Ok(written) = far.write(&[0; 512]).await {
                sent += written;
            }
        });
        assert!((QUIET..QUIET * 11 / 10).contains(&took.await));
        assert!((MAX_BYTES..MAX_BYTES + 16_384).contains(&sent), "{sent}");
    }
}
