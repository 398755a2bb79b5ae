//! The error codes that only rooms answer with; those of identity and limits are the framework's.

use syncline::ErrorCode;

/// There is no room of that name.
pub(super) const ROOM_NOT_FOUND: ErrorCode = ErrorCode::new("room.notFound", 404, &[]);
/// That is not a room's name.
pub(super) const INVALID_ROOM_ID: ErrorCode = ErrorCode::new("invalid.roomId", 422, &[]);
/// The body is not JSON, or nested too deep.
pub(super) const INVALID_JSON: ErrorCode = ErrorCode::new("invalid.json", 400, &[]);
/// The body has no `state`, or one that is neither an object nor an array.
pub(super) const INVALID_STATE: ErrorCode = ErrorCode::new("invalid.state", 422, &[]);
/// The body is larger than `max` bytes.
pub(super) const PAYLOAD_TOO_LARGE: ErrorCode = ErrorCode::new("payload.tooLarge", 413, &["max"]);
/// The body is not said to be JSON.
pub(super) const UNSUPPORTED_MEDIA_TYPE: ErrorCode = ErrorCode::new("unsupported.mediaType", 415, &[]);
/// The body did not arrive in time.
pub(super) const BODY_TIMEOUT: ErrorCode = ErrorCode::new("body.timeout", 408, &[]);
/// Too many streams, of that room or from that address.
pub(super) const STREAM_LIMIT: ErrorCode = ErrorCode::new("stream.limit", 503, &["seconds"]);
/// The store of records cannot be reached. A write may have been carried out.
pub(super) const STORAGE_UNAVAILABLE: ErrorCode = ErrorCode::new("storage.unavailable", 503, &["seconds"]);
/// The store of records has no space for more.
pub(super) const STORAGE_FULL: ErrorCode = ErrorCode::new("storage.full", 503, &["seconds"]);

/// All of them.
pub(crate) const ALL: &[ErrorCode] = &[
    ROOM_NOT_FOUND,
    INVALID_ROOM_ID,
    INVALID_JSON,
    INVALID_STATE,
    PAYLOAD_TOO_LARGE,
    UNSUPPORTED_MEDIA_TYPE,
    BODY_TIMEOUT,
    STREAM_LIMIT,
    STORAGE_UNAVAILABLE,
    STORAGE_FULL,
];
