//! The edge against the protocol: all of Autobahn's cases, as `kosoku` drives them, against a conversation that says
//! what it hears.

use std::{
    collections::{BTreeMap, VecDeque},
    net::SocketAddr,
    path::{Path, PathBuf},
    process::Command,
    sync::Arc,
    task::{Context, Poll},
    time::Duration,
};

use axum::{
    Extension, Router,
    extract::{Request, State},
    response::{IntoResponse as _, Response},
    routing::any,
};
use http::StatusCode;
use serde_json::Value;
use syncline::{Registry, Session};

use super::{Bounds, Connections, Conversation, Edge, End, Next, Payload, Work};
use crate::{
    Config, Server,
    net::RequestContext,
    observe::{Metrics, WsSystem},
};

/// As large as a case's largest message.
const MESSAGE: usize = 32 * 1024 * 1024;

#[derive(Default)]
struct Echo(VecDeque<Payload>);

impl Conversation for Echo {
    fn hear(&mut self, payload: Payload) -> Result<Option<Work>, End> {
        self.0.push_back(payload);
        Ok(None)
    }

    fn poll_next(&mut self, _context: &mut Context<'_>, _busy: bool) -> Poll<Next> {
        // Nothing comes of itself, so nobody has to be woken.
        self.0.pop_front().map_or(Poll::Pending, |payload| Poll::Ready(Next::Say(payload)))
    }

    fn is_idle(&self) -> bool {
        false
    }
}

async fn echo(edge: State<Arc<Edge>>, context: Extension<RequestContext>, request: Request) -> Response {
    let accepted = edge.accept(request, &context, &Session::default(), Echo::default());
    accepted.unwrap_or_else(|_| StatusCode::UPGRADE_REQUIRED.into_response())
}

#[test]
#[ignore = "needs kosoku: `cargo xtask test --only websocket` installs it and runs this"]
fn every_case_of_autobahns_passes() {
    let kosoku: PathBuf = std::env::var_os("KOSOKU").expect("KOSOKU says where kosoku is").into();
    let ends = End::ALL.map(|end| end.reason);
    let metrics = Metrics::new(&Registry::none(), &[], &ends);
    let minute = Duration::from_secs(60);
    let bounds = Bounds { message: MESSAGE, ping_every: minute, idle: minute };
    let edge = Edge::new(WsSystem::Snapshots, Connections::new(1000), metrics, bounds);
    let routes = Router::new().route("/", any(echo)).with_state(Arc::new(edge));
    let settings = [
        ("PORT", "0"),
        ("EVENTS", "off"),
        ("WORKSPACES", "off"),
        ("DOCUMENTS", "off"),
        ("RATE_LIMIT_PER_ADDRESS", "off"),
    ];
    let config = Config::from_pairs(&settings).expect("settings");
    let server =
        Server::builder(config).routes(routes).build().expect("a server").start().expect("it listens");
    let all = run(&kosoku, server.address(), &["--exclude", "12.*", "--exclude", "13.*"]);
    assert_eq!(all.len(), 301, "all but those of compression, which is not offered");
    let mut failed = failures(all);
    if !failed.is_empty() {
        // It gives each side a second to close, which on a busy machine may pass: those alone, once more.
        let again: Vec<&str> = failed.keys().flat_map(|case| ["--include", case]).collect();
        failed = failures(run(&kosoku, server.address(), &again));
    }
    assert!(failed.is_empty(), "{failed:#?}");
}

/// What became of the cases, by their numbers.
type Cases = BTreeMap<String, Value>;

fn run(kosoku: &Path, server: SocketAddr, which: &[&str]) -> Cases {
    let reports = std::env::temp_dir().join(format!("syncline-kosoku-{}", std::process::id()));
    let mut run = Command::new(kosoku);
    run.args(["--mode", "fuzzingclient", "--outdir"]).arg(&reports).args(which).arg(server.to_string());
    let ran = run.output().expect("kosoku runs");
    let index = std::fs::read(reports.join("index.json")).unwrap_or_else(|error| panic!("{error}: {ran:?}"));
    std::fs::remove_dir_all(&reports).expect("the reports");
    let agents: BTreeMap<String, Cases> = serde_json::from_slice(&index).expect("a report");
    agents.into_values().next().expect("one agent")
}

fn failures(mut cases: Cases) -> Cases {
    let fine = |word: &Value| matches!(word.as_str(), Some("OK" | "NON-STRICT" | "INFORMATIONAL"));
    cases.retain(|_, case| !(fine(&case["behavior"]) && fine(&case["behaviorClose"])));
    cases
}
