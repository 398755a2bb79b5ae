//! The name of a workspace.

use std::{fmt, sync::Arc};

/// The longest, in bytes.
const MAX_BYTES: usize = 128;

/// A workspace's id: 1 to 128 of `A-Z a-z 0-9 _ . : -`.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(crate) struct WorkspaceId(Arc<str>);

impl WorkspaceId {
    /// The id, if it can be one.
    pub(crate) fn parse(text: &str) -> Option<Self> {
        let is_sound = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'.' | b':' | b'-');
        let fits = (1..=MAX_BYTES).contains(&text.len()) && text.bytes().all(is_sound);
        fits.then(|| Self(text.into()))
    }

    pub(crate) fn as_str(&self) -> &str {
        &self.0
    }

    /// The same text, shared.
    pub(crate) fn shared(&self) -> Arc<str> {
        Arc::clone(&self.0)
    }
}

impl fmt::Display for WorkspaceId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::WorkspaceId;

    #[test]
    fn ids() {
        let longest = "x".repeat(128);
        for good in ["workspace-123", "a", "..", "a:b.c_d-E9", &longest] {
            assert_eq!(WorkspaceId::parse(good).expect(good).as_str(), good);
        }
        let too_long = "x".repeat(129);
        for bad in ["", "a b", "a/b", "../x", "ä", "a\0", "a%2Fb", &too_long] {
            assert!(WorkspaceId::parse(bad).is_none(), "{bad}");
        }
    }
}
