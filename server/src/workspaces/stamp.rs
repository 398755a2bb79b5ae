//! Who made a change, when and where: what the message of a change of ours says.
//!
//! A message of that form is never taken from an Automerge client, who could write anything into it.

use std::sync::Arc;

use serde::{Deserialize, Serialize};

/// The form of the message.
const VERSION: u8 = 1;

/// A stamp.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Stamp {
    syncline: u8,
    /// The user's id.
    pub(super) user: Arc<str>,
    /// The id that the user's client gave to the op.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub(super) op: Option<Arc<str>>,
    /// When, in microseconds since 1970, by the node's clock.
    pub(super) at: i64,
    /// When, as the user's client has it: for display alone.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub(super) shown: Option<i64>,
    /// The region of the node that it was made on.
    pub(super) region: Arc<str>,
    /// The change whose state it brought back.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub(super) restored: Option<String>,
}

impl Stamp {
    pub(super) fn new(user: Arc<str>, op: Option<Arc<str>>, at: i64, region: Arc<str>) -> Self {
        Self { syncline: VERSION, user, op, at, shown: None, region, restored: None }
    }

    /// The stamp that a message is, if it is one.
    pub(super) fn read(message: &str) -> Option<Self> {
        // Nearly every message is one of ours: this tells the rest apart without reading them.
        let stamp: Self =
            message.starts_with(r#"{"syncline":"#).then(|| serde_json::from_str(message).ok())??;
        (stamp.syncline == VERSION).then_some(stamp)
    }

    pub(super) fn write(&self) -> String {
        serde_json::to_string(self).unwrap_or_default()
    }

    /// When, as everybody is told.
    pub(super) fn shown(&self) -> i64 {
        self.shown.unwrap_or(self.at)
    }

    /// As Automerge keeps times.
    pub(super) fn seconds(&self) -> i64 {
        self.at.div_euclid(1_000_000)
    }
}

/// What Automerge keeps as a time, in microseconds.
pub(super) fn micros(seconds: i64) -> i64 {
    seconds.saturating_mul(1_000_000)
}
