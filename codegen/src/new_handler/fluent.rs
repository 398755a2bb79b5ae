//! The first text of a new error, in each language that the handlers have texts in. It checks nothing of what is there.

use std::{
    fs,
    path::{Path, PathBuf},
};

use anyhow::Context as _;

/// What a new error says until its author says it better, by language.
const STUBS: [(&str, &str); 6] = [
    ("de", "Diese Anfrage wurde abgelehnt."),
    ("en", "This request was refused."),
    ("es", "Esta solicitud ha sido rechazada."),
    ("fr", "Cette requête a été refusée."),
    ("ja", "このリクエストは拒否されました。"),
    ("nl", "Dit verzoek is geweigerd."),
];

/// The files below `locales` that the text of a code goes to, one a language, with that text in them. Those that have
/// one already are left out.
pub(super) fn stubs(locales: &Path, group: &str, name: &str) -> anyhow::Result<Vec<(PathBuf, String)>> {
    let mut stubs = Vec::new();
    for folder in children(locales)?.into_iter().filter(|path| path.is_dir()) {
        let files: Vec<(PathBuf, String)> = children(&folder)?
            .into_iter()
            .filter(|path| path.extension().is_some_and(|extension| extension == "ftl"))
            .map(|path| {
                let text =
                    fs::read_to_string(&path).with_context(|| format!("cannot read {}", path.display()))?;
                Ok((path, text))
            })
            .collect::<anyhow::Result<_>>()?;
        let language = folder.file_name().unwrap_or_default().to_string_lossy().into_owned();
        let has_group = files.iter().position(|(_, text)| message(text, group).is_some());
        let (path, text) = match (has_group, files.as_slice()) {
            (Some(at), files) => files[at].clone(),
            (None, [only]) => only.clone(),
            (None, _) => (folder.join(format!("{group}.ftl")), String::new()),
        };
        let with_stub = with_text(&text, group, name, stub(&language));
        if with_stub != text {
            stubs.push((path, with_stub));
        }
    }
    Ok(stubs)
}

fn children(folder: &Path) -> anyhow::Result<Vec<PathBuf>> {
    let entries = fs::read_dir(folder).with_context(|| format!("cannot read {}", folder.display()))?;
    let mut paths: Vec<PathBuf> =
        entries.map(|entry| entry.map(|entry| entry.path())).collect::<Result<_, _>>()?;
    paths.sort();
    Ok(paths)
}

fn stub(language: &str) -> &'static str {
    let known = |wanted: &str| STUBS.iter().find(|(known, _)| *known == wanted).map(|(_, text)| *text);
    let base = language.split(['-', '_']).next().unwrap_or(language);
    known(base).or_else(|| known("en")).unwrap_or_default()
}

/// The lines of a message, from its own to the one after its last.
fn message(text: &str, id: &str) -> Option<(usize, usize)> {
    let lines: Vec<&str> = text.lines().collect();
    let begins = |line: &&str| line.strip_prefix(id).is_some_and(|rest| rest.trim_start().starts_with('='));
    let from = lines.iter().position(begins)?;
    // What belongs to it is indented; a bracket may end a variable at the line's beginning.
    let own = |line: &&&str| line.is_empty() || line.starts_with([' ', '}']);
    let after = from + 1 + lines[from + 1..].iter().take_while(own).count();
    let last = lines[from..after].iter().rposition(|line| !line.trim().is_empty())?;
    Some((from, from + last + 1))
}

/// The source with `.name = said` under the message `group`, which is added where it is missing.
fn with_text(text: &str, group: &str, name: &str, said: &str) -> String {
    let attribute = format!("    .{name} = {said}");
    let mut lines: Vec<&str> = text.lines().collect();
    if let Some((from, after)) = message(text, group) {
        let is_there = |line: &&str| {
            line.trim_start()
                .strip_prefix('.')
                .and_then(|line| line.strip_prefix(name))
                .is_some_and(|rest| rest.trim_start().starts_with('='))
        };
        if lines[from..after].iter().any(is_there) {
            return text.to_owned();
        }
        lines.insert(after, &attribute);
        return lines.join("\n") + "\n";
    }
    let head = if text.trim().is_empty() { String::new() } else { format!("{}\n\n", text.trim_end()) };
    format!("{head}{group} =\n{attribute}\n")
}

#[cfg(test)]
mod tests {
    use super::{stub, with_text};

    #[test]
    fn a_text_joins_its_group() {
        let text = "### Doc.\n\nchess =\n    .a = { $b ->\n        [one] 1\n       *[other] 2\n    }\n\n# Next.\nshop =\n    .c = d\n";
        assert_eq!(
            with_text(text, "chess", "new", "No."),
            "### Doc.\n\nchess =\n    .a = { $b ->\n        [one] 1\n       *[other] 2\n    }\n    .new = No.\n\n# Next.\nshop =\n    .c = d\n"
        );
        assert_eq!(with_text(text, "shop", "c", "No."), text);
        assert!(with_text(text, "shop", "cc", "No.").ends_with("shop =\n    .c = d\n    .cc = No.\n"));
    }

    #[test]
    fn a_group_that_is_missing_is_added() {
        assert_eq!(with_text("a = b\n", "chess", "new", "No."), "a = b\n\nchess =\n    .new = No.\n");
        assert_eq!(with_text("", "chess", "new", "No."), "chess =\n    .new = No.\n");
        assert_eq!(
            with_text("chessboard = b\n", "chess", "new", "No."),
            "chessboard = b\n\nchess =\n    .new = No.\n"
        );
    }

    #[test]
    fn languages_have_their_stub_or_the_english_one() {
        assert!(stub("pt-BR").starts_with("This"));
        assert!(stub("de-AT").starts_with("Diese"));
    }
}
