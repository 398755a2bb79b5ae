//! The stock binary, for what only the end of a process does.

use std::{
    io::{BufRead as _, BufReader},
    net::SocketAddr,
    process::{Child, Command, Stdio},
};

use syncline_testkit::{SECRET, within};

/// A process that serves; its drop is a crash.
pub(crate) struct Process {
    child: Child,
    pub(crate) address: SocketAddr,
}

impl Process {
    pub(crate) fn start(settings: &[(&str, &str)]) -> Self {
        let mut command = Command::new(env!("CARGO_BIN_EXE_syncline-server"));
        command.env_clear().current_dir(std::env::temp_dir());
        command.envs([("PORT", "0"), ("EVENTS", "off"), ("JWT_SECRET", SECRET), ("RUST_LOG", "off")]);
        command.envs(settings.iter().copied()).stdout(Stdio::piped()).stderr(Stdio::null());
        let mut child = command.spawn().expect("the binary runs");
        let mut line = String::new();
        BufReader::new(child.stdout.take().expect("a pipe")).read_line(&mut line).expect("a line");
        let address = line.trim().strip_prefix("listening on http://").expect("where it listens");
        Self { child, address: address.parse().expect("an address") }
    }

    /// Ends it at once, as a crash does.
    pub(crate) fn kill(mut self) {
        self.child.kill().expect("it runs");
        self.child.wait().expect("it ends");
    }

    /// Asks it to stop, and waits until it has.
    pub(crate) async fn terminate(mut self) {
        let asked = Command::new("kill").args(["-TERM", &self.child.id().to_string()]).status();
        assert!(asked.expect("kill runs").success());
        let ended = tokio::task::spawn_blocking(move || self.child.wait());
        assert_eq!(
            within("the exit", ended).await.expect("it is waited for").expect("it ends").code(),
            Some(0)
        );
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        let _perhaps_ended = self.child.kill();
        let _ended = self.child.wait();
    }
}
