//! What is wrong with a name, in words that say what it should be. Finding it is `name`'s.

use std::fmt;

/// Why a Rust path is not a handler's.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum NameError {
    /// The function is not called `<event>_server_v<N>` or `<event>_client_v<N>`.
    NotAStage(String),
    /// The function stands in a file of another name.
    NotItsFile {
        /// The function.
        function: String,
        /// The path of the module it stands in.
        module: String,
    },
    /// The handler is at the crate's root, not in a page's folder.
    NoPage(String),
    /// A folder or event is not snake case with each part beginning with a letter.
    NotSnakeCase(String),
    /// A folder is called like a version.
    PageLikeVersion(String),
    /// A name as a person wrote it is not a page's and an event's.
    NotPageAndEvent(String),
    /// A part of such a name is neither camel nor snake case.
    NotAName(String),
    /// A folder would be called like a word of the Rust language.
    Keyword(String),
}

impl fmt::Display for NameError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NotAStage(function) => {
                write!(f, "`{function}` is not called `<event>_server_v<N>` or `<event>_client_v<N>`")
            }
            Self::NotItsFile { function, module } => {
                write!(
                    f,
                    "`{function}` stands in the module `{module}`; a stage stands in a file of its own name"
                )
            }
            Self::NoPage(function) => {
                write!(f, "`{function}` stands at the crate's root; a handler stands in a page's folder")
            }
            Self::NotSnakeCase(segment) => {
                write!(f, "`{segment}` is not snake_case with each part beginning with a letter")
            }
            Self::PageLikeVersion(segment) => {
                write!(f, "the folder `{segment}` is called like a version")
            }
            Self::NotPageAndEvent(name) => {
                write!(
                    f,
                    "`{name}` is not `<page>/<event>`, for example `chess/resign` or `shop/cart/addItem`"
                )
            }
            Self::NotAName(part) => write!(
                f,
                "`{part}` is not a name: ASCII letters and digits in camelCase or snake_case, each part beginning \
                 with a letter"
            ),
            Self::Keyword(word) => {
                write!(f, "`{word}` is a word of the Rust language, which a page's folder cannot be called")
            }
        }
    }
}

impl std::error::Error for NameError {}
