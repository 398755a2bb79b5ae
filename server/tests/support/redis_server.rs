//! A real redis-server on a free port, for one test. It keeps every write on disk, so that it knows it again after it
//! was killed.

use std::{
    io::{Read as _, Write as _},
    net::{SocketAddr, TcpListener, TcpStream},
    path::PathBuf,
    process::{Child, Command, Stdio},
    time::{Duration, Instant},
};

/// A running redis-server, or one that was killed.
pub(crate) struct RedisServer {
    child: Child,
    port: u16,
    folder: PathBuf,
    options: Vec<String>,
}

impl RedisServer {
    /// Starts one and waits until it answers.
    pub(crate) fn start() -> Self {
        Self::start_with(&[])
    }

    /// Starts one with further options.
    pub(crate) fn start_with(options: &[&str]) -> Self {
        let port = free_port();
        let folder = std::env::temp_dir().join(format!("syncline-redis-{}-{port}", std::process::id()));
        std::fs::create_dir_all(&folder).expect("a folder");
        let options: Vec<String> = options.iter().map(|option| (*option).to_owned()).collect();
        let server = Self { child: spawn(port, &folder, &options), port, folder, options };
        server.wait();
        server
    }

    pub(crate) fn url(&self) -> String {
        format!("redis://127.0.0.1:{}", self.port)
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
        self.child = spawn(self.port, &self.folder, &self.options);
        self.wait();
    }

    /// Removes all that it kept on disk; only after [`RedisServer::kill`].
    pub(crate) fn forget(&self) {
        std::fs::remove_dir_all(&self.folder).expect("its folder");
        std::fs::create_dir_all(&self.folder).expect("a folder");
    }

    /// Changes what a killed one kept, without anybody who knows where it was being there to see it.
    pub(crate) fn change_while_away(&mut self, words: &[&str]) {
        let port = std::mem::replace(&mut self.port, free_port());
        self.restart();
        self.command(words);
        self.kill();
        self.port = port;
    }

    /// Sends a command; what is answered.
    pub(crate) fn command(&self, words: &[&str]) -> String {
        self.try_command(words).expect("an answer")
    }

    fn try_command(&self, words: &[&str]) -> std::io::Result<String> {
        let mut stream = TcpStream::connect(SocketAddr::from(([127, 0, 0, 1], self.port)))?;
        stream.set_read_timeout(Some(Duration::from_secs(5)))?;
        stream.write_all(format!("{}\r\n", words.join(" ")).as_bytes())?;
        let mut answer = [0; 1024];
        let read = stream.read(&mut answer)?;
        Ok(String::from_utf8_lossy(&answer[..read]).into_owned())
    }

    fn wait(&self) {
        let began = Instant::now();
        // While it reads what it kept it answers, but not this.
        while !self.try_command(&["PING"]).is_ok_and(|answer| answer.starts_with("+PONG")) {
            assert!(began.elapsed() < Duration::from_secs(20), "redis-server does not answer");
            std::thread::sleep(Duration::from_millis(10));
        }
    }
}

impl Drop for RedisServer {
    fn drop(&mut self) {
        let _perhaps_killed = self.child.kill();
        let _ended = self.child.wait();
        let _gone = std::fs::remove_dir_all(&self.folder);
    }
}

/// Taken and given back at once: nobody else on this machine asks for this one.
pub(crate) fn free_port() -> u16 {
    TcpListener::bind("127.0.0.1:0").and_then(|taken| taken.local_addr()).expect("a port").port()
}

fn spawn(port: u16, folder: &std::path::Path, options: &[String]) -> Child {
    let mut command = Command::new("redis-server");
    command.args(["--bind", "127.0.0.1", "--port", &port.to_string(), "--save", ""]);
    command.args(["--appendonly", "yes", "--appendfsync", "always", "--dir"]).arg(folder).args(options);
    let started = command.stdin(Stdio::null()).stdout(Stdio::null()).spawn();
    started.unwrap_or_else(|error| {
        panic!("redis-server has to be installed (Debian: apt-get install redis-server): {error}")
    })
}
