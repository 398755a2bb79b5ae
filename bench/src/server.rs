//! The servers that are compared, one line each.
//!
//! A server is a program that prints `listening on <address>`: most are this one, started again with a subcommand. Adding
//! a mode is adding an entry to [`SERVERS`]; nothing else knows their names.

use std::time::Duration;

use anyhow::Context as _;

use crate::npm::NODE;
use crate::process::Program;
use crate::subject;

/// One server under test.
#[derive(Debug)]
pub(crate) struct Server {
    pub(crate) name: &'static str,
    start: Start,
    /// The event that the load generator sends.
    pub(crate) route: &'static str,
    /// The token of the n-th connection.
    token: fn(usize) -> anyhow::Result<String>,
    /// Whether its clients take several events in one packet, as Syncline's own does.
    pub(crate) batch: bool,
    /// The `clientOutput` that the n-th connection is to get with every delivery.
    pub(crate) client_output: fn(usize) -> String,
    /// A peer with a known trait: its inversions are shown, and do not fail the bench.
    pub(crate) may_reorder: bool,
    presence: Presence,
}

/// What makes a server.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Start {
    /// This program, with these arguments.
    Own(&'static [&'static str]),
    /// The script of `peers/node`, in this mode.
    Node(&'static str),
}

/// When a server is among those that run.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Presence {
    Always,
    /// Not in a quick run, unless it is Node's and with `--node`.
    Full,
    /// Only when asked for by name.
    OnRequest,
}

/// The server that every ratio refers to.
pub(crate) const REFERENCE: &str = "rawroom";

const RAWROOM: &[&str] = &["serve-bare", "rawroom"];
const RAWROOM_CURRENT_THREAD: &[&str] = &["serve-bare", "rawroom", "--runtime", "current-thread"];
const NAIVE: &[&str] = &["serve-bare", "naive"];
const ONE_THREAD: &[&str] = &["serve-syncline"];
const TWO_THREADS: &[&str] = &["serve-syncline", "--threads", "2"];

pub(crate) const SERVERS: &[Server] = &[
    Server::peer(REFERENCE, RAWROOM),
    Server { presence: Presence::Full, ..Server::peer("rawroom-current-thread", RAWROOM_CURRENT_THREAD) },
    Server { client_output: naive_output, presence: Presence::Full, ..Server::peer("naive", NAIVE) },
    Server {
        may_reorder: false,
        presence: Presence::OnRequest,
        ..Server::peer("ceiling", &["serve-ceiling"])
    },
    Server::node("node", "per-recipient"),
    Server::node("node-room", "room"),
    Server::syncline("syncline-echo", ONE_THREAD, "bench/echo", no_output),
    Server::syncline("syncline-equal", ONE_THREAD, "bench/equal", no_output),
    Server::syncline("syncline-distinct", ONE_THREAD, "bench/distinct", subject::distinct_output),
    Server::syncline("syncline-audience", ONE_THREAD, "bench/audience", subject::audience_output),
    Server::batching(Server::syncline("syncline-batch-echo", ONE_THREAD, "bench/echo", no_output)),
    Server::batching(Server::syncline("syncline-batch-equal", ONE_THREAD, "bench/equal", no_output)),
    Server::batching(Server::syncline(
        "syncline-batch-distinct",
        ONE_THREAD,
        "bench/distinct",
        subject::distinct_output,
    )),
    Server {
        presence: Presence::Full,
        ..Server::syncline("syncline-echo-2-threads", TWO_THREADS, "bench/echo", no_output)
    },
];

/// Those that were asked for by name, the reference among them; without names, those that belong to a run of that kind.
pub(crate) fn chosen(names: &[String], quick: bool, node: bool) -> anyhow::Result<Vec<&'static Server>> {
    for name in names {
        named(name)?;
    }
    let is_chosen = |server: &&Server| {
        let named = server.name == REFERENCE || names.iter().any(|name| name == server.name);
        named || (node && server.is_node()) || (names.is_empty() && server.presence.in_a_run(quick))
    };
    Ok(SERVERS.iter().filter(is_chosen).collect())
}

/// The server of that name.
pub(crate) fn named(name: &str) -> anyhow::Result<&'static Server> {
    SERVERS.iter().find(|server| server.name == name).with_context(|| {
        let known: Vec<&str> = SERVERS.iter().map(|server| server.name).collect();
        format!("no server `{name}`; there are {}", known.join(", "))
    })
}

impl Presence {
    fn in_a_run(self, quick: bool) -> bool {
        match self {
            Self::Always => true,
            Self::Full => !quick,
            Self::OnRequest => false,
        }
    }
}

impl Server {
    pub(crate) const fn peer(name: &'static str, arguments: &'static [&'static str]) -> Self {
        Self {
            name,
            start: Start::Own(arguments),
            route: "bench/echo",
            token: any_token,
            batch: false,
            client_output: no_output,
            may_reorder: true,
            presence: Presence::Always,
        }
    }

    const fn node(name: &'static str, mode: &'static str) -> Self {
        Self {
            start: Start::Node(mode),
            may_reorder: false,
            presence: Presence::Full,
            ..Self::peer(name, &[])
        }
    }

    const fn syncline(
        name: &'static str,
        arguments: &'static [&'static str],
        route: &'static str,
        client_output: fn(usize) -> String,
    ) -> Self {
        Self {
            route,
            token: subject::token,
            client_output,
            may_reorder: false,
            ..Self::peer(name, arguments)
        }
    }

    /// The same for Syncline's own client.
    const fn batching(self) -> Self {
        Self { batch: true, ..self }
    }

    /// What starts it.
    pub(crate) fn program(&self) -> anyhow::Result<Program> {
        match self.start {
            Start::Own(arguments) => Program::own(arguments),
            Start::Node(mode) => {
                Ok(Program::new(["node".into(), NODE.path("server.js").into_os_string(), mode.into()]))
            }
        }
    }

    /// Whether it runs on Node, and so has to be installed.
    pub(crate) fn is_node(&self) -> bool {
        matches!(self.start, Start::Node(_))
    }

    /// Load on a fresh process before anything is measured.
    pub(crate) fn warm_up(&self) -> Duration {
        // Node compiles what is hot while it runs.
        Duration::from_millis(if self.is_node() { 3_000 } else { 300 })
    }

    /// The tokens of so many connections.
    pub(crate) fn tokens(&self, connections: usize) -> anyhow::Result<Vec<String>> {
        (0..connections).map(self.token).collect()
    }
}

/// For servers that check no token.
#[expect(clippy::unnecessary_wraps, reason = "signing, in the same place, can fail")]
fn any_token(connection: usize) -> anyhow::Result<String> {
    Ok(user(connection))
}

fn user(connection: usize) -> String {
    format!("bench-{connection}")
}

fn naive_output(connection: usize) -> String {
    format!(r#"{{"user":"{}"}}"#, user(connection))
}

fn no_output(_: usize) -> String {
    "{}".to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn names(asked: &[&str], quick: bool, node: bool) -> Vec<&'static str> {
        let asked: Vec<String> = asked.iter().map(|name| (*name).to_owned()).collect();
        chosen(&asked, quick, node).unwrap().iter().map(|server| server.name).collect()
    }

    #[test]
    fn a_quick_run_has_what_it_measures_and_the_reference() {
        let quick = names(&[], true, false);
        assert!(quick.iter().all(|name| *name == REFERENCE || name.starts_with("syncline-")), "{quick:?}");
        assert!(names(&[], false, false).starts_with(&[REFERENCE, "rawroom-current-thread", "naive"]));
    }

    #[test]
    fn node_is_in_a_full_run_and_in_a_quick_one_only_when_asked_for() {
        assert!(names(&[], false, false).contains(&"node"));
        assert!(!names(&[], true, false).contains(&"node"));
        assert!(names(&[], true, true).contains(&"node-room"));
        assert_eq!(names(&["node"], true, false), ["rawroom", "node"]);
        assert_eq!(names(&["naive"], false, false), ["rawroom", "naive"]);
        assert!(!names(&[], false, true).contains(&"ceiling"));
    }
}
