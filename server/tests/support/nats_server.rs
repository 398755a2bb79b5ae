//! A real nats-server with JetStream on a free port, for one test. It knows what it was told again after it was killed.

use std::{
    io::Read as _,
    net::{SocketAddr, TcpListener, TcpStream},
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    time::{Duration, Instant},
};

/// Debian has it where only root looks.
const PROGRAMS: [&str; 2] = ["nats-server", "/usr/sbin/nats-server"];

/// A running nats-server, or one that was killed.
pub(crate) struct NatsServer {
    child: Child,
    port: u16,
    folder: PathBuf,
}

impl NatsServer {
    /// Starts one and waits until it answers.
    pub(crate) fn start() -> Self {
        Self::start_at(free_port())
    }

    /// Starts one on that port.
    pub(crate) fn start_at(port: u16) -> Self {
        let folder = std::env::temp_dir().join(format!("syncline-nats-{}-{port}", std::process::id()));
        std::fs::create_dir_all(&folder).expect("a folder");
        let server = Self { child: spawn(port, &folder), port, folder };
        server.wait();
        server
    }

    pub(crate) fn url(&self) -> String {
        url(self.port)
    }

    pub(crate) fn port(&self) -> u16 {
        self.port
    }

    /// Ends it at once, as a crash does.
    pub(crate) fn kill(&mut self) {
        self.child.kill().expect("it runs");
        self.child.wait().expect("it ends");
    }

    /// Stops it where it is, connections and all, or lets it go on.
    pub(crate) fn hang(&self, hangs: bool) {
        let signal = if hangs { "-STOP" } else { "-CONT" };
        let sent = Command::new("kill").args([signal, &self.child.id().to_string()]).status();
        assert!(sent.expect("kill runs").success());
    }

    /// Starts it again where it was.
    pub(crate) fn restart(&mut self) {
        self.child = spawn(self.port, &self.folder);
        self.wait();
    }

    fn wait(&self) {
        let began = Instant::now();
        while !self.answers() {
            assert!(began.elapsed() < Duration::from_secs(20), "nats-server does not answer");
            std::thread::sleep(Duration::from_millis(10));
        }
    }

    /// Whether it says who it is, and that it has JetStream.
    fn answers(&self) -> bool {
        let Ok(mut stream) = TcpStream::connect(SocketAddr::from(([127, 0, 0, 1], self.port))) else {
            return false;
        };
        let _or_it_waits_longer = stream.set_read_timeout(Some(Duration::from_secs(5)));
        let mut said = [0; 4096];
        let read = stream.read(&mut said).unwrap_or_default();
        String::from_utf8_lossy(&said[..read]).contains("\"jetstream\":true")
    }
}

impl Drop for NatsServer {
    fn drop(&mut self) {
        let _perhaps_killed = self.child.kill();
        let _ended = self.child.wait();
        let _gone = std::fs::remove_dir_all(&self.folder);
    }
}

/// The URL of a server on that port.
pub(crate) fn url(port: u16) -> String {
    format!("nats://127.0.0.1:{port}")
}

/// Taken and given back at once: nobody else on this machine asks for this one.
pub(crate) fn free_port() -> u16 {
    TcpListener::bind("127.0.0.1:0").and_then(|taken| taken.local_addr()).expect("a port").port()
}

fn spawn(port: u16, folder: &Path) -> Child {
    let started = PROGRAMS.iter().find_map(|program| {
        let mut command = Command::new(program);
        command.args(["-js", "-a", "127.0.0.1", "-p", &port.to_string(), "-sd"]).arg(folder);
        command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null()).spawn().ok()
    });
    started.expect("nats-server has to be installed (Debian: apt-get install nats-server)")
}
