//! What the tests need of the machine: looked for, and on Debian or Ubuntu as root installed. Nothing is ever
//! skipped for the lack of a tool.

use std::{fs, path::Path};

use anyhow::bail;

use crate::program::Program;

/// The oldest Node.js that the suites are written for.
const NODE_MAJOR: u32 = 20;

/// A program that some step needs and that does not come with Rust.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Tool {
    Node,
    Npm,
    Python,
}

impl Tool {
    /// What is missing of it; nothing if it is as needed.
    fn lack(self) -> Option<String> {
        match self {
            Self::Node => {
                let version = Program::named("node").arguments(["--version"]).output();
                match version.as_deref().map(|version| (version, major(version))) {
                    Some((_, Some(major))) if major >= NODE_MAJOR => None,
                    Some((version, _)) => Some(format!("Node.js {NODE_MAJOR} or newer (found {version})")),
                    None => Some(format!("Node.js {NODE_MAJOR} or newer")),
                }
            }
            Self::Npm => {
                let version = Program::named("npm").arguments(["--version"]).output();
                version.is_none().then(|| "npm, which comes with Node.js".to_owned())
            }
            Self::Python => {
                // Debian ships `venv` without `ensurepip`, and without that it makes no environment.
                let modules = Program::named("python3").arguments(["-c", "import ensurepip, venv"]).output();
                modules.is_none().then(|| "Python 3 with its module venv".to_owned())
            }
        }
    }

    /// The Debian packages that hold it.
    fn packages(self) -> &'static [&'static str] {
        match self {
            Self::Node => &["nodejs"],
            Self::Npm => &["npm"],
            Self::Python => &["python3", "python3-venv"],
        }
    }
}

/// The major version in a text such as `v20.11.0`.
fn major(version: &str) -> Option<u32> {
    version.strip_prefix('v')?.split('.').next()?.parse().ok()
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

#[cfg(test)]
mod tests {
    use super::major;

    #[test]
    fn the_major_version_is_read() {
        assert_eq!(major("v20.11.0"), Some(20));
        assert_eq!(major("v8"), Some(8));
        assert_eq!(major("20.11.0"), None);
        assert_eq!(major(""), None);
    }
}
