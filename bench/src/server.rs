//! The servers that are compared, one line each.
//!
//! A server is this program started again with a subcommand that prints `listening on <address>`. Adding a
//! mode is adding an entry to [`SERVERS`]; nothing else knows their names.

use crate::subject;

/// One server under test.
#[derive(Debug)]
pub(crate) struct Server {
    pub(crate) name: &'static str,
    /// The arguments that make this program serve.
    pub(crate) command: &'static [&'static str],
    /// The event that the load generator sends.
    pub(crate) route: &'static str,
    /// The token of the n-th connection.
    pub(crate) token: fn(usize) -> anyhow::Result<String>,
    /// The `clientOutput` that the n-th connection is to get with every delivery.
    pub(crate) client_output: fn(usize) -> String,
    /// A peer with a known trait: its inversions are shown, and do not fail the bench.
    pub(crate) may_reorder: bool,
    /// Left out unless asked for by name.
    pub(crate) on_request: bool,
}

/// The server that every ratio refers to.
pub(crate) const REFERENCE: &str = "rawroom";

const ONE_THREAD: &[&str] = &["serve-syncline"];
const TWO_THREADS: &[&str] = &["serve-syncline", "--threads", "2"];

pub(crate) const SERVERS: &[Server] = &[
    Server::peer(REFERENCE, &["serve-rawroom", "--runtime", "multi-thread"]),
    Server::peer("rawroom-current-thread", &["serve-rawroom", "--runtime", "current-thread"]),
    Server { may_reorder: false, on_request: true, ..Server::peer("ceiling", &["serve-ceiling"]) },
    Server::syncline("syncline-echo", ONE_THREAD, "bench/echo", no_output),
    Server::syncline("syncline-equal", ONE_THREAD, "bench/equal", no_output),
    Server::syncline("syncline-distinct", ONE_THREAD, "bench/distinct", subject::distinct_output),
    Server::syncline("syncline-audience", ONE_THREAD, "bench/audience", subject::audience_output),
    Server::syncline("syncline-echo-2-threads", TWO_THREADS, "bench/echo", no_output),
];

impl Server {
    const fn peer(name: &'static str, command: &'static [&'static str]) -> Self {
        Self {
            name,
            command,
            route: "bench/echo",
            token: any_token,
            client_output: no_output,
            may_reorder: true,
            on_request: false,
        }
    }

    /// The tokens of so many connections.
    pub(crate) fn tokens(&self, connections: usize) -> anyhow::Result<Vec<String>> {
        (0..connections).map(self.token).collect()
    }

    const fn syncline(
        name: &'static str,
        command: &'static [&'static str],
        route: &'static str,
        client_output: fn(usize) -> String,
    ) -> Self {
        Self {
            name,
            command,
            route,
            token: subject::token,
            client_output,
            may_reorder: false,
            on_request: false,
        }
    }
}

/// For servers that read no token.
#[expect(clippy::unnecessary_wraps, reason = "signing, in the same place, can fail")]
fn any_token(connection: usize) -> anyhow::Result<String> {
    Ok(format!("bench-{connection}"))
}

fn no_output(_: usize) -> String {
    "{}".to_owned()
}
