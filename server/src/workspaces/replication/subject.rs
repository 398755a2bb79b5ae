//! Where in NATS a workspace is: its subjects and its key. Two workspaces never share one.
//!
//! What an id may hold and a part of a subject may not is written `=` and two hex digits; no id has a `=`.

use std::fmt::Write as _;

use crate::workspaces::id::WorkspaceId;

/// The subjects of all workspaces' changes.
pub(super) const ALL_CHANGES: &str = "workspaces.*.changes";

/// The subjects on which nodes say who is there.
pub(super) const ALL_PRESENCE: &str = "workspaces.*.presence";

const PREFIX: &str = "workspaces.";
const CHANGES: &str = ".changes";
const PRESENCE: &str = ".presence";

/// The subject of a workspace's changes.
pub(super) fn changes(id: &WorkspaceId) -> String {
    format!("{PREFIX}{}{CHANGES}", key(id))
}

/// The subject on which nodes say who is in a workspace.
pub(super) fn presence(id: &WorkspaceId) -> String {
    format!("{PREFIX}{}{PRESENCE}", key(id))
}

/// The workspace whose changes a subject has; nothing if it is the subject of none.
pub(super) fn of_changes(subject: &str) -> Option<WorkspaceId> {
    of(subject, CHANGES)
}

/// The workspace whose presence a subject has; nothing if it is the subject of none.
pub(super) fn of_presence(subject: &str) -> Option<WorkspaceId> {
    of(subject, PRESENCE)
}

fn of(subject: &str, suffix: &str) -> Option<WorkspaceId> {
    let written = subject.strip_prefix(PREFIX)?.strip_suffix(suffix)?;
    let mut text = String::with_capacity(written.len());
    let mut parts = written.split('=');
    text.push_str(parts.next()?);
    for part in parts {
        let (hex, rest) = part.split_at_checked(2)?;
        text.push(char::from(u8::from_str_radix(hex, 16).ok()?));
        text.push_str(rest);
    }
    let id = WorkspaceId::parse(&text)?;
    // An id is written in one way alone.
    (key(&id) == written).then_some(id)
}

/// A workspace's key, which is a part of its subjects too.
pub(super) fn key(id: &WorkspaceId) -> String {
    let mut key = String::with_capacity(id.as_str().len());
    for character in id.as_str().chars() {
        match character {
            plain if plain.is_ascii_alphanumeric() || matches!(plain, '_' | '-') => key.push(plain),
            other => {
                // Writing to a string cannot fail.
                let _written = write!(key, "={:02X}", u32::from(other));
            }
        }
    }
    key
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::{changes, key, of_changes, of_presence, presence};
    use crate::workspaces::id::WorkspaceId;

    fn id() -> impl Strategy<Value = WorkspaceId> {
        "[A-Za-z0-9_.:-]{1,128}".prop_map(|text| WorkspaceId::parse(&text).unwrap())
    }

    #[test]
    fn dots_and_their_like() {
        for (id, wanted) in [("a.b", "a=2Eb"), ("a:b", "a=3Ab"), ("..", "=2E=2E"), ("a-b_C9", "a-b_C9")] {
            assert_eq!(key(&WorkspaceId::parse(id).unwrap()), wanted);
        }
        for forged in [
            "workspaces.a.b.changes",
            "workspaces..changes",
            "workspaces.changes",
            "workspaces.a=2eb.changes",
            "workspaces.=41.changes",
            "workspaces.a=.changes",
            "workspaces.a=2.changes",
            "workspaces.a=+E.changes",
            "workspaces.ä.changes",
            "workspaces.a=2F.changes",
            "workspaces.a.presence",
            "other.a.changes",
        ] {
            assert_eq!(of_changes(forged), None, "{forged}");
        }
    }

    proptest! {
        #[test]
        fn there_and_back(id in id()) {
            prop_assert_eq!(of_changes(&changes(&id)), Some(id.clone()));
            prop_assert_eq!(of_presence(&presence(&id)), Some(id.clone()));
            prop_assert_eq!(of_changes(&presence(&id)), None);
            prop_assert!(key(&id).bytes().all(|byte| byte.is_ascii_alphanumeric() || b"_-=".contains(&byte)));
        }

        #[test]
        fn two_workspaces_never_share_a_subject(one in "[aA.:=2E3-]{1,6}", other in "[aA.:=2E3-]{1,6}") {
            if let (Some(one), Some(other)) = (WorkspaceId::parse(&one), WorkspaceId::parse(&other)) {
                prop_assert_eq!(one == other, changes(&one) == changes(&other));
                prop_assert_eq!(one == other, key(&one) == key(&other));
            }
        }

        #[test]
        fn no_subject_is_too_odd_to_be_read(subject in "(workspaces\\.)?\\PC{0,20}(\\.changes)?") {
            if let Some(id) = of_changes(&subject) {
                prop_assert_eq!(changes(&id), subject);
            }
        }
    }
}
