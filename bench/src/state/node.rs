//! The processes of a bench of state: nodes, and the Redis that they share.

use std::net::{Ipv4Addr, TcpListener, TcpStream};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use anyhow::{Context as _, bail, ensure};

use super::client::Http;
use crate::process::Running;

/// A redis-server of this bench's own, in memory only.
pub(super) struct Redis {
    child: Child,
    port: u16,
}

impl Redis {
    pub(super) fn start() -> anyhow::Result<Self> {
        let port = TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?.local_addr()?.port();
        let child = Command::new("redis-server")
            .args(["--port", &port.to_string(), "--bind", "127.0.0.1", "--save", "", "--appendonly", "no"])
            .stdout(Stdio::null())
            .spawn()
            .context("cannot start redis-server; `cargo xtask test` installs it")?;
        let redis = Self { child, port };
        let until = Instant::now() + Duration::from_secs(10);
        while TcpStream::connect((Ipv4Addr::LOCALHOST, port)).is_err() {
            ensure!(Instant::now() < until, "redis-server does not listen");
            std::thread::sleep(Duration::from_millis(10));
        }
        Ok(redis)
    }

    pub(super) fn url(&self) -> String {
        format!("redis://127.0.0.1:{}", self.port)
    }

    pub(super) fn id(&self) -> u32 {
        self.child.id()
    }
}

impl Drop for Redis {
    fn drop(&mut self) {
        self.child.kill().ok();
        self.child.wait().ok();
    }
}

/// Starts a node with these settings and waits until it is ready.
pub(super) async fn start(settings: &[(&str, &str)]) -> anyhow::Result<Running> {
    // Each write is logged otherwise, onto the bench's own output.
    let settings = settings.iter().chain(&[("RUST_LOG", "warn")]);
    let settings: Vec<String> = settings.map(|(name, value)| format!("{name}={value}")).collect();
    let arguments = settings.iter().flat_map(|setting| ["--set", setting.as_str()]);
    let arguments: Vec<&str> = std::iter::once("serve-syncline").chain(arguments).collect();
    let node = Running::start(&arguments, None)?;
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
