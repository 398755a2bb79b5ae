//! The servers that are compared, one line each.
//!
//! A server is this program started again with a subcommand that prints `listening on <address>`. Adding a
//! mode is adding an entry to [`SERVERS`]; nothing else knows their names.

/// One server under test.
#[derive(Debug)]
pub(crate) struct Server {
    pub(crate) name: &'static str,
    /// The arguments that make this program serve.
    pub(crate) command: &'static [&'static str],
    /// The event that the load generator sends.
    pub(crate) route: &'static str,
    /// The token of the n-th connection.
    pub(crate) token: fn(usize) -> String,
    /// A peer with a known trait: its inversions are shown, and do not fail the bench.
    pub(crate) may_reorder: bool,
    /// Left out unless asked for by name.
    pub(crate) on_request: bool,
}

/// The server that every ratio refers to.
pub(crate) const REFERENCE: &str = "rawroom";

pub(crate) const SERVERS: &[Server] = &[
    Server::peer(REFERENCE, &["serve-rawroom", "--runtime", "multi-thread"]),
    Server::peer("rawroom-current-thread", &["serve-rawroom", "--runtime", "current-thread"]),
    Server { may_reorder: false, on_request: true, ..Server::peer("ceiling", &["serve-ceiling"]) },
];

impl Server {
    const fn peer(name: &'static str, command: &'static [&'static str]) -> Self {
        Self { name, command, route: "bench/echo", token: any_token, may_reorder: true, on_request: false }
    }
}

/// For servers that read no token.
fn any_token(connection: usize) -> String {
    format!("bench-{connection}")
}
