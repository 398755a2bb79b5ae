//! `cargo xtask codegen`: what the shipped handlers' registry says, for programs to read. It writes no file yet.

use std::{
    io::{Write as _, stdout},
    process::ExitCode,
};

use anyhow::Context as _;
use handlers as _;
use syncline::Registry;
use syncline_codegen::{files, routes};

use crate::workspace;

/// Checks the handlers against their files and prints every route.
pub(crate) fn run() -> anyhow::Result<ExitCode> {
    let registry = Registry::from_inventory().context("the handlers are not sound")?;
    files::compare(&workspace::root().join("handlers").join("src"), &registry)?;
    let mut out = stdout().lock();
    serde_json::to_writer_pretty(&mut out, &routes(&registry))?;
    writeln!(out)?;
    Ok(ExitCode::SUCCESS)
}
