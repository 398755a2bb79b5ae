//! The harness as an author uses it: a small app, tested as `docs/testing.md` says, and what the harness says when a
//! test is wrong.

mod by_name;
mod counter;
mod failures;
mod front_door;
mod guide;
mod probe;
mod stages;

use std::{
    collections::BTreeMap,
    sync::{Mutex, PoisonError},
};

/// The app's state: the total of each room.
#[derive(Default)]
pub(crate) struct App {
    totals: Mutex<BTreeMap<String, i64>>,
}

impl App {
    /// Adds to a room's total, unless it would go beyond `max`.
    pub(crate) fn add(&self, room: &str, amount: i64, max: i64) -> Option<i64> {
        let mut totals = self.totals.lock().unwrap_or_else(PoisonError::into_inner);
        let total = totals.entry(room.to_owned()).or_default();
        let sum = total.checked_add(amount).filter(|sum| *sum <= max)?;
        *total = sum;
        Some(sum)
    }
}
