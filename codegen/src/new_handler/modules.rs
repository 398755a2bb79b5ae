//! The `mod` lines from a crate's root down to a handler's file. It changes the text of modules and no file itself.

use std::{
    collections::BTreeMap,
    fs,
    path::{Path, PathBuf},
};

use anyhow::{Context as _, bail};
use syncline::{EventName, StageKind};

/// Module files by path: what is to stand in them. Those that are there already keep all that they have.
pub(super) type Modules = BTreeMap<PathBuf, String>;

/// Declares the module of a stage in its page's module, and the pages in theirs. Adds to `modules` what that changes.
pub(super) fn declare(
    src: &Path,
    event: &EventName,
    kind: StageKind,
    modules: &mut Modules,
) -> anyhow::Result<()> {
    let file = event.file(kind);
    let pages: Vec<&str> = event.page().split('/').collect();
    let mut parts: Vec<&str> = file.trim_end_matches(".rs").split('/').collect();
    while let Some(name) = parts.pop() {
        let path = module_file(src, &parts)?;
        let text = match modules.get(&path) {
            Some(text) => text.clone(),
            None if path.exists() => {
                fs::read_to_string(&path).with_context(|| format!("cannot read {}", path.display()))?
            }
            None => format!("//! The page `{}`.\n", pages[..parts.len()].join("/")),
        };
        modules.insert(path, with_line(&text, name));
    }
    Ok(())
}

/// The file of the module of these folders; the crate's root for none.
fn module_file(src: &Path, folders: &[&str]) -> anyhow::Result<PathBuf> {
    let folder = src.join(folders.iter().collect::<PathBuf>());
    if let Some(name) = folders.last() {
        let beside = folder.with_file_name(format!("{name}.rs"));
        return Ok(if beside.exists() { beside } else { folder.join("mod.rs") });
    }
    match ["lib.rs", "main.rs"].map(|name| src.join(name)).into_iter().find(|root| root.exists()) {
        Some(root) => Ok(root),
        None => bail!("there is no crate of handlers: neither lib.rs nor main.rs is in {}", src.display()),
    }
}

/// The module's text with `mod name;` in it, among the others of its kind in order of name.
fn with_line(text: &str, name: &str) -> String {
    let mut lines: Vec<&str> = text.lines().collect();
    let declared: Vec<(usize, &str, &str)> = lines
        .iter()
        .enumerate()
        .filter_map(|(at, line)| declaration(line).map(|(visibility, name)| (at, visibility, name)))
        .collect();
    if declared.iter().any(|(.., known)| *known == name) {
        return text.to_owned();
    }
    let visibility = declared.last().map_or("pub ", |(_, visibility, _)| visibility);
    let line = format!("{visibility}mod {name};");
    let before = declared.iter().rev().find(|(.., known)| *known < name);
    match (before, declared.first()) {
        (Some((at, ..)), _) => lines.insert(at + 1, &line),
        (None, Some((first, ..))) => lines.insert(above_attributes(&lines, *first), &line),
        (None, None) => {
            let head = lines.iter().take_while(|line| is_head(line)).count();
            let head = lines[..head].iter().rposition(|line| !line.is_empty()).map_or(0, |last| last + 1);
            lines.splice(head..head, ["", &line]);
        }
    }
    format!("{}\n", lines.join("\n").trim_start_matches('\n'))
}

/// The visibility and name in a line `pub mod name;`.
fn declaration(line: &str) -> Option<(&str, &str)> {
    let (visibility, rest) = line.split_at(line.find("mod ")?);
    let is_visibility = visibility.is_empty() || visibility == "pub " || visibility.starts_with("pub(");
    let name = rest.strip_prefix("mod ")?.strip_suffix(';')?;
    is_visibility.then_some((visibility, name))
}

/// What belongs to the module as a whole.
fn is_head(line: &str) -> bool {
    line.is_empty() || line.starts_with("//!") || line.starts_with("#![")
}

/// Above the attributes and comments of the line.
fn above_attributes(lines: &[&str], at: usize) -> usize {
    let own = |line: &&&str| line.starts_with("#[") || line.starts_with("///");
    at - lines[..at].iter().rev().take_while(own).count()
}

#[cfg(test)]
mod tests {
    use super::with_line;

    #[test]
    fn a_line_stands_in_order() {
        let text = "//! Doc.\n\npub mod b;\n#[cfg(x)]\npub mod d;\n\nuse d::e;\n";
        assert_eq!(
            with_line(text, "c"),
            "//! Doc.\n\npub mod b;\npub mod c;\n#[cfg(x)]\npub mod d;\n\nuse d::e;\n"
        );
        assert_eq!(
            with_line(text, "a"),
            "//! Doc.\n\npub mod a;\npub mod b;\n#[cfg(x)]\npub mod d;\n\nuse d::e;\n"
        );
        assert_eq!(
            with_line(text, "z"),
            "//! Doc.\n\npub mod b;\n#[cfg(x)]\npub mod d;\npub mod z;\n\nuse d::e;\n"
        );
        assert_eq!(with_line(text, "b"), text);
    }

    #[test]
    fn attributes_stay_with_their_line() {
        assert_eq!(with_line("#[cfg(x)]\nmod b;\n", "a"), "mod a;\n#[cfg(x)]\nmod b;\n");
        assert_eq!(with_line("pub(crate) mod a;\n", "b"), "pub(crate) mod a;\npub(crate) mod b;\n");
    }

    #[test]
    fn the_first_line_stands_below_the_head() {
        assert_eq!(with_line("//! Doc.\n", "a"), "//! Doc.\n\npub mod a;\n");
        assert_eq!(with_line("//! Doc.\n\nuse x;\n", "a"), "//! Doc.\n\npub mod a;\n\nuse x;\n");
        assert_eq!(with_line("mod tests {\n}\n", "a"), "pub mod a;\nmod tests {\n}\n");
        assert_eq!(with_line("", "a"), "pub mod a;\n");
    }
}
