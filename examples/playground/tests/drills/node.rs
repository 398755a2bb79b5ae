//! A node: the playground's binary as a process of its own.

use std::{
    io::{BufRead as _, BufReader},
    net::SocketAddr,
    process::{Child, Command, Stdio},
    time::Duration,
};

use syncline_testkit::{Client, Handshake, SECRET, Token, call, within};
use tokio::net::TcpStream;
use tokio_tungstenite::{WebSocketStream, client_async};

use crate::{own_server::free_port, redis_server::RedisServer};

/// A node on a port of its own, which it keeps when it is started again.
pub(crate) struct Node {
    child: Child,
    pub(crate) address: SocketAddr,
    settings: Vec<(&'static str, String)>,
}

impl Node {
    /// Starts a node at that Redis, which keeps nothing itself, and waits until it is ready.
    pub(crate) async fn start(redis: &RedisServer) -> Self {
        Self::start_with(vec![("REDIS_URL", redis.url()), ("DATA_DIR", "off".to_owned())]).await
    }

    /// Starts a node with these settings, and waits until it is ready.
    pub(crate) async fn start_with(settings: Vec<(&'static str, String)>) -> Self {
        let port = free_port();
        let node = Self { child: spawn(port, &settings), address: ([127, 0, 0, 1], port).into(), settings };
        node.ready().await;
        node
    }

    /// Ends it at once, as a crash does.
    pub(crate) fn kill(&mut self) {
        self.child.kill().expect("it runs");
        self.child.wait().expect("it ends");
    }

    /// Starts it again where it was.
    pub(crate) async fn restart(&mut self) {
        self.child = spawn(self.address.port(), &self.settings);
        self.ready().await;
    }

    /// The most memory that it has had, in bytes.
    pub(crate) fn peak_memory(&self) -> usize {
        let status =
            std::fs::read_to_string(format!("/proc/{}/status", self.child.id())).expect("it is Linux");
        let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:")).expect("a peak");
        line.trim().trim_end_matches(" kB").parse::<usize>().expect("a number") << 10
    }

    /// Waits until it says that it is ready.
    pub(crate) async fn ready(&self) {
        within("a ready node", async {
            while call(self.address, "GET", "/readyz", &[], "").await.status != 200 {
                tokio::time::sleep(Duration::from_millis(20)).await;
            }
        })
        .await;
    }

    /// A Socket.IO client of that user, in a room.
    pub(crate) async fn client_in(&self, user: &str, room: &str) -> Client {
        let client = Client::connect(self.address, Handshake::token(token(user))).await.expect("it connects");
        client.join(room).await;
        client
    }
}

impl Drop for Node {
    fn drop(&mut self) {
        let _perhaps_killed = self.child.kill();
        let _ended = self.child.wait();
    }
}

/// A WebSocket of a workspace.
pub(crate) type WorkspaceSocket = WebSocketStream<TcpStream>;

/// Opens a workspace as that user, or says why it cannot.
pub(crate) async fn open_workspace(
    address: SocketAddr,
    workspace: &str,
    user: &str,
) -> Result<WorkspaceSocket, Box<dyn std::error::Error + Send + Sync>> {
    let stream = TcpStream::connect(address).await?;
    let url = format!("ws://{address}/v1/sync/{workspace}?token={}", token(user));
    Ok(client_async(url, stream).await?.0)
}

/// A token of that user, with all that the drills need.
pub(crate) fn token(user: &str) -> String {
    Token::of(user).with("scope", "games:write rooms:read rooms:write read write").sign()
}

fn spawn(port: u16, own: &[(&'static str, String)]) -> Child {
    let settings = [
        ("PORT", port.to_string()),
        ("JWT_SECRET", SECRET.to_owned()),
        ("RATE_LIMIT_PER_ADDRESS", "off".to_owned()),
        ("RATE_LIMIT_PER_ROUTE", "off".to_owned()),
        ("RUST_LOG", "error".to_owned()),
        ("SSE_PER_ADDRESS", "100000".to_owned()),
        ("WS_PER_ADDRESS", "100000".to_owned()),
        // So that a line that was cut shows soon.
        ("WS_PING_SECONDS", "1".to_owned()),
    ];
    let mut command = Command::new(env!("CARGO_BIN_EXE_playground"));
    command.env_clear().current_dir(std::env::temp_dir()).envs(settings).envs(own.iter().cloned());
    let mut child = command.stdout(Stdio::piped()).spawn().expect("the binary runs");
    let mut line = String::new();
    BufReader::new(child.stdout.take().expect("its output")).read_line(&mut line).expect("a line");
    assert!(line.contains("listening on"), "a node says {line}");
    child
}
