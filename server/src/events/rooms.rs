//! Joining and leaving rooms: what a room may be called and who may join it.

use std::sync::Arc;

use syncline::{SyncResult, codes, run::MAX_ROOM_NAME};

use super::{
    member::Member,
    members::{EVERYBODY, Members},
};
use crate::auth::GuardedPolicy;

/// Whether a room may be called that: 1 to 256 characters, none of them a control character.
pub(crate) fn is_room_name(name: &str) -> bool {
    // No character takes more than four bytes, so most names need not be counted.
    !name.is_empty()
        && name.len() <= 4 * MAX_ROOM_NAME
        && name.chars().count() <= MAX_ROOM_NAME
        && !name.chars().any(char::is_control)
}

/// Joins a room, if the policy lets the session, and waits until other nodes' events arrive.
pub(crate) async fn join(
    members: &Members,
    policy: &GuardedPolicy,
    member: &Member,
    room: &str,
) -> SyncResult<Vec<Arc<str>>> {
    if !is_room_name(room) || room == EVERYBODY {
        return Err(codes::ROOM_INVALID.into());
    }
    if !policy.may_join(&member.session(), room).await {
        return Err(codes::ROOM_JOIN_DENIED.into());
    }
    let rooms = members.join(member.id, room)?;
    // Whoever has joined gets what other nodes publish from then on.
    if let Some(interest) = members.interest(room) {
        interest.confirmed().await;
    }
    Ok(rooms)
}

/// Leaves a room.
pub(crate) fn leave(members: &Members, member: &Member, room: &str) -> SyncResult<Vec<Arc<str>>> {
    if !is_room_name(room) {
        return Err(codes::ROOM_INVALID.into());
    }
    Ok(members.leave(member.id, room))
}

#[cfg(test)]
mod tests {
    use super::is_room_name;

    #[test]
    fn names_of_rooms() {
        for good in ["a", "game-room-123", "ü", "__proto__", "a b", &"é".repeat(256)] {
            assert!(is_room_name(good), "{good}");
        }
        for bad in ["", "a\nb", "\u{0}", "\u{85}", &"a".repeat(257), &"é".repeat(257), &"a".repeat(100_000)]
        {
            assert!(!is_room_name(bad), "{bad:?}");
        }
    }
}
