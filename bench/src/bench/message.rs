//! What the load generator sends, and what all events of this page answer with.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use ts_rs::TS;

/// A stamped message. The load generator finds the stamp by the order of these fields.
#[derive(Serialize, Deserialize, TS, JsonSchema)]
pub(super) struct Message {
    /// Who sent it.
    s: u32,
    /// Its place in the sender's sequence.
    n: u32,
    /// When it was to be sent.
    #[ts(type = "number")]
    t: u64,
    /// What makes it as long as the shape says.
    pad: String,
}
