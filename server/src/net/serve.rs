//! Binding, accepting and serving: TCP options, the kill switch around each stream, timeouts of HTTP itself.
//!
//! What is served is the composition root's.

use std::{
    io,
    net::{IpAddr, SocketAddr, TcpListener},
    time::Duration,
};

use axum::{Extension, Router, middleware::AddExtension};
use axum_server::{Handle, accept::Accept};
use hyper_util::{
    rt::{TokioExecutor, TokioTimer},
    server::conn::auto::Builder,
};
use socket2::{Domain, Protocol, SockRef, Socket, Type};
use tokio::net::TcpStream;
use tower::Layer as _;

use super::{Crowd, KillSwitch, kill_switch::Guarded, linger::Lingering};

/// How long a client may take to send a request's head. A connection kept alive between requests counts too.
const HEADER_READ_TIMEOUT: Duration = Duration::from_secs(5);

/// How long sent bytes may stay unacknowledged before the kernel gives the peer up, or its receive window closed. One that is
/// opened for less than the next segment counts as closed: whoever lets much wait and reads 10 kB/s of it is given up too, at
/// 20 kB/s nobody is (seen on Linux 6.18, with receive buffers of 64 KiB and more).
const TCP_USER_TIMEOUT: Duration = Duration::from_secs(10);

/// Connections that may wait to be accepted.
const BACKLOG: i32 = 4096;

/// Where a server listens, and how to stop it.
pub(crate) type Listening = Handle<SocketAddr>;

/// What every request knows of its connection.
#[derive(Clone, Debug)]
pub(crate) struct Accepted {
    /// The peer's address.
    pub(crate) peer: IpAddr,
    /// Ends the connection.
    pub(crate) kill_switch: KillSwitch,
}

/// Listens on that address.
pub(crate) fn bind(address: SocketAddr) -> io::Result<TcpListener> {
    let socket = Socket::new(Domain::for_address(address), Type::STREAM, Some(Protocol::TCP))?;
    socket.set_reuse_address(true)?;
    socket.set_nonblocking(true)?;
    socket.bind(&address.into())?;
    socket.listen(BACKLOG)?;
    Ok(socket.into())
}

/// Serves until the handle is told to stop.
pub(crate) async fn serve(
    listener: TcpListener,
    app: Router,
    handle: Listening,
    crowd: Crowd,
) -> io::Result<()> {
    let mut server = axum_server::from_tcp(listener)?.acceptor(Acceptor(crowd)).handle(handle);
    // axum-server's own `http1_only` serves without upgrades, so without WebSockets; hyper's does not. Detecting the
    // version instead would wait for a first byte with no timeout.
    *server.http_builder() = Builder::new(TokioExecutor::new()).http1_only();
    server.http_builder().http1().timer(TokioTimer::new()).header_read_timeout(HEADER_READ_TIMEOUT);
    server.serve(app.into_make_service()).await
}

/// Prepares an accepted stream and lets the connection's requests know it.
#[derive(Clone, Debug)]
struct Acceptor(Crowd);

impl<S> Accept<TcpStream, S> for Acceptor {
    type Stream = Guarded<Lingering<TcpStream>>;
    type Service = AddExtension<S, Accepted>;
    type Future = std::future::Ready<io::Result<(Self::Stream, Self::Service)>>;

    fn accept(&self, stream: TcpStream, service: S) -> Self::Future {
        std::future::ready(
            self.prepare(stream).map(|(stream, accepted)| (stream, Extension(accepted).layer(service))),
        )
    }
}

impl Acceptor {
    fn prepare(&self, stream: TcpStream) -> io::Result<(Guarded<Lingering<TcpStream>>, Accepted)> {
        stream.set_nodelay(true)?;
        SockRef::from(&stream).set_tcp_user_timeout(Some(TCP_USER_TIMEOUT))?;
        let accepted = Accepted { peer: stream.peer_addr()?.ip(), kill_switch: KillSwitch::default() };
        let stream = Lingering::new(stream);
        Ok((accepted.kill_switch.guard(stream, HEADER_READ_TIMEOUT, self.0.enter()), accepted))
    }
}
