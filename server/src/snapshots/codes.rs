//! The error codes that only snapshots answer with. On the wire they go without their group: `not_found`, `forbidden`.

use syncline::ErrorCode;

/// There is no such topic.
pub(super) const NOT_FOUND: ErrorCode = ErrorCode::new("snapshot.notFound", 404, &[]);
/// The viewer may not watch that topic.
pub(super) const FORBIDDEN: ErrorCode = ErrorCode::new("snapshot.forbidden", 403, &[]);
/// A message is none that is known here, or its topic is none.
pub(super) const BAD_REQUEST: ErrorCode = ErrorCode::new("snapshot.badRequest", 400, &[]);
/// The socket watches `max` topics already.
pub(super) const TOPIC_LIMIT: ErrorCode = ErrorCode::new("snapshot.topicLimit", 422, &["max"]);
/// The body has no `data`, or a `lock_version` that is no version.
pub(super) const INVALID_DATA: ErrorCode = ErrorCode::new("invalid.data", 422, &[]);
/// The game is not at the version before the one that was sent.
pub(super) const VERSION_CONFLICT: ErrorCode = ErrorCode::new("snapshot.versionConflict", 409, &["current"]);

/// All of them.
pub(crate) const ALL: &[ErrorCode] =
    &[NOT_FOUND, FORBIDDEN, BAD_REQUEST, TOPIC_LIMIT, INVALID_DATA, VERSION_CONFLICT];
