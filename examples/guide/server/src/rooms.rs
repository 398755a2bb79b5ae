//! Who may join a room and publish to it.

use syncline::Session;
use syncline_server::{PolicyError, RoomPolicy};

/// Games are for those who are logged in, and played by those who do not only watch.
pub(crate) struct Games;

impl RoomPolicy for Games {
    async fn may_join(&self, session: &Session, room: &str) -> Result<bool, PolicyError> {
        // Ask your database here: a policy that fails, hangs or panics denies.
        Ok(!session.is_anonymous() && room.starts_with("game-"))
    }

    async fn may_publish(&self, session: &Session, _room: &str) -> Result<bool, PolicyError> {
        Ok(!session.has_role("spectator"))
    }
}
