//! Generated files on disk: written where they differ, or held against what they should be. What stands in them is the
//! renderers'.

use std::{
    fs, io,
    path::{Path, PathBuf},
};

use anyhow::Context as _;
use similar::{ChangeTag, TextDiff};

/// How many changed lines are shown of a stale file.
const SHOWN_LINES: usize = 20;

/// A file and what it has to hold.
pub(crate) struct Output {
    pub(crate) path: PathBuf,
    pub(crate) text: String,
}

impl Output {
    /// Writes the file unless it holds just this already, so that nothing that watches it starts for nothing. Says
    /// whether it did.
    pub(crate) fn write(&self) -> anyhow::Result<bool> {
        if self.found()?.as_deref() == Some(&self.text) {
            return Ok(false);
        }
        let folder = self.path.parent().filter(|folder| !folder.as_os_str().is_empty());
        folder
            .map_or(Ok(()), fs::create_dir_all)
            .and_then(|()| fs::write(&self.path, &self.text))
            .with_context(|| format!("cannot write {}", self.path.display()))?;
        Ok(true)
    }

    /// How the file differs from what it should hold, for people; nothing if it does not.
    pub(crate) fn stale(&self) -> anyhow::Result<Option<String>> {
        Ok(match self.found()? {
            None => Some("it is not there".to_owned()),
            Some(found) if found == self.text => None,
            Some(found) => Some(difference(&found, &self.text)),
        })
    }

    /// What the file holds. Git may have checked it out with the line ends of another system.
    fn found(&self) -> anyhow::Result<Option<String>> {
        match fs::read_to_string(&self.path) {
            Ok(text) => Ok(Some(text.replace("\r\n", "\n"))),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
            Err(error) => Err(error).with_context(|| format!("cannot read {}", self.path.display())),
        }
    }
}

/// The lines that differ, the first ones of them.
fn difference(found: &str, wanted: &str) -> String {
    let diff = TextDiff::from_lines(found, wanted);
    let lines: Vec<String> = diff
        .iter_all_changes()
        .filter_map(|change| {
            let sign = match change.tag() {
                ChangeTag::Equal => return None,
                ChangeTag::Delete => '-',
                ChangeTag::Insert => '+',
            };
            Some(format!("  {sign} {}", change.value().trim_end()))
        })
        .collect();
    let more = lines.len().saturating_sub(SHOWN_LINES);
    let mut shown = lines[..lines.len() - more].join("\n");
    if more > 0 {
        shown.push_str(&format!("\n  and {more} more lines"));
    }
    shown
}

/// A path for people: below the folder they are in, where it is there.
pub(crate) fn shown(path: &Path) -> String {
    let here = std::env::current_dir().and_then(fs::canonicalize);
    let full = fs::canonicalize(path);
    match (here, full) {
        (Ok(here), Ok(full)) => full.strip_prefix(here).unwrap_or(path).display().to_string(),
        _ => path.display().to_string(),
    }
}
