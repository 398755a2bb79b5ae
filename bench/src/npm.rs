//! Peers from npm: a folder under `peers`, installed by the bench itself at the versions of its lock file.
//!
//! It starts nothing: what a folder serves is known where it is compared.

use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context as _, ensure};

/// A folder with a `package.json`.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Package {
    folder: &'static str,
}

/// The Socket.IO server of Node.
pub(crate) const NODE: Package = Package { folder: concat!(env!("CARGO_MANIFEST_DIR"), "/peers/node") };
/// Servers of Yjs documents.
pub(crate) const YJS: Package = Package { folder: concat!(env!("CARGO_MANIFEST_DIR"), "/peers/yjs") };

impl Package {
    /// Installs what the lock file says; `without` says how to go without, should that fail.
    pub(crate) fn install(self, without: &str) -> anyhow::Result<()> {
        let mut command = Command::new("npm");
        // Standard output is the bench's own.
        command.args(["ci", "--silent", "--no-audit", "--no-fund"]).current_dir(self.folder);
        let installed =
            command.status().with_context(|| format!("npm is missing; {without} goes without"))?;
        ensure!(installed.success(), "npm ci failed in {}; {without} goes without", self.folder);
        Ok(())
    }

    pub(crate) fn folder(self) -> &'static Path {
        Path::new(self.folder)
    }

    pub(crate) fn path(self, file: &str) -> PathBuf {
        self.folder().join(file)
    }
}
