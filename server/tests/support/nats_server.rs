//! A real nats-server with JetStream. It knows what it was told again after it was killed.

use std::{
    io::Read as _,
    net::{SocketAddr, TcpStream},
    path::Path,
    time::Duration,
};

use crate::own_server::{OwnServer, Program};

/// A running nats-server, or one that was killed.
pub(crate) type NatsServer = OwnServer<Nats>;

/// nats-server.
pub(crate) enum Nats {}

impl Program for Nats {
    /// Debian has it where only root looks.
    const PROGRAMS: &'static [&'static str] = &["nats-server", "/usr/sbin/nats-server"];

    fn arguments(port: u16, folder: &Path) -> Vec<String> {
        let folder = folder.to_str().expect("a name in UTF-8");
        ["-js", "-a", "127.0.0.1", "-p", &port.to_string(), "-sd", folder].map(str::to_owned).into()
    }

    /// Whether it says who it is, and that it has JetStream.
    fn is_ready(address: SocketAddr) -> bool {
        let Ok(mut stream) = TcpStream::connect(address) else { return false };
        let _or_it_waits_longer = stream.set_read_timeout(Some(Duration::from_secs(5)));
        let mut said = [0; 4096];
        let read = stream.read(&mut said).unwrap_or_default();
        String::from_utf8_lossy(&said[..read]).contains("\"jetstream\":true")
    }
}

impl NatsServer {
    pub(crate) fn url(&self) -> String {
        url(self.port())
    }
}

/// The URL of a server on that port.
pub(crate) fn url(port: u16) -> String {
    format!("nats://127.0.0.1:{port}")
}
