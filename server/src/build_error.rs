//! Why a server could not be put together.

use std::fmt;

use syncline::BootError;

/// Why a server could not be put together.
#[derive(Debug)]
pub enum BuildError {
    /// The handlers are not sound.
    Handlers(BootError),
    /// A text of the catalogs is not.
    Texts(syncline_i18n::CatalogError),
    /// A key is not one.
    Keys(String),
    /// `REDIS_URL` is not the URL of a Redis.
    Redis(String),
    /// The sources of snapshots, or their hub, cannot be.
    Snapshots(String),
}

impl fmt::Display for BuildError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Handlers(error) => error.fmt(f),
            Self::Texts(error) => error.fmt(f),
            Self::Keys(problem) | Self::Snapshots(problem) => f.write_str(problem),
            Self::Redis(problem) => write!(f, "REDIS_URL: {problem}"),
        }
    }
}

impl std::error::Error for BuildError {}
