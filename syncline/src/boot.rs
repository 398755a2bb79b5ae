//! What keeps a binary's handlers from being served, in words that say what to do.
//!
//! Finding it is the registry's.

use std::fmt;

use crate::NameError;

/// Everything that keeps a set of handlers from being a registry. `Debug` is the readable text too, because that is
/// what `expect` and a `main` that returns it print.
pub struct BootError {
    problems: Vec<Problem>,
}

impl BootError {
    pub(crate) fn new(problems: Vec<Problem>) -> Self {
        Self { problems }
    }

    /// Each problem.
    #[must_use]
    pub fn problems(&self) -> &[Problem] {
        &self.problems
    }
}

impl fmt::Display for BootError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the handlers cannot be served:")?;
        for problem in &self.problems {
            write!(f, "\n  - {problem}")?;
        }
        Ok(())
    }
}

impl fmt::Debug for BootError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl std::error::Error for BootError {}

/// One thing that is wrong with a set of handlers. `at` is `file:line`.
#[derive(Debug, PartialEq, Eq)]
pub enum Problem {
    /// No handler at all.
    Empty,
    /// A handler's path is not one.
    Name {
        /// Where.
        at: String,
        /// What is wrong with it.
        error: NameError,
    },
    /// Two handlers of one stage.
    Duplicate {
        /// The event and version.
        event: String,
        /// One of them.
        first: String,
        /// The other.
        second: String,
    },
    /// The two stages of a route differ in a type.
    StageTypes {
        /// Where both are.
        at: String,
        /// Which parameter.
        what: &'static str,
        /// The server stage's type.
        server: &'static str,
        /// The client stage's.
        client: &'static str,
    },
    /// A rule on a field that sessions do not have.
    AuthKey {
        /// Where.
        at: String,
        /// The key.
        key: &'static str,
    },
    /// An option on the client stage that only the server stage may have.
    BelongsOnServer {
        /// Where.
        at: String,
        /// The option.
        option: &'static str,
    },
    /// One error code declared in two ways.
    ErrorCode {
        /// Where.
        at: String,
        /// The code.
        code: &'static str,
    },
    /// Two types of one name in one route.
    TypeName {
        /// Where.
        at: String,
        /// The name.
        name: String,
        /// One of them.
        first: &'static str,
        /// The other.
        second: &'static str,
    },
    /// A payload that is `null` on the wire.
    Null {
        /// Where.
        at: String,
        /// The type.
        name: &'static str,
    },
    /// A handler wants another app state than the server was given.
    Functions {
        /// Where.
        at: String,
        /// The type it wants.
        wanted: &'static str,
        /// The type that was given.
        given: &'static str,
    },
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Empty => f.write_str(
                "no handler is linked: name the handlers' crate in the binary, `use handlers as _;`, or switch events off",
            ),
            Self::Name { at, error } => write!(f, "{at}: {error}"),
            Self::Duplicate { event, first, second } => {
                write!(f, "{event} is registered twice: {first} and {second}")
            }
            Self::StageTypes { at, what, server, client } => write!(
                f,
                "{at}: the stages differ in `{what}`: the server stage's is `{server}`, the client stage's is `{client}`"
            ),
            Self::AuthKey { at, key } => write!(
                f,
                "{at}: `{key}` is no field of a session; there are userId, name, locale, roles, scope, location.pathName and claims.<name>"
            ),
            Self::BelongsOnServer { at, option } => {
                write!(f, "{at}: `{option}` belongs on the server stage of this event")
            }
            Self::ErrorCode { at, code } => {
                write!(
                    f,
                    "{at}: `{code}` is declared elsewhere, or by the framework, with another status or other parameters"
                )
            }
            Self::TypeName { at, name, first, second } => write!(
                f,
                "{at}: two types are called `{name}` in TypeScript: `{first}` and `{second}`; rename one with #[ts(rename = \"..\")]"
            ),
            Self::Null { at, name } => {
                write!(f, "{at}: `{name}` is `null` on the wire; use `Empty` or give it braces")
            }
            Self::Functions { at, wanted, given } => {
                write!(f, "{at}: the handler wants `{wanted}` as its functions, the server was given `{given}`")
            }
        }
    }
}
