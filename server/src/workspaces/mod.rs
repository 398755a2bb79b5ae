//! Workspaces: durable key/value state with history, on an Automerge document each.

pub(crate) mod codes;
mod id;
pub(crate) mod webhook;
