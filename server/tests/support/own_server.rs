//! A real server of another project on a free port, for one test: started, killed, stopped where it is, started again.

use std::{
    marker::PhantomData,
    net::{SocketAddr, TcpListener},
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    time::{Duration, Instant},
};

/// What is particular to a program.
pub(crate) trait Program {
    /// Where it may be; the first one that runs is taken.
    const PROGRAMS: &'static [&'static str];

    /// The arguments to serve that port of this machine, and to keep all in that folder.
    fn arguments(port: u16, folder: &Path) -> Vec<String>;

    /// Whether it is ready for clients.
    fn is_ready(address: SocketAddr) -> bool;
}

/// A running server, or one that was killed.
pub(crate) struct OwnServer<P> {
    child: Child,
    port: u16,
    folder: PathBuf,
    options: Vec<String>,
    program: PhantomData<P>,
}

impl<P: Program> OwnServer<P> {
    /// Starts one and waits until it is ready.
    pub(crate) fn start() -> Self {
        Self::start_with(&[])
    }

    /// Starts one with further options.
    pub(crate) fn start_with(options: &[&str]) -> Self {
        Self::start_at(free_port(), options)
    }

    /// Starts one on that port, with further options.
    pub(crate) fn start_at(port: u16, options: &[&str]) -> Self {
        let folder = std::env::temp_dir().join(format!("syncline-own-{}-{port}", std::process::id()));
        std::fs::create_dir_all(&folder).expect("a folder");
        let options: Vec<String> = options.iter().map(|option| (*option).to_owned()).collect();
        let child = spawn::<P>(port, &folder, &options);
        let server = Self { child, port, folder, options, program: PhantomData };
        server.wait();
        server
    }

    pub(crate) fn port(&self) -> u16 {
        self.port
    }

    pub(crate) fn address(&self) -> SocketAddr {
        address(self.port)
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
        self.child = spawn::<P>(self.port, &self.folder, &self.options);
        self.wait();
    }

    /// Removes all that it kept on disk; only after [`OwnServer::kill`].
    pub(crate) fn forget(&self) {
        std::fs::remove_dir_all(&self.folder).expect("its folder");
        std::fs::create_dir_all(&self.folder).expect("a folder");
    }

    /// Changes what a killed one kept, without anybody who knows where it was being there to see it.
    pub(crate) fn change_while_away(&mut self, change: impl FnOnce(&Self)) {
        let port = std::mem::replace(&mut self.port, free_port());
        self.restart();
        change(self);
        self.kill();
        self.port = port;
    }

    fn wait(&self) {
        let began = Instant::now();
        while !P::is_ready(self.address()) {
            assert!(began.elapsed() < Duration::from_secs(20), "{} does not get ready", P::PROGRAMS[0]);
            std::thread::sleep(Duration::from_millis(10));
        }
    }
}

impl<P> Drop for OwnServer<P> {
    fn drop(&mut self) {
        let _perhaps_killed = self.child.kill();
        let _ended = self.child.wait();
        let _gone = std::fs::remove_dir_all(&self.folder);
    }
}

fn address(port: u16) -> SocketAddr {
    SocketAddr::from(([127, 0, 0, 1], port))
}

/// Taken and given back at once: nobody else on this machine asks for this one.
pub(crate) fn free_port() -> u16 {
    TcpListener::bind(address(0)).and_then(|taken| taken.local_addr()).expect("a port").port()
}

fn spawn<P: Program>(port: u16, folder: &Path, options: &[String]) -> Child {
    let started = P::PROGRAMS.iter().find_map(|program| {
        let mut command = Command::new(program);
        command.args(P::arguments(port, folder)).args(options);
        command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null()).spawn().ok()
    });
    started.unwrap_or_else(|| {
        let name = P::PROGRAMS[0];
        panic!("{name} has to be installed (Debian: apt-get install {name})")
    })
}
