//! All tables, one in each room, and the source of their snapshots.
//!
//! Each node has its own: on a cluster of several, both players have to be on one.

use std::sync::Arc;

use syncline::{Session, Snapshot, SnapshotHub, SnapshotSource, SyncResult};

use super::table::{Table, TableView, milliseconds_now};
use crate::rooms::PerRoom;

/// The kind of topic that a table is.
pub const KIND: &str = "cards";

/// The tables, by room.
#[derive(Debug)]
pub(crate) struct Tables {
    rooms: PerRoom<Table>,
    /// The version of a table where nothing has happened yet: above all of an earlier process, below all of its own.
    untouched: u64,
    hub: SnapshotHub,
}

impl Tables {
    pub(crate) fn new(hub: SnapshotHub) -> Self {
        Self { rooms: PerRoom::default(), untouched: milliseconds_now(), hub }
    }

    /// Changes a room's table and tells those who watch it; its version after that.
    pub(crate) fn change(
        &self,
        room: &str,
        change: impl FnOnce(&mut Table) -> SyncResult<()>,
    ) -> SyncResult<u64> {
        let version = self.rooms.update(room, |table| change(table).map(|()| table.version()))?;
        self.hub.changed(KIND, room, version);
        Ok(version)
    }

    /// A room's table and its version, as one of its players sees it, or, for nobody, as all do who look on.
    pub(crate) fn view(&self, room: &str, player: Option<&str>) -> (u64, TableView) {
        let seen = self.rooms.read(room, |table| (table.version(), table.view(player)));
        seen.unwrap_or_else(|| (self.untouched, TableView::default()))
    }
}

/// The source of snapshots of kind [`KIND`]: a room's table, by the room's name.
pub struct TableSource(pub(crate) Arc<Tables>);

impl SnapshotSource for TableSource {
    /// The player, if the viewer is one; all others see the same. A seat would not do: whoever takes it next while a
    /// snapshot is on its way would have their cards shown to whoever had it before.
    type Audience = Option<String>;

    fn audience(&self, id: &str, viewer: &Session) -> Option<String> {
        let plays = self.0.rooms.read(id, |table| table.seats(&viewer.user_id)).unwrap_or(false);
        plays.then(|| viewer.user_id.clone())
    }

    async fn snapshot(&self, id: &str, audience: &Option<String>) -> SyncResult<Snapshot> {
        let (version, table) = self.0.view(id, audience.as_deref());
        Snapshot::new(version, &table)
    }

    async fn may_watch(&self, _id: &str, viewer: &Session) -> bool {
        !viewer.is_anonymous()
    }
}
