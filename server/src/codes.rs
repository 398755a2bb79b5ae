//! The error codes that several state systems answer with. Each system's own are its own; those of identity and limits
//! are the framework's.

use syncline::ErrorCode;

/// The body is not JSON, or nested too deep.
pub(crate) const INVALID_JSON: ErrorCode = ErrorCode::new("invalid.json", 400, &[]);
/// The body is larger than `max` bytes.
pub(crate) const PAYLOAD_TOO_LARGE: ErrorCode = ErrorCode::new("payload.tooLarge", 413, &["max"]);
/// The body is not said to be JSON.
pub(crate) const UNSUPPORTED_MEDIA_TYPE: ErrorCode = ErrorCode::new("unsupported.mediaType", 415, &[]);
/// The body did not arrive in time.
pub(crate) const BODY_TIMEOUT: ErrorCode = ErrorCode::new("body.timeout", 408, &[]);
/// Too many streams, of one room or from one address.
pub(crate) const STREAM_LIMIT: ErrorCode = ErrorCode::new("stream.limit", 503, &["seconds"]);
/// The store of records cannot be reached. A write may have been carried out.
pub(crate) const STORAGE_UNAVAILABLE: ErrorCode = ErrorCode::new("storage.unavailable", 503, &["seconds"]);
/// The store of records has no space for more.
pub(crate) const STORAGE_FULL: ErrorCode = ErrorCode::new("storage.full", 503, &["seconds"]);

/// All of them.
pub(crate) const ALL: &[ErrorCode] = &[
    INVALID_JSON,
    PAYLOAD_TOO_LARGE,
    UNSUPPORTED_MEDIA_TYPE,
    BODY_TIMEOUT,
    STREAM_LIMIT,
    STORAGE_UNAVAILABLE,
    STORAGE_FULL,
];
