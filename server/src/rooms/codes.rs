//! The error codes that only rooms answer with.

use syncline::ErrorCode;

/// There is no room of that name.
pub(super) const ROOM_NOT_FOUND: ErrorCode = ErrorCode::new("room.notFound", 404, &[]);
/// That is not a room's name.
pub(super) const INVALID_ROOM_ID: ErrorCode = ErrorCode::new("invalid.roomId", 422, &[]);
/// The body has no `state`, or one that is neither an object nor an array.
pub(super) const INVALID_STATE: ErrorCode = ErrorCode::new("invalid.state", 422, &[]);

/// All of them.
pub(crate) const ALL: &[ErrorCode] = &[ROOM_NOT_FOUND, INVALID_ROOM_ID, INVALID_STATE];
