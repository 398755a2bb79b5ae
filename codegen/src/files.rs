//! The handlers' folder against the registry: a file that nothing links, or a stage without a file of its own.
//!
//! A file that no `mod` line names is not compiled, so neither the compiler nor the server can miss it. Which name
//! belongs to which file is the contract's to say, not this module's.

use std::{
    collections::{BTreeMap, BTreeSet},
    fmt,
    path::Path,
};

use syncline::{Registry, StageKind};
use walkdir::WalkDir;

/// Compares the files `*_server_v*.rs` and `*_client_v*.rs` below a crate's `src` with the stages of a registry that
/// holds that crate's handlers and no other's. For a test of the app's own:
///
/// ```no_run
/// let registry = syncline::Registry::from_inventory().expect("sound handlers");
/// let handlers_src = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
/// if let Err(differences) = syncline_codegen::files::compare(&handlers_src, &registry) {
///     panic!("{differences}");
/// }
/// ```
///
/// # Errors
/// [`FilesDiffer`] with every difference, and with every folder that cannot be read.
pub fn compare(handlers_src: &Path, registry: &Registry) -> Result<(), FilesDiffer> {
    let registered = registered_files(registry);
    let mut differences = Vec::new();
    let mut found = BTreeSet::new();
    for entry in WalkDir::new(handlers_src).sort_by_file_name() {
        match entry {
            Ok(entry) if entry.file_type().is_file() => {
                found.extend(below(handlers_src, entry.path()).filter(|file| is_stage_file(file)));
            }
            Ok(_) => {}
            Err(error) => differences.push(Difference::Unreadable(error.to_string())),
        }
    }
    for file in found.iter().filter(|file| !registered.contains_key(*file)) {
        differences.push(Difference::NotRegistered { file: file.clone() });
    }
    for (file, registered_at) in registered.into_iter().filter(|(file, _)| !found.contains(file)) {
        differences.push(Difference::NoFile { file, registered_at });
    }
    if differences.is_empty() { Ok(()) } else { Err(FilesDiffer { differences }) }
}

/// Every stage's file below `src`, and where the stage was registered.
fn registered_files(registry: &Registry) -> BTreeMap<String, String> {
    let stages = registry.routes().iter().flat_map(|route| {
        let server = route.server().map(|server| (StageKind::Server, server.registration()));
        let client = route.client().map(|client| (StageKind::Client, client.registration()));
        server.into_iter().chain(client).map(|(kind, at)| (route.event().file(kind), at))
    });
    stages.map(|(file, at)| (file, format!("{}:{}", at.file, at.line))).collect()
}

/// The path below `src` with forward slashes, as the registry writes it.
fn below(src: &Path, file: &Path) -> Option<String> {
    let parts: Vec<_> = file.strip_prefix(src).ok()?.iter().map(|part| part.to_string_lossy()).collect();
    Some(parts.join("/"))
}

fn is_stage_file(file: &str) -> bool {
    let name = file.rsplit('/').next().unwrap_or(file);
    name.ends_with(".rs") && (name.contains("_server_v") || name.contains("_client_v"))
}

/// Everything in which a folder differs from a registry. Its text says what to do about each.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FilesDiffer {
    differences: Vec<Difference>,
}

impl FilesDiffer {
    /// Each difference: what cannot be read, then files, then stages, each sorted by path.
    #[must_use]
    pub fn differences(&self) -> &[Difference] {
        &self.differences
    }
}

/// One difference. A `file` is a path below `src`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Difference {
    /// A file or folder cannot be read: which, and why.
    Unreadable(String),
    /// A stage's file of which no stage is registered.
    NotRegistered {
        /// The file.
        file: String,
    },
    /// A registered stage that has no file of its own.
    NoFile {
        /// The file that its name calls for.
        file: String,
        /// Where it is registered: `file:line`.
        registered_at: String,
    },
}

impl fmt::Display for Difference {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Unreadable(error) => write!(f, "cannot look: {error}"),
            Self::NotRegistered { file } => {
                let name = file.rsplit('/').next().unwrap_or(file);
                let module = name.strip_suffix(".rs").unwrap_or(name);
                write!(
                    f,
                    "`{file}` registers no stage: is the line `mod {module};` missing in the module above it, or the \
                     line `sync_server!({module}, ..)` or `sync_client!({module}, ..)` in it, or is it behind a feature \
                     that is off?"
                )
            }
            Self::NoFile { file, registered_at } => write!(
                f,
                "`{file}` is not there, but its stage is registered at {registered_at}: move the stage to that file. It \
                 stands in an inline module, behind #[path] or in another crate"
            ),
        }
    }
}

impl fmt::Display for FilesDiffer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the handlers' files and the registry differ:")?;
        for difference in &self.differences {
            write!(f, "\n  - {difference}")?;
        }
        Ok(())
    }
}

impl std::error::Error for FilesDiffer {}
