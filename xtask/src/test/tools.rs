//! What the tests need of the machine: looked for, and on Debian or Ubuntu as root installed. Nothing is ever
//! skipped for the lack of a tool.

use std::{env, fs, path::Path};

use anyhow::bail;

use crate::{npm, program::Program};

/// Where Chromium and its children are installed; `e2e/browser/playwright.config.js` looks there too.
const CHROMIUM: &[&str] = &[
    "/usr/bin/chromium",
    "/usr/bin/chromium-browser",
    "/usr/bin/google-chrome",
    "/Applications/Google Chrome.app/Contents/MacOS/Google Chrome",
];

/// A program that some step needs and that does not come with Rust.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Tool {
    Npm,
    Python,
    Chromium,
    Redis,
    Nats,
    Nginx,
    Caddy,
}

impl Tool {
    /// What is missing of it; nothing if it is as needed.
    fn lack(self) -> Option<String> {
        match self {
            Self::Npm => npm::lack(),
            Self::Python => {
                // Debian ships `venv` without `ensurepip`, and without that it makes no environment.
                let modules = Program::named("python3").arguments(["-c", "import ensurepip, venv"]).output();
                modules.is_none().then(|| "Python 3 with its module venv".to_owned())
            }
            Self::Chromium => {
                let named = env::var_os("CHROMIUM_BIN").is_some_and(|path| Path::new(&path).exists());
                let found = named || CHROMIUM.iter().any(|path| Path::new(path).exists());
                (!found).then(|| "Chromium (elsewhere installed: say where in CHROMIUM_BIN)".to_owned())
            }
            Self::Redis => {
                let version = Program::named("redis-server").arguments(["--version"]).output();
                version.is_none().then(|| "redis-server 6 or later".to_owned())
            }
            Self::Nats => {
                // Debian has it where only root looks.
                let found = ["nats-server", "/usr/sbin/nats-server"].into_iter().any(|nats| runs(nats, "-v"));
                (!found).then(|| "nats-server 2.9 or later".to_owned())
            }
            Self::Nginx => {
                // Debian has it where only root looks.
                let found = ["nginx", "/usr/sbin/nginx"].into_iter().any(|nginx| runs(nginx, "-v"));
                (!(found && runs("openssl", "version"))).then(|| "nginx and openssl".to_owned())
            }
            Self::Caddy => (!runs("caddy", "version")).then(|| "Caddy 2.6 or later".to_owned()),
        }
    }

    /// The Debian packages that hold it.
    fn packages(self) -> &'static [&'static str] {
        match self {
            Self::Npm => &["nodejs", "npm"],
            Self::Python => &["python3", "python3-venv"],
            Self::Chromium => &["chromium", "fonts-noto-cjk"],
            Self::Redis => &["redis-server"],
            Self::Nats => &["nats-server"],
            Self::Nginx => &["nginx", "openssl"],
            Self::Caddy => &["caddy"],
        }
    }
}

/// Whether a program is there and says what version it is.
fn runs(program: &str, version: &str) -> bool {
    Program::named(program).arguments([version]).output().is_some()
}

/// Makes sure that these tools are there.
pub(super) fn ensure(tools: impl Iterator<Item = Tool>) -> anyhow::Result<()> {
    let mut missing: Vec<Tool> = Vec::new();
    for tool in tools {
        if !missing.contains(&tool) && tool.lack().is_some() {
            missing.push(tool);
        }
    }
    if missing.is_empty() {
        return Ok(());
    }
    let packages: Vec<&str> = missing.iter().flat_map(|tool| tool.packages()).copied().collect();
    if may_install() {
        println!("Installing what the tests need: {}", packages.join(" "));
        apt_get(&["update", "--quiet"])?;
        apt_get(
            &[&["install", "--quiet", "--yes", "--no-install-recommends"], packages.as_slice()].concat(),
        )?;
    }
    let lacks: Vec<String> = missing.iter().filter_map(|tool| tool.lack()).collect();
    if !lacks.is_empty() {
        bail!(
            "the tests need {}. On Debian or Ubuntu: apt-get install {}",
            lacks.join("; "),
            packages.join(" ")
        );
    }
    Ok(())
}

/// Debian and its children, as root.
fn may_install() -> bool {
    let is_debian = Path::new("/etc/debian_version").exists()
        || fs::read_to_string("/etc/os-release").is_ok_and(|text| text.contains("debian"));
    is_debian && rustix::process::geteuid().is_root()
}

fn apt_get(arguments: &[&str]) -> anyhow::Result<()> {
    Program::named("apt-get").arguments(arguments).variable("DEBIAN_FRONTEND", "noninteractive").succeed()
}
