//! Where things are in this workspace, and how its cargo is called. It starts nothing.

use std::{
    env,
    path::{Path, PathBuf},
    sync::LazyLock,
};

use crate::program::Program;

/// The folder that holds the workspace.
pub(crate) fn root() -> &'static Path {
    static ROOT: LazyLock<PathBuf> = LazyLock::new(|| {
        // As cargo says it now: where clones share a target folder, this binary may have been compiled in another one.
        let xtask = env::var_os("CARGO_MANIFEST_DIR").unwrap_or_else(|| env!("CARGO_MANIFEST_DIR").into());
        let xtask = PathBuf::from(xtask);
        xtask.parent().map(Path::to_owned).unwrap_or(xtask)
    });
    &ROOT
}

/// The folder that cargo builds into.
pub(crate) fn target() -> PathBuf {
    root().join(env::var_os("CARGO_TARGET_DIR").unwrap_or_else(|| "target".into()))
}

/// Whether output goes to a log that nobody watches.
pub(crate) fn in_ci() -> bool {
    env::var_os("CI").is_some_and(|value| !value.is_empty())
}

/// A command of the cargo that started this task, in the workspace's folder.
pub(crate) fn cargo<'a>(arguments: impl IntoIterator<Item = &'a str>) -> Program {
    let cargo = env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
    Program::new(&cargo, "cargo").arguments(arguments)
}
