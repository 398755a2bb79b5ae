//! The error codes that only workspaces answer with.

use syncline::ErrorCode;

/// That is not a workspace's id.
pub(super) const INVALID_WORKSPACE_ID: ErrorCode = ErrorCode::new("invalid.workspaceId", 422, &[]);
/// The session may not write.
pub(super) const PERMISSION_DENIED: ErrorCode = ErrorCode::new("workspace.permissionDenied", 403, &[]);
/// What was asked is not an op that can be carried out.
pub(super) const INVALID_OP: ErrorCode = ErrorCode::new("workspace.invalidOp", 422, &["reason"]);
/// The op is not on disk, and so did not happen.
pub(super) const PERSISTENCE_FAILED: ErrorCode = ErrorCode::new("workspace.persistenceFailed", 500, &[]);
/// The history has no such change.
pub(super) const UNKNOWN_CHANGE: ErrorCode = ErrorCode::new("workspace.unknownChange", 404, &[]);
/// The workspace would take more than `max` bytes.
pub(super) const WORKSPACE_FULL: ErrorCode = ErrorCode::new("workspace.workspaceFull", 413, &["max"]);

/// All of them.
pub(crate) const ALL: &[ErrorCode] = &[
    INVALID_WORKSPACE_ID,
    PERMISSION_DENIED,
    INVALID_OP,
    PERSISTENCE_FAILED,
    UNKNOWN_CHANGE,
    WORKSPACE_FULL,
];
