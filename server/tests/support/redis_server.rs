//! A real redis-server. It keeps every write on disk, so that it knows it again after it was killed.

use std::{
    io::{Read as _, Write as _},
    net::{SocketAddr, TcpStream},
    path::Path,
    time::Duration,
};

use crate::own_server::{OwnServer, Program};

/// A running redis-server, or one that was killed.
pub(crate) type RedisServer = OwnServer<Redis>;

/// redis-server.
pub(crate) enum Redis {}

impl Program for Redis {
    const PROGRAMS: &'static [&'static str] = &["redis-server"];

    fn arguments(port: u16, folder: &Path) -> Vec<String> {
        let (port, folder) = (port.to_string(), folder.to_str().expect("a name in UTF-8"));
        let serving = ["--bind", "127.0.0.1", "--port", &port, "--save", "", "--dir", folder];
        [&serving[..], &["--appendonly", "yes", "--appendfsync", "always"]]
            .concat()
            .into_iter()
            .map(str::to_owned)
            .collect()
    }

    /// While it reads what it kept it answers, but not this.
    fn is_ready(address: SocketAddr) -> bool {
        try_command(address, &["PING"]).is_ok_and(|answer| answer.starts_with("+PONG"))
    }
}

impl RedisServer {
    pub(crate) fn url(&self) -> String {
        format!("redis://127.0.0.1:{}", self.port())
    }

    /// Sends a command; what is answered.
    pub(crate) fn command(&self, words: &[&str]) -> String {
        try_command(self.address(), words).expect("an answer")
    }
}

fn try_command(address: SocketAddr, words: &[&str]) -> std::io::Result<String> {
    let mut stream = TcpStream::connect(address)?;
    stream.set_read_timeout(Some(Duration::from_secs(5)))?;
    stream.write_all(format!("{}\r\n", words.join(" ")).as_bytes())?;
    let mut answer = [0; 1024];
    let read = stream.read(&mut answer)?;
    Ok(String::from_utf8_lossy(&answer[..read]).into_owned())
}
