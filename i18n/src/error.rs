//! What can be wrong with a catalog's sources. All of it is found when the catalog is built, none while it is
//! used.

use std::path::PathBuf;
use std::{fmt, io};

/// Why a catalog could not be built.
#[derive(Debug)]
#[non_exhaustive]
pub enum CatalogError {
    /// A file or folder could not be read.
    Read {
        /// The file or folder.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// A locale's name is not a language tag.
    Tag {
        /// The source or the folder that is named so.
        origin: String,
        /// The name.
        tag: String,
    },
    /// A source is not Fluent.
    Syntax {
        /// The file, or the name that the source was given.
        origin: String,
        /// The line, counted from 1.
        line: usize,
        /// That line.
        text: String,
        /// What the parser expected.
        reason: String,
    },
    /// A text is Fluent, but cannot be shown.
    Text {
        /// The file, or the name that the source was given.
        origin: String,
        /// The code whose text it is.
        code: String,
        /// What is wrong with it.
        reason: String,
    },
    /// The default locale has no source.
    DefaultLocale {
        /// The default that was asked for.
        tag: String,
    },
}

impl fmt::Display for CatalogError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Read { path, source } => write!(f, "{}: {source}", path.display()),
            Self::Tag { origin, tag } => {
                write!(f, "{origin}: `{tag}` is not a language tag such as `nl` or `pt-BR`")
            }
            Self::Syntax { origin, line, text, reason } => write!(f, "{origin}:{line}: {reason}: `{text}`"),
            Self::Text { origin, code, reason } => write!(f, "{origin}: the text of `{code}` {reason}"),
            Self::DefaultLocale { tag } => write!(f, "the default locale `{tag}` has no texts"),
        }
    }
}

impl std::error::Error for CatalogError {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        match self {
            Self::Read { source, .. } => Some(source),
            _ => None,
        }
    }
}
