//! The processes of a bench of state: nodes, and the Redis or the NATS that they share.

use std::net::{Ipv4Addr, TcpListener, TcpStream};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use anyhow::{Context as _, bail, ensure};

use super::client::Http;
use crate::process::{Program, Running};

/// Debian has it where only root looks.
const NATS: [&str; 2] = ["nats-server", "/usr/sbin/nats-server"];

/// A server that nodes share, of this bench's own.
pub(super) struct Shared {
    child: Child,
    scheme: &'static str,
    port: u16,
}

impl Shared {
    /// A redis-server, in memory only.
    pub(super) fn redis() -> anyhow::Result<Self> {
        let port = free_port()?.to_string();
        let arguments = ["--port", &port, "--bind", "127.0.0.1", "--save", "", "--appendonly", "no"];
        let started = Self::start("redis", &["redis-server"], &arguments, &port)?;
        started.context("cannot start redis-server; `cargo xtask test` installs it")
    }

    /// A nats-server that keeps its streams in that folder; nothing if there is none on this machine.
    pub(super) fn nats(folder: &Path) -> anyhow::Result<Option<Self>> {
        let port = free_port()?.to_string();
        let folder = folder.to_str().context("a folder whose name is text")?;
        Self::start("nats", &NATS, &["-js", "-a", "127.0.0.1", "-p", &port, "-sd", folder], &port)
    }

    /// Starts the first of these programs that there is, and waits until it listens.
    fn start(
        scheme: &'static str,
        programs: &[&str],
        arguments: &[&str],
        port: &str,
    ) -> anyhow::Result<Option<Self>> {
        let started = programs.iter().find_map(|program| {
            let mut command = Command::new(program);
            command.args(arguments).stdout(Stdio::null()).stderr(Stdio::null()).spawn().ok()
        });
        let Some(child) = started else { return Ok(None) };
        let shared = Self { child, scheme, port: port.parse()? };
        let until = Instant::now() + Duration::from_secs(10);
        while TcpStream::connect((Ipv4Addr::LOCALHOST, shared.port)).is_err() {
            ensure!(Instant::now() < until, "{scheme} does not listen");
            std::thread::sleep(Duration::from_millis(10));
        }
        Ok(Some(shared))
    }

    pub(super) fn url(&self) -> String {
        format!("{}://127.0.0.1:{}", self.scheme, self.port)
    }

    pub(super) fn id(&self) -> u32 {
        self.child.id()
    }
}

impl Drop for Shared {
    fn drop(&mut self) {
        self.child.kill().ok();
        self.child.wait().ok();
    }
}

pub(super) fn free_port() -> anyhow::Result<u16> {
    Ok(TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?.local_addr()?.port())
}

/// Starts a node with these settings and waits until it is ready.
pub(super) async fn start(settings: &[(&str, &str)]) -> anyhow::Result<Running> {
    // Each write is logged otherwise, onto the bench's own output.
    let settings = settings.iter().chain(&[("RUST_LOG", "warn")]);
    let settings: Vec<String> = settings.map(|(name, value)| format!("{name}={value}")).collect();
    let arguments = settings.iter().flat_map(|setting| ["--set", setting.as_str()]);
    let arguments: Vec<&str> = std::iter::once("serve-syncline").chain(arguments).collect();
    let node = Running::start(Program::own(&arguments)?, None)?;
    let until = Instant::now() + Duration::from_secs(20);
    loop {
        let (status, body) = Http::connect(node.address).await?.call("GET", "/readyz", None, b"").await?;
        match status {
            200 => return Ok(node),
            _ if Instant::now() > until => bail!("a node does not get ready: {body}"),
            _ => tokio::time::sleep(Duration::from_millis(20)).await,
        }
    }
}
