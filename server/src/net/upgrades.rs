//! Which connection a session is on after it moved from long-polling to WebSocket.
//!
//! A session keeps the request that began it, and with it the kill switch of *that* connection. After an upgrade the
//! connection to end is another one.

use std::{
    collections::HashMap,
    sync::{Mutex, MutexGuard, PoisonError},
};

use super::kill_switch::{KillSwitch, WeakKillSwitch};

/// The connections of upgraded sessions, by the session's id.
#[derive(Debug, Default)]
pub(crate) struct Upgrades(Mutex<HashMap<String, WeakKillSwitch>>);

impl Upgrades {
    fn lock(&self) -> MutexGuard<'_, HashMap<String, WeakKillSwitch>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// A session has moved to the connection of that switch.
    pub(crate) fn moved(&self, session: &str, to: &KillSwitch) {
        self.lock().insert(session.to_owned(), to.downgrade());
    }

    /// The switch of the connection that a session has moved to, if it has.
    pub(crate) fn of(&self, session: &str) -> Option<KillSwitch> {
        self.lock().get(session)?.upgrade()
    }

    /// Forgets connections that have ended.
    pub(crate) fn sweep(&self) {
        let mut sessions = self.lock();
        sessions.retain(|_, switch| switch.upgrade().is_some());
        sessions.shrink_to_fit();
    }
}
