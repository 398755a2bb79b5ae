//! The sync events that this repository ships: examples to copy, and what its own tests and demos call.
//!
//! A folder is a page and a file is one stage of one version of an event; see [`syncline`] for the rules. A binary
//! serves these events by linking the crate (`use handlers as _;`) and giving its server an [`App`].
//!
//! Nothing here knows a socket, and nothing here outlives the process: what an [`App`] holds is in memory, on one
//! node.

pub mod chat;
#[cfg(feature = "chess")]
pub mod chess;
pub mod examples;
pub mod presence;
pub mod rooms;
pub mod test;

use rooms::PerRoom;

/// The state that these handlers share: their `functions`.
///
/// It lives in this process's memory, so each node of a cluster has its own. An app that wants one total for all of
/// them keeps its database here instead.
#[derive(Debug, Default)]
pub struct App {
    /// The running total of `examples/updateCounter` v2.
    pub(crate) counters: PerRoom<i64>,
    /// The game of `chess/moveChessPiece`.
    #[cfg(feature = "chess")]
    pub(crate) games: PerRoom<chess::game::Game>,
}

/// The texts of the errors that these handlers declare: language and Fluent source, for the server's catalog.
pub const LOCALES: &[(&str, &str)] = &[
    ("en", include_str!("../locales/en/handlers.ftl")),
    ("nl", include_str!("../locales/nl/handlers.ftl")),
    ("de", include_str!("../locales/de/handlers.ftl")),
    ("fr", include_str!("../locales/fr/handlers.ftl")),
    ("es", include_str!("../locales/es/handlers.ftl")),
    ("ja", include_str!("../locales/ja/handlers.ftl")),
];
