//! The folders that npm manages: what they need installed, and building them. It knows none of their scripts but
//! `build`.

use std::{fs, path::Path, time::SystemTime};

use anyhow::{Context as _, bail};

use crate::{program::Program, workspace};

/// The oldest Node.js that the folders are written for.
const OLDEST_NODE: (u32, u32) = (20, 19);

/// The npm package of this repository.
pub(crate) const CLIENT: &str = "client-ts";
/// The playground's page.
pub(crate) const PLAYGROUND: &str = "examples/playground/web";

/// What is missing of Node.js and npm; nothing if they are as needed.
pub(crate) fn lack() -> Option<String> {
    let (major, minor) = OLDEST_NODE;
    let needed = format!("Node.js {major}.{minor} or newer");
    let Some(found) = Program::named("node").arguments(["--version"]).output() else { return Some(needed) };
    if version(&found).is_none_or(|version| version < OLDEST_NODE) {
        return Some(format!("{needed} (found {found})"));
    }
    let npm = Program::named("npm").arguments(["--version"]).output();
    npm.is_none().then(|| "npm, which comes with Node.js".to_owned())
}

/// Major and minor version in a text such as `v20.19.1`.
fn version(text: &str) -> Option<(u32, u32)> {
    let mut parts = text.strip_prefix('v')?.split('.').map(|part| part.parse().ok());
    Some((parts.next()??, parts.next()??))
}

/// Installs what the folder's lock file says, unless that has been done.
pub(crate) fn install(folder: &str) -> anyhow::Result<()> {
    let folder_path = workspace::root().join(folder);
    // npm writes the former when it has installed the latter.
    let installed = modified(&folder_path.join("node_modules/.package-lock.json"));
    let wanted = modified(&folder_path.join("package-lock.json"));
    if wanted.is_none() {
        bail!("{folder} has no package-lock.json");
    }
    if installed >= wanted {
        return Ok(());
    }
    npm(&["ci", "--no-audit", "--no-fund", "--no-progress"], folder)
}

/// Installs the folder and builds it.
pub(crate) fn build(folder: &str) -> anyhow::Result<()> {
    install(folder)?;
    npm(&["run", "build"], folder)
}

fn npm(arguments: &[&str], folder: &str) -> anyhow::Result<()> {
    Program::named("npm")
        .arguments(arguments)
        .folder(folder)
        .succeed()
        .with_context(|| format!("in {folder}"))
}

fn modified(file: &Path) -> Option<SystemTime> {
    fs::metadata(file).and_then(|metadata| metadata.modified()).ok()
}

#[cfg(test)]
mod tests {
    use super::{OLDEST_NODE, version};

    #[test]
    fn versions_are_read_and_compared() {
        assert_eq!(version("v20.19.1"), Some((20, 19)));
        assert_eq!(version("20.19.1"), None);
        assert_eq!(version("v20"), None);
        assert_eq!(version(""), None);
        assert!(version("v8.30.0") < Some(OLDEST_NODE));
        assert!(version("v22.1.0") > Some(OLDEST_NODE));
    }
}
