//! Collects the sources of a catalog, an app's folder among them, and parses them. The only file that reads a
//! disk.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use fluent_langneg::LanguageIdentifier;

use crate::catalog::Catalog;
use crate::error::CatalogError;
use crate::locale::Locale;
use crate::texts::{Source, Texts};

/// The framework's own texts.
const SHIPPED: [(&str, &str, &str); 6] = [
    ("de", include_str!("../locales/de/framework.ftl"), "locales/de/framework.ftl"),
    ("en", include_str!("../locales/en/framework.ftl"), "locales/en/framework.ftl"),
    ("es", include_str!("../locales/es/framework.ftl"), "locales/es/framework.ftl"),
    ("fr", include_str!("../locales/fr/framework.ftl"), "locales/fr/framework.ftl"),
    ("ja", include_str!("../locales/ja/framework.ftl"), "locales/ja/framework.ftl"),
    ("nl", include_str!("../locales/nl/framework.ftl"), "locales/nl/framework.ftl"),
];

/// Builds a [`Catalog`]; see [`Catalog::builder`].
#[derive(Debug)]
pub struct CatalogBuilder {
    default_locale: String,
    added: Vec<Added>,
}

#[derive(Debug)]
enum Added {
    Source { locale: String, text: String, origin: String },
    Dir(PathBuf),
}

impl CatalogBuilder {
    /// With the framework's texts, which are always in.
    pub(crate) fn new() -> Self {
        let shipped = SHIPPED.iter().map(|(locale, text, origin)| Added::Source {
            locale: (*locale).to_owned(),
            text: (*text).to_owned(),
            origin: (*origin).to_owned(),
        });
        Self { default_locale: "en".to_owned(), added: shipped.collect() }
    }

    /// The locale of callers who ask for nothing that the catalog has. `en` unless set.
    pub fn default_locale(mut self, locale: impl Into<String>) -> Self {
        self.default_locale = locale.into();
        self
    }

    /// Adds a source. `origin` is what errors call it. Where it gives a code a text that an earlier source
    /// gave one, the later text counts; all others stay.
    pub fn source(
        mut self,
        locale: impl Into<String>,
        ftl_text: impl Into<String>,
        origin: impl Into<String>,
    ) -> Self {
        self.added.push(Added::Source {
            locale: locale.into(),
            text: ftl_text.into(),
            origin: origin.into(),
        });
        self
    }

    /// Adds a folder: each `<dir>/<locale>/*.ftl`, in order of name, as a source.
    pub fn dir(mut self, path: impl Into<PathBuf>) -> Self {
        self.added.push(Added::Dir(path.into()));
        self
    }

    /// Reads and checks everything that was added.
    pub fn build(self) -> Result<Catalog, CatalogError> {
        let mut sources = BTreeMap::<String, (LanguageIdentifier, Locale, Vec<Source>)>::new();
        let mut add = |locale: &str, text: &str, origin: &str| -> Result<(), CatalogError> {
            let (tag, locale) = parse_tag(locale, origin)?;
            let source = Source::parse(origin, text)?;
            sources.entry(tag.to_string()).or_insert((tag, locale, Vec::new())).2.push(source);
            Ok(())
        };
        for added in &self.added {
            match added {
                Added::Source { locale, text, origin } => add(locale, text, origin)?,
                Added::Dir(path) => read_dir(path, &mut add)?,
            }
        }
        let (default, _) = parse_tag(&self.default_locale, "default locale")?;
        let texts = sources.into_values().map(|(tag, locale, sources)| {
            let texts = Texts::new(&tag, &sources)?;
            Ok((tag, locale, texts))
        });
        Catalog::new(texts.collect::<Result<_, _>>()?, &default)
    }
}

/// `und` is a valid tag, but one that would match every reader.
fn parse_tag(tag: &str, origin: &str) -> Result<(LanguageIdentifier, Locale), CatalogError> {
    let parsed = tag.parse().ok().filter(|parsed: &LanguageIdentifier| !parsed.language.is_empty());
    let named = parsed.and_then(|parsed| Locale::new(&parsed).map(|locale| (parsed, locale)));
    named.ok_or_else(|| CatalogError::Tag { origin: origin.to_owned(), tag: tag.to_owned() })
}

fn read_dir(
    dir: &Path,
    add: &mut impl FnMut(&str, &str, &str) -> Result<(), CatalogError>,
) -> Result<(), CatalogError> {
    for folder in children(dir)?.iter().filter(|path| path.is_dir() && !is_hidden(path)) {
        let locale = folder.file_name().unwrap_or_default().to_string_lossy();
        for file in children(folder)?.iter().filter(|path| is_ftl(path)) {
            let text = fs::read_to_string(file).map_err(|source| read_error(file, source))?;
            add(&locale, &text, &file.display().to_string())?;
        }
    }
    Ok(())
}

/// Sorted, so that which text counts does not depend on the file system.
fn children(dir: &Path) -> Result<Vec<PathBuf>, CatalogError> {
    let entries = fs::read_dir(dir).map_err(|source| read_error(dir, source))?;
    let mut paths = entries
        .map(|entry| entry.map(|entry| entry.path()))
        .collect::<Result<Vec<_>, _>>()
        .map_err(|source| read_error(dir, source))?;
    paths.sort();
    Ok(paths)
}

fn read_error(path: &Path, source: std::io::Error) -> CatalogError {
    CatalogError::Read { path: path.to_owned(), source }
}

fn is_hidden(path: &Path) -> bool {
    path.file_name().is_some_and(|name| name.to_string_lossy().starts_with('.'))
}

fn is_ftl(path: &Path) -> bool {
    !is_hidden(path) && path.extension().is_some_and(|extension| extension == "ftl")
}
