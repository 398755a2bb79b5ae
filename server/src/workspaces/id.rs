//! The name of a workspace.

use std::{fmt, sync::Arc};

use aws_lc_rs::digest::{SHA256, digest};

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

    /// The id of its Automerge document, as automerge-repo writes it: base58check of the first 16 bytes of
    /// SHA-256(`workspace:` and the id).
    pub(crate) fn automerge_id(&self) -> String {
        let hash = digest(&SHA256, format!("workspace:{}", self.0).as_bytes());
        let id = &hash.as_ref()[..16];
        let check = digest(&SHA256, digest(&SHA256, id).as_ref());
        bs58::encode([id, &check.as_ref()[..4]].concat()).into_string()
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

    /// The value is what Python's `hashlib` and base 58 by hand make of it.
    #[test]
    fn the_id_for_automerge() {
        let id = WorkspaceId::parse("workspace-123").unwrap();
        assert_eq!(id.automerge_id(), "3LGaQS8jTsFKkPWLgo1cFR3owp5w");
    }

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
