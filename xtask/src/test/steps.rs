//! The steps of `cargo xtask test`. Each one runs on its own too: it builds what it needs.

use std::path::PathBuf;

use super::tools::Tool;
use crate::{
    npm,
    program::Program,
    workspace::{self, in_ci},
};

/// One step.
pub(super) struct Step {
    /// Its name for `--only`.
    pub(super) name: &'static str,
    /// What it does, for people.
    pub(super) does: &'static str,
    /// What the machine must have.
    pub(super) needs: &'static [Tool],
    /// Does it.
    pub(super) run: fn() -> anyhow::Result<()>,
}

/// The stock JavaScript client's tests.
const NODE: &str = "e2e/node";
/// The tests of stock automerge-repo clients.
const AUTOMERGE: &str = "e2e/automerge";
/// The tests of stock Yjs clients.
const YJS: &str = "e2e/yjs";
/// The guide's TypeScript.
const GUIDE: &str = "examples/guide/web";
/// The page's tests.
const BROWSER: &str = "e2e/browser";

/// All steps, the cheap ones first.
pub(super) const STEPS: &[Step] = &[
    Step { name: "fmt", does: "checks the formatting of the Rust code", needs: &[], run: fmt },
    Step { name: "clippy", does: "lints the Rust code, warnings are errors", needs: &[], run: clippy },
    Step { name: "rust", does: "runs the Rust tests", needs: &[Tool::Redis, Tool::Nats], run: rust },
    Step {
        name: "bench",
        does: "sends events through each way of the bench and counts every delivery; how fast is not looked at",
        needs: &[],
        run: bench,
    },
    Step { name: "doctests", does: "runs the examples in the Rust documentation", needs: &[], run: doctests },
    Step { name: "docs", does: "lints the Rust documentation", needs: &[], run: docs },
    Step {
        name: "playground",
        does: "builds the server that stock clients are tested on",
        needs: &[],
        run: playground,
    },
    Step {
        name: "node",
        does: "tests with the stock JavaScript clients, socket.io-client, automerge-repo, y-websocket and Hocuspocus",
        needs: &[Tool::Npm],
        run: node,
    },
    Step {
        name: "client",
        does: "builds, checks and tests the npm package syncline",
        needs: &[Tool::Npm],
        run: client,
    },
    Step {
        name: "guide",
        does: "compiles the guide's TypeScript against the types of its handlers",
        needs: &[Tool::Npm],
        run: guide,
    },
    Step {
        name: "browser",
        does: "tests the playground's page in Chromium",
        needs: &[Tool::Npm, Tool::Chromium],
        run: browser,
    },
    Step {
        name: "python",
        does: "tests with the stock Python client, python-socketio",
        needs: &[Tool::Python],
        run: python,
    },
    Step {
        name: "websocket",
        does: "holds the plain WebSockets to the protocol, with Autobahn's cases",
        needs: &[Tool::Python],
        run: websocket,
    },
    Step {
        name: "drills",
        does: "kills a Redis, a NATS, a node and a line under load, a few rounds of each",
        needs: &[Tool::Redis, Tool::Nats],
        run: drills,
    },
    Step {
        name: "openapi",
        does: "validates the OpenAPI document and holds the server to it, with schemathesis",
        needs: &[Tool::Python],
        run: openapi,
    },
    Step {
        name: "shipping",
        does: "checks the files for shipping: image, compose, workflows, proxies, dashboard and alerts",
        needs: &[Tool::Npm, Tool::Python, Tool::Redis, Tool::Nginx, Tool::Caddy],
        run: shipping,
    },
];

/// A cargo command whose output suits where it goes.
fn cargo<'a>(arguments: impl IntoIterator<Item = &'a str>) -> Program {
    let cargo = workspace::cargo(arguments);
    if in_ci() {
        cargo.variable("CARGO_TERM_COLOR", "never").variable("CARGO_TERM_PROGRESS_WHEN", "never")
    } else {
        cargo
    }
}

fn fmt() -> anyhow::Result<()> {
    cargo(["fmt", "--all", "--", "--check"]).succeed()
}

fn clippy() -> anyhow::Result<()> {
    cargo(["clippy", "--workspace", "--all-targets", "--", "--deny", "warnings"]).succeed()
}

fn rust() -> anyhow::Result<()> {
    if cargo(["nextest", "--version"]).output().is_some() {
        return cargo(["nextest", "run", "--workspace", "--no-fail-fast"]).succeed();
    }
    println!("cargo-nextest is not installed: running `cargo test` instead, which is slower and prints more");
    // Without doc tests, as nextest: they are a step of their own.
    cargo(["test", "--workspace", "--no-fail-fast", "--lib", "--bins", "--tests"]).succeed()
}

/// In a build that is not optimized, and so at a rate that it can hold; with fewer files than every system allows.
fn bench() -> anyhow::Result<()> {
    let bench = cargo(["run", "--quiet", "--package", "syncline-bench", "--", "events", "--quick"]);
    let bench = bench.arguments(["--connections", "500", "--senders", "50", "--idle", "200"]);
    bench.arguments(["--rounds", "1", "--seconds", "0.5", "--rate", "10000"]).succeed()
}

fn doctests() -> anyhow::Result<()> {
    cargo(["test", "--doc", "--workspace"]).succeed()
}

fn docs() -> anyhow::Result<()> {
    cargo(["doc", "--workspace", "--no-deps", "--document-private-items"])
        .variable("RUSTDOCFLAGS", "--deny warnings")
        .succeed()
}

fn playground() -> anyhow::Result<()> {
    cargo(["build", "--package", "playground"]).succeed()
}

/// A program that tests the playground.
fn on_playground(program: Program) -> anyhow::Result<()> {
    playground()?;
    let binary = workspace::target().join("debug").join("playground");
    program.variable("SYNCLINE_PLAYGROUND_BIN", binary).succeed()
}

/// Node's test runner with output that suits where it goes. It finds the tests of its folder by itself; a folder as an
/// argument is no longer understood from Node.js 22 on.
fn node_test() -> Program {
    let node = Program::named("node").arguments(["--test", "--test-reporter=spec"]);
    if in_ci() { node.variable("NO_COLOR", "1") } else { node }
}

fn node() -> anyhow::Result<()> {
    npm::install(NODE)?;
    on_playground(node_test().folder(NODE))?;
    npm::install(AUTOMERGE)?;
    on_playground(node_test().folder(AUTOMERGE))?;
    npm::install(YJS)?;
    on_playground(node_test().folder(YJS))
}

/// The drills of stock Yjs clients: they write for so many rounds, and do nothing for so many seconds.
pub(crate) fn yjs_drills(rounds: usize, idle_seconds: u64) -> anyhow::Result<()> {
    npm::install(YJS)?;
    let drills = node_test().folder(YJS).arguments(["tests/converge.test.js", "tests/idle.test.js"]);
    let drills = drills.variable("SYNCLINE_CONVERGE_ROUNDS", rounds.to_string());
    on_playground(drills.variable("SYNCLINE_IDLE_SECONDS", idle_seconds.to_string()))
}

fn client() -> anyhow::Result<()> {
    npm::build(npm::CLIENT)?;
    let npm = |script| Program::named("npm").arguments(["run", script]).folder(npm::CLIENT);
    npm("check").succeed()?;
    let tests = npm("test");
    on_playground(if in_ci() { tests.variable("NO_COLOR", "1") } else { tests })
}

fn guide() -> anyhow::Result<()> {
    cargo(["run", "--quiet", "--package", "guide-xtask", "--", "codegen", "--check"]).succeed()?;
    npm::build(npm::CLIENT)?;
    npm::install(GUIDE)?;
    Program::named("npm").arguments(["run", "check"]).folder(GUIDE).succeed()
}

fn browser() -> anyhow::Result<()> {
    npm::build(npm::CLIENT)?;
    npm::build(npm::PLAYGROUND)?;
    npm::install(BROWSER)?;
    on_playground(Program::named("npx").arguments(["playwright", "test"]).folder(BROWSER))
}

/// The Python of an environment of its own in the target folder, with what the file of requirements says.
fn python_with(environment: &str, requirements: &str) -> anyhow::Result<PathBuf> {
    let venv = workspace::target().join(environment);
    let python: PathBuf = venv.join("bin").join("python");
    if !python.exists() {
        Program::named("python3").arguments(["-m", "venv"]).arguments([&venv]).succeed()?;
    }
    let install = ["-m", "pip", "install", "--quiet", "--disable-pip-version-check", "--requirement"];
    Program::new(&python, "python").arguments(install).arguments([requirements]).succeed()?;
    Ok(python)
}

/// The Python that has all that the suites against the playground need.
fn python_with_clients() -> anyhow::Result<PathBuf> {
    python_with("venv", "e2e/requirements.txt")
}

fn python() -> anyhow::Result<()> {
    let tests = ["-m", "unittest", "discover", "--verbose", "--start-directory", "e2e/python"];
    on_playground(Program::new(python_with_clients()?, "python").arguments(tests))
}

fn websocket() -> anyhow::Result<()> {
    let kosoku = python_with_clients()?.with_file_name("kosoku");
    let test = [
        "test",
        "--package",
        "syncline-server",
        "--lib",
        "--",
        "--ignored",
        "every_case_of_autobahns_passes",
    ];
    cargo(test).variable("KOSOKU", kosoku).succeed()
}

fn drills() -> anyhow::Result<()> {
    failure_drills().succeed()
}

/// The failure drills, one after the other: each has the machine to itself.
pub(crate) fn failure_drills() -> Program {
    let drills = ["test", "--package", "playground", "--test", "drills", "--"];
    cargo(drills.into_iter().chain(["--ignored", "--nocapture", "--test-threads", "1"]))
}

/// The journal's own drill: its writer is killed, and what is left is read. A few kills are among the Rust tests.
pub(crate) fn journal_drill() -> Program {
    let drill = "journal::embedded::crash::what_is_acknowledged_survives_a_kill";
    cargo(["test", "--package", "syncline-server", "--lib", "--", "--nocapture", "--exact", drill])
}

/// A test of documents whose numbers a drill sets.
pub(crate) fn document_drill(test: &str) -> Program {
    let tests = ["test", "--package", "syncline-server", "--test", "documents"];
    cargo(tests.into_iter().chain(["--", "--nocapture", "--exact", test]))
}

fn openapi() -> anyhow::Result<()> {
    on_playground(Program::new(python_with_clients()?, "python").arguments(["e2e/openapi/exercise.py"]))
}

fn shipping() -> anyhow::Result<()> {
    let python = python_with("venv-shipping", "deploy/check/requirements.txt")?;
    let files = ["-m", "unittest", "discover", "--verbose", "--start-directory", "deploy/check"];
    on_playground(Program::new(python, "python").arguments(files))?;
    // Its client is that of the tests in `NODE`.
    npm::install(NODE)?;
    on_playground(node_test().arguments(["deploy/check/proxies.test.mjs"]))
}
