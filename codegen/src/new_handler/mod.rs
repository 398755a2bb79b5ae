//! `new-handler`: the files of a new event, or of an event's next version, and the lines that go with them.
//!
//! It writes no file that is there, and it compiles nothing: whoever calls it runs `codegen` on what it wrote.

mod fluent;
mod modules;
mod template;

use std::{
    collections::{BTreeMap, BTreeSet},
    fs,
    io::{self, IsTerminal as _, Write as _},
    path::{Path, PathBuf},
    process::{Command, Stdio},
};

use anyhow::{Context as _, bail};
use clap::Args;
use modules::Modules;
use syncline::{EventName, Registry, StageKind};
use template::{Refusal, SharedTypes};
use walkdir::WalkDir;

use crate::output::{Output, shown};

/// Options of `new-handler`. Without a stage it is the server stage, or those that the event's newest version has.
#[derive(Clone, Debug, Args)]
pub struct NewHandlerOptions {
    /// Page and event, for example chess/resign
    #[arg(value_name = "PAGE/EVENT")]
    event: String,
    /// With a client stage, which decides what each recipient gets
    #[arg(long)]
    client: bool,
    /// With the server stage alone
    #[arg(long, conflicts_with = "client")]
    server: bool,
    /// This version: a new one, or one that is there and gets the stage that it lacks
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..))]
    version: Option<u32>,
}

/// Where a crate of handlers keeps things.
pub(crate) struct Handlers<'a> {
    /// The source folder.
    pub(crate) src: &'a Path,
    /// The folder with a folder of texts for each language, if there is one.
    pub(crate) locales: &'a Path,
}

/// The stages of an event that have a file, by version.
type Versions = BTreeMap<u32, BTreeSet<StageKind>>;

/// Writes the files and lines, and says which. `false` if the person at the terminal does not want to.
pub(crate) fn write(handlers: &Handlers<'_>, options: &NewHandlerOptions) -> anyhow::Result<bool> {
    let named = |version| EventName::from_person(&options.event, version);
    let name = named(1)?.name();
    let versions = versions(handlers.src, &name)?;
    let newest = versions.keys().next_back().copied();
    let version = match (options.version, newest) {
        (Some(version), _) => version,
        (None, None) => 1,
        (None, Some(newest)) if wants_next(&name, newest)? => newest + 1,
        (None, Some(_)) => return Ok(false),
    };
    let event = named(version)?;
    let there = versions.get(&version).cloned().unwrap_or_default();
    let base = versions.range(..version).next_back().map(|(version, stages)| (named(*version), stages));
    let base = match base {
        Some((event, stages)) if there.is_empty() => Some((event?, stages)),
        _ => None,
    };
    let stages = stages(options, &event, &there, base.as_ref().map(|(_, stages)| *stages), newest)?;
    let plan = Plan { handlers, event: &event, base: base.as_ref().map(|(event, stages)| (event, *stages)) };
    let files = plan.files(&stages)?;
    println!("{name} {}", event.version());
    for file in &files {
        file.write()?;
    }
    if files.iter().any(|file| file.output.path.extension().is_some_and(|extension| extension == "ftl")) {
        println!("its error has a text in each language, for you to say better");
    }
    Ok(true)
}

/// Which stages to write: those that were asked for and are not there.
fn stages(
    options: &NewHandlerOptions,
    event: &EventName,
    there: &BTreeSet<StageKind>,
    base: Option<&BTreeSet<StageKind>>,
    newest: Option<u32>,
) -> anyhow::Result<BTreeSet<StageKind>> {
    let mut wanted = match base {
        _ if options.server => BTreeSet::from([StageKind::Server]),
        Some(base) => base.clone(),
        None => BTreeSet::from([StageKind::Server]),
    };
    if options.client {
        wanted.insert(StageKind::Client);
    }
    let missing: BTreeSet<StageKind> = wanted.difference(there).copied().collect();
    let (name, version) = (event.name(), event.version());
    if missing.is_empty() {
        let next = newest.map_or(1, |newest| newest + 1);
        bail!(
            "`{name}` {version} is there already, and a version that has been published is never edited: leave \
             --version out for v{next}"
        );
    }
    let lacks_server =
        |stages: &BTreeSet<StageKind>| !stages.is_empty() && !stages.contains(&StageKind::Server);
    if missing.contains(&StageKind::Server) && (lacks_server(there) || base.is_some_and(lacks_server)) {
        bail!(
            "`{name}` has no server stage, so there are no types to begin one from: write {} by hand, and move `auth` \
             from the client stage to it",
            event.file(StageKind::Server)
        );
    }
    Ok(missing)
}

/// Every version of an event below `src`, with its stages.
fn versions(src: &Path, name: &str) -> anyhow::Result<Versions> {
    let mut versions = Versions::new();
    for entry in WalkDir::new(src).sort_by_file_name() {
        let entry = entry.with_context(|| format!("cannot read {}", src.display()))?;
        let Ok(below) = entry.path().with_extension("").strip_prefix(src).map(Path::to_owned) else {
            continue;
        };
        let parts: Vec<_> = below.iter().map(|part| part.to_string_lossy()).collect();
        let Some(function) = parts.last() else { continue };
        let module = format!("handlers::{}", parts.join("::"));
        if let Ok((event, kind)) = EventName::from_rust(&module, function)
            && event.name() == name
        {
            versions.entry(event.version_number()).or_default().insert(kind);
        }
    }
    Ok(versions)
}

/// Asks the person at the terminal; where there is none, whoever called wants it.
fn wants_next(name: &str, newest: u32) -> anyhow::Result<bool> {
    if !io::stdin().is_terminal() {
        return Ok(true);
    }
    print!("{name} has a v{newest}. Write v{}, beginning as that ends? [Y/n] ", newest + 1);
    io::stdout().flush()?;
    let mut answer = String::new();
    io::stdin().read_line(&mut answer)?;
    Ok(matches!(answer.trim().to_lowercase().as_str(), "" | "y" | "yes"))
}

/// What is about to be written.
struct Plan<'a> {
    handlers: &'a Handlers<'a>,
    event: &'a EventName,
    /// The version that this one begins as.
    base: Option<(&'a EventName, &'a BTreeSet<StageKind>)>,
}

/// A file that is made or changed.
struct File {
    output: Output,
    is_new: bool,
}

impl File {
    fn write(&self) -> anyhow::Result<()> {
        if self.is_new && self.output.path.exists() {
            bail!("{} is there already", self.output.path.display());
        }
        if self.output.write()? {
            println!("  {} {}", if self.is_new { "new    " } else { "changed" }, shown(&self.output.path));
        }
        Ok(())
    }
}

impl Plan<'_> {
    /// The stages, the modules that declare them, and the texts of their errors.
    fn files(&self, stages: &BTreeSet<StageKind>) -> anyhow::Result<Vec<File>> {
        let (mut files, mut modules) = (Vec::new(), Modules::new());
        let refusal = self.handlers.locales.is_dir().then(|| Refusal::of(self.event));
        for &kind in stages {
            let path = self.handlers.src.join(self.event.file(kind));
            files.push(file(path, &self.stage(kind, stages, refusal.as_ref())?, true));
            modules::declare(self.handlers.src, self.event, kind, &mut modules)?;
        }
        files.extend(modules.into_iter().map(|(path, text)| {
            let is_new = !path.exists();
            file(path, &text, is_new)
        }));
        let is_from_template = self.base.is_none() && stages.contains(&StageKind::Server);
        if let Some(Refusal { group, name }) = refusal.filter(|_| is_from_template) {
            let texts = fluent::stubs(self.handlers.locales, &group, &name)?;
            files.extend(texts.into_iter().map(|(path, text)| {
                let is_new = !path.exists();
                File { output: Output { path, text }, is_new }
            }));
        }
        Ok(files)
    }

    fn stage(
        &self,
        kind: StageKind,
        stages: &BTreeSet<StageKind>,
        refusal: Option<&Refusal>,
    ) -> anyhow::Result<String> {
        match (kind, self.base) {
            (_, Some((base, had))) if had.contains(&kind) => {
                let path = self.handlers.src.join(base.file(kind));
                let text =
                    fs::read_to_string(&path).with_context(|| format!("cannot read {}", path.display()))?;
                Ok(template::next_version(&text, base, self.event))
            }
            (StageKind::Server, _) => Ok(template::server(self.event, refusal)),
            (StageKind::Client, None) if stages.contains(&StageKind::Server) => {
                Ok(template::client(self.event, &SharedTypes::new(self.event)))
            }
            (StageKind::Client, base) => {
                let types = self.types_of(base.map_or(self.event, |(base, _)| base))?;
                Ok(template::client(self.event, &types))
            }
        }
    }

    /// The types of a server stage that this program has linked.
    fn types_of(&self, event: &EventName) -> anyhow::Result<SharedTypes> {
        let registry = Registry::from_inventory()?;
        let route = registry.get(&event.name(), &event.version());
        let Some((route, server)) = route.and_then(|route| Some((route, route.server()?))) else {
            bail!("`{}` {} is not registered, so its types are not known", event.name(), event.version());
        };
        let (input, output) = (route.client_input(), route.server_output());
        let stage = server.registration().module_path;
        Ok(SharedTypes::of(input.rust_name(), output.rust_name(), stage, self.event))
    }
}

/// A Rust file, formatted as the workspace's others.
fn file(path: PathBuf, text: &str, is_new: bool) -> File {
    let text = formatted(text, &path).unwrap_or_else(|| text.to_owned());
    File { output: Output { path, text }, is_new }
}

/// What rustfmt makes of a text that goes to this path; nothing where there is no rustfmt. It reads the text from its
/// input, because it would format the files of every `mod` line too.
fn formatted(text: &str, path: &Path) -> Option<String> {
    // The settings are those of the nearest folder that is there already.
    let folder = path.ancestors().skip(1).find(|folder| folder.is_dir())?;
    let mut rustfmt = Command::new("rustfmt")
        .args(["--edition", "2024"])
        .current_dir(folder)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .ok()?;
    rustfmt.stdin.take()?.write_all(text.as_bytes()).ok()?;
    let output = rustfmt.wait_with_output().ok()?;
    output.status.success().then(|| String::from_utf8(output.stdout).ok()).flatten()
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use syncline::{
        EventName,
        StageKind::{self, Client, Server},
    };

    use super::{NewHandlerOptions, stages};

    fn written(
        flags: (bool, bool),
        there: &[StageKind],
        base: Option<&[StageKind]>,
    ) -> Result<Vec<StageKind>, String> {
        let (client, server) = flags;
        let options = NewHandlerOptions { event: "chess/resign".to_owned(), client, server, version: None };
        let event = EventName::from_person(&options.event, 1).unwrap();
        let [there, base] =
            [Some(there), base].map(|kinds| kinds.map(|kinds| BTreeSet::from_iter(kinds.to_vec())));
        stages(&options, &event, &there.unwrap_or_default(), base.as_ref(), Some(1))
            .map(|stages| stages.into_iter().collect())
            .map_err(|error| error.to_string())
    }

    const NONE: (bool, bool) = (false, false);
    const CLIENT: (bool, bool) = (true, false);
    const SERVER: (bool, bool) = (false, true);

    #[test]
    fn a_new_event_has_a_server_stage() {
        assert_eq!(written(NONE, &[], None).unwrap(), [Server]);
        assert_eq!(written(SERVER, &[], None).unwrap(), [Server]);
        assert_eq!(written(CLIENT, &[], None).unwrap(), [Server, Client]);
    }

    #[test]
    fn a_next_version_has_what_the_last_one_has() {
        assert_eq!(written(NONE, &[], Some(&[Client])).unwrap(), [Client]);
        assert_eq!(written(NONE, &[], Some(&[Server, Client])).unwrap(), [Server, Client]);
        assert_eq!(written(CLIENT, &[], Some(&[Server])).unwrap(), [Server, Client]);
        assert_eq!(written(SERVER, &[], Some(&[Server, Client])).unwrap(), [Server]);
    }

    #[test]
    fn a_version_that_is_there_gets_what_it_lacks() {
        assert_eq!(written(CLIENT, &[Server], None).unwrap(), [Client]);
        for flags in [NONE, CLIENT, SERVER] {
            let refused = written(flags, &[Server, Client], None).unwrap_err();
            assert!(refused.contains("`chess/resign` v1 is there already"), "{refused}");
        }
    }

    #[test]
    fn a_server_stage_cannot_be_made_up_for_a_client_stage() {
        for (there, base) in [(&[Client][..], None), (&[], Some(&[Client][..]))] {
            let refused = written(SERVER, there, base).unwrap_err();
            assert!(refused.contains("write chess/resign_server_v1.rs by hand"), "{refused}");
        }
    }
}
