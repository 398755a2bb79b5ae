//! The error codes that only documents answer with.

use syncline::{ErrorCode, SyncError};

/// That is not a document's id.
pub(super) const INVALID_DOCUMENT_ID: ErrorCode = ErrorCode::new("invalid.documentId", 422, &[]);

/// The connection has as many documents as it may.
pub(super) const LIMIT: ErrorCode = ErrorCode::new("document.limit", 429, &["max"]);

/// All of them.
pub(crate) const ALL: &[ErrorCode] = &[INVALID_DOCUMENT_ID, LIMIT];

/// The document cannot be read or deleted now.
pub(super) fn unavailable() -> SyncError {
    crate::codes::STORAGE_UNAVAILABLE.with("seconds", 1)
}
