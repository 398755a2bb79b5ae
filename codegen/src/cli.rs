//! The command line of an app's `xtask`: `codegen` and what goes with it.
//!
//! An app's whole `xtask/src/main.rs`:
//!
//! ```no_run
//! # mod my_handlers {}
//! use my_handlers as _; // links the handlers
//!
//! fn main() -> std::process::ExitCode {
//!     syncline_codegen::cli::Project::new("handlers").types("web/src/_sockets/apiTypes.generated.ts").run()
//! }
//! ```
//!
//! With `xtask = "run --quiet --package xtask --"` under `[alias]` in `.cargo/config.toml` it is `cargo xtask codegen`.

use std::{
    env,
    path::{Path, PathBuf},
    process::{Command, ExitCode},
};

use anyhow::{Context as _, bail};
use clap::{Args, Parser, Subcommand};
use syncline::Registry;

pub use crate::new_handler::NewHandlerOptions;
use crate::{
    files,
    new_handler::{self, Handlers},
    openapi,
    output::{Output, shown},
    typescript,
};

/// Where an app's types go unless it says otherwise, below the workspace's folder.
const TYPES: &str = "src/_sockets/apiTypes.generated.ts";

/// Where things are in an app's workspace. Paths are relative to the workspace's folder, the one that holds the folder of
/// the `xtask`.
#[derive(Debug)]
pub struct Project {
    root: PathBuf,
    handlers: PathBuf,
    locales: Option<PathBuf>,
    types: PathBuf,
    more: Vec<(PathBuf, String)>,
}

#[derive(Debug, Parser)]
#[command(name = "cargo xtask", bin_name = "cargo xtask", about = "The tasks of this workspace", long_about = None)]
struct Cli {
    #[command(subcommand)]
    task: Task,
}

#[derive(Debug, Subcommand)]
enum Task {
    /// Writes the TypeScript types of the handlers
    Codegen(CodegenOptions),
    /// Writes a new handler, or the next version of one, and then the types
    NewHandler(NewHandlerOptions),
}

/// Options of `codegen`.
#[derive(Clone, Debug, Default, Args)]
pub struct CodegenOptions {
    /// Writes nothing and fails if a generated file is not what it should be
    #[arg(long)]
    pub check: bool,
    /// Writes the types to this file instead
    #[arg(long, value_name = "PATH")]
    pub out: Option<PathBuf>,
    /// Writes the OpenAPI document of the events' HTTP side too
    #[arg(long, value_name = "PATH", num_args = 0..=1, default_missing_value = "openapi.json")]
    pub openapi: Option<PathBuf>,
}

impl Project {
    /// An app whose handlers' crate is in this folder. Its types go to `src/_sockets/apiTypes.generated.ts`.
    #[must_use]
    pub fn new(handlers: impl Into<PathBuf>) -> Self {
        // As cargo says it now: where clones share a target folder, this binary may have been compiled in another one.
        let root = env::var_os("CARGO_MANIFEST_DIR").map_or_else(
            || PathBuf::from("."),
            |xtask| Path::new(&xtask).parent().map(Path::to_owned).unwrap_or_default(),
        );
        Self { root, handlers: handlers.into(), locales: None, types: TYPES.into(), more: Vec::new() }
    }

    /// The types go to this file.
    #[must_use]
    pub fn types(self, path: impl Into<PathBuf>) -> Self {
        Self { types: path.into(), ..self }
    }

    /// The texts of errors are in this folder, with a folder for each language. It is `locales` in the handlers' crate
    /// unless it is said here; without such a folder `new-handler` writes no texts, and no error that needs one.
    #[must_use]
    pub fn locales(self, path: impl Into<PathBuf>) -> Self {
        Self { locales: Some(path.into()), ..self }
    }

    /// One more file that `codegen` writes and checks, with this text.
    #[must_use]
    pub fn file(mut self, path: impl Into<PathBuf>, text: String) -> Self {
        self.more.push((path.into(), text));
        self
    }

    /// Does what the command line asks for.
    #[must_use]
    pub fn run(&self) -> ExitCode {
        let done = match Cli::parse().task {
            Task::Codegen(options) => self.codegen(&options),
            Task::NewHandler(options) => self.new_handler(&options),
        };
        done.unwrap_or_else(|error| {
            eprintln!("error: {error:#}");
            ExitCode::FAILURE
        })
    }

    /// `codegen`: writes or checks every generated file.
    ///
    /// # Errors
    /// Handlers that are not sound, handlers' files that differ from the registry, and files that cannot be read or
    /// written. A stale file is no error but the exit code 1.
    pub fn codegen(&self, options: &CodegenOptions) -> anyhow::Result<ExitCode> {
        let outputs = self.outputs(options)?;
        if options.check { check(&outputs) } else { write(&outputs) }
    }

    /// `new-handler`: writes the files of a handler and the lines that go with them, and then runs `codegen` as a
    /// program of its own, since this one does not have the new handler linked.
    ///
    /// # Errors
    /// A name that is none, a handler that is there already, and files that cannot be read or written.
    pub fn new_handler(&self, options: &NewHandlerOptions) -> anyhow::Result<ExitCode> {
        let crate_folder = self.root.join(&self.handlers);
        let locales =
            self.locales.as_ref().map_or_else(|| crate_folder.join("locales"), |path| self.root.join(path));
        let handlers = Handlers { src: &crate_folder.join("src"), locales: &locales };
        if !new_handler::write(&handlers, options)? {
            return Ok(ExitCode::SUCCESS);
        }
        let Some(mut codegen) = this_program() else {
            println!("now run: cargo xtask codegen");
            return Ok(ExitCode::SUCCESS);
        };
        let status = codegen.arg("codegen").status().context("cannot start cargo")?;
        if !status.success() {
            bail!(
                "the handler is written, but its types are not: when it compiles, run `cargo xtask codegen`"
            );
        }
        Ok(ExitCode::SUCCESS)
    }

    fn outputs(&self, options: &CodegenOptions) -> anyhow::Result<Vec<Output>> {
        let registry = Registry::from_inventory().context("nothing is generated")?;
        files::compare(&self.root.join(&self.handlers).join("src"), &registry)?;
        let types = options.out.clone().unwrap_or_else(|| self.root.join(&self.types));
        let mut outputs = vec![Output { path: types, text: typescript::api_types(&registry) }];
        if let Some(path) = options.openapi.clone() {
            outputs.push(Output { path, text: openapi::text(&registry) });
        }
        outputs.extend(
            self.more.iter().map(|(path, text)| Output { path: self.root.join(path), text: text.clone() }),
        );
        Ok(outputs)
    }
}

/// This program, compiled anew; nothing if cargo did not start it.
fn this_program() -> Option<Command> {
    let (cargo, xtask) = (env::var_os("CARGO")?, env::var_os("CARGO_MANIFEST_DIR")?);
    let mut command = Command::new(cargo);
    command.args(["run", "--quiet", "--manifest-path"]).arg(Path::new(&xtask).join("Cargo.toml")).arg("--");
    Some(command)
}

fn write(outputs: &[Output]) -> anyhow::Result<ExitCode> {
    for output in outputs {
        let done = if output.write()? { "wrote" } else { "unchanged:" };
        println!("{done} {}", shown(&output.path));
    }
    Ok(ExitCode::SUCCESS)
}

fn check(outputs: &[Output]) -> anyhow::Result<ExitCode> {
    let mut code = ExitCode::SUCCESS;
    for output in outputs {
        if let Some(difference) = output.stale()? {
            eprintln!("{} is not what the handlers say:\n{difference}", shown(&output.path));
            code = ExitCode::FAILURE;
        }
    }
    if code != ExitCode::SUCCESS {
        eprintln!("repair it with: cargo xtask codegen");
    }
    Ok(code)
}
