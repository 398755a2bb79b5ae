//! The sync events that this repository ships: examples to copy, and what its own tests and demos call.
//!
//! A folder is a page and a file is one stage of one version of an event; see [`syncline`] for the rules. A binary
//! serves these events by linking the crate (`use handlers as _;`) and giving its server an [`App`].
//!
//! Nothing here knows a socket, and nothing here outlives the process: what an [`App`] holds is in memory, on one
//! node.

pub mod cards;
pub mod chat;
#[cfg(feature = "chess")]
pub mod chess;
pub mod examples;
pub mod presence;
pub mod rooms;
pub mod test;

use std::sync::Arc;

use cards::tables::{TableSource, Tables};
use rooms::PerRoom;
use syncline::SnapshotHub;

/// The state that these handlers share: their `functions`.
///
/// It lives in this process's memory, so each node of a cluster has its own. An app that wants one total for all of
/// them keeps its database here instead.
#[derive(Debug)]
pub struct App {
    /// The running total of `examples/updateCounter` v2.
    pub(crate) counters: PerRoom<i64>,
    /// The game of `chess/moveChessPiece`.
    #[cfg(feature = "chess")]
    pub(crate) games: PerRoom<chess::game::Game>,
    /// The tables of the page `cards`.
    pub(crate) tables: Arc<Tables>,
    hub: SnapshotHub,
}

impl Default for App {
    fn default() -> Self {
        let hub = SnapshotHub::new();
        Self {
            counters: PerRoom::default(),
            #[cfg(feature = "chess")]
            games: PerRoom::default(),
            tables: Arc::new(Tables::new(hub.clone())),
            hub,
        }
    }
}

impl App {
    /// Where it tells that a table has changed: for the server's builder, with [`App::tables`].
    #[must_use]
    pub fn snapshot_hub(&self) -> SnapshotHub {
        self.hub.clone()
    }

    /// The source of snapshots of the kind [`cards::tables::KIND`]. Without it the page `cards` can be played, and
    /// nobody is told.
    #[must_use]
    pub fn tables(&self) -> TableSource {
        TableSource(Arc::clone(&self.tables))
    }
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
