//! `docs/snapshots.md`: a card game, whose hands are hidden, as a source of snapshots.

use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex, PoisonError},
};

use serde_json::json;
use syncline::{Session, Snapshot, SnapshotHub, SnapshotSource, SyncResult, codes};

/// The tables that are played at. Yours are in a database.
#[derive(Clone, Debug, Default)]
pub struct Tables {
    tables: Arc<Mutex<BTreeMap<String, Table>>>,
    hub: SnapshotHub,
}

/// What is on a table, and which change it is at.
#[derive(Debug, Default)]
struct Table {
    version: u64,
    hands: BTreeMap<String, Vec<u8>>,
}

impl Tables {
    /// Where changes are told of; the server is given it too.
    #[must_use]
    pub fn hub(&self) -> SnapshotHub {
        self.hub.clone()
    }

    /// Gives a player a card.
    pub fn deal(&self, id: &str, player: &str, card: u8) {
        let mut tables = self.tables.lock().unwrap_or_else(PoisonError::into_inner);
        let table = tables.entry(id.to_owned()).or_default();
        table.hands.entry(player.to_owned()).or_default().push(card);
        table.version += 1; // in the same transaction as the change
        let version = table.version;
        drop(tables);
        self.hub.changed("cards", id, version); // after the commit
    }
}

impl SnapshotSource for Tables {
    /// Who sees the same: each player alone, and all who only look on.
    type Audience = Option<String>;

    fn audience(&self, id: &str, viewer: &Session) -> Option<String> {
        let tables = self.tables.lock().unwrap_or_else(PoisonError::into_inner);
        let plays = tables.get(id).is_some_and(|table| table.hands.contains_key(&viewer.user_id));
        plays.then(|| viewer.user_id.clone())
    }

    async fn snapshot(&self, id: &str, audience: &Option<String>) -> SyncResult<Snapshot> {
        let tables = self.tables.lock().unwrap_or_else(PoisonError::into_inner);
        let table = tables.get(id).ok_or(codes::NOT_FOUND)?;
        let counts: BTreeMap<_, _> = table.hands.iter().map(|(player, hand)| (player, hand.len())).collect();
        let hand = audience.as_ref().and_then(|player| table.hands.get(player));
        Snapshot::new(table.version, &json!({ "counts": counts, "hand": hand }))
    }

    async fn may_watch(&self, _id: &str, viewer: &Session) -> bool {
        !viewer.is_anonymous() // ask your database here
    }
}
