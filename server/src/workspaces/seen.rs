//! The ops that were carried out lately, so that one that is sent again is not carried out again.
//!
//! Bounded by number and by age. What is forgotten would be carried out again.

use std::{
    collections::{HashSet, VecDeque},
    sync::Arc,
};

use super::stamp::Stamp;

/// How many ops are remembered.
const MAX: usize = 10_000;

/// How long, in microseconds.
const MAX_AGE: i64 = 24 * 3600 * 1_000_000;

/// An op's user and id.
type Op = (Arc<str>, Arc<str>);

/// Ops.
#[derive(Debug, Default)]
pub(super) struct Seen {
    ops: HashSet<Op>,
    /// With the time of each, in the order in which they came.
    order: VecDeque<(i64, Op)>,
}

impl Seen {
    pub(super) fn contains(&self, stamp: &Stamp) -> bool {
        let op = stamp.op.as_ref().map(|op| (Arc::clone(&stamp.user), Arc::clone(op)));
        op.is_some_and(|op| self.ops.contains(&op))
    }

    /// Remembers an op that has an id; `now` in microseconds since 1970.
    pub(super) fn insert(&mut self, stamp: &Stamp, now: i64) {
        let is_due = |(at, _): &(i64, Op)| now.saturating_sub(*at) > MAX_AGE;
        while self.order.len() >= MAX || self.order.front().is_some_and(is_due) {
            if let Some((_, op)) = self.order.pop_front() {
                self.ops.remove(&op);
            }
        }
        if let Some(op) = &stamp.op {
            let op = (Arc::clone(&stamp.user), Arc::clone(op));
            if self.ops.insert(op.clone()) {
                self.order.push_back((stamp.at, op));
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{MAX, MAX_AGE, Seen, Stamp};

    fn op(user: &str, id: usize, at: i64) -> Stamp {
        Stamp::new(user.into(), Some(id.to_string().into()), at, "local".into())
    }

    #[test]
    fn ops_are_remembered_by_user_and_up_to_a_bound() {
        let mut seen = Seen::default();
        seen.insert(&op("ada", 0, 0), 0);
        assert!(seen.contains(&op("ada", 0, 7)) && !seen.contains(&op("bob", 0, 0)));
        for id in 1..=MAX {
            seen.insert(&op("ada", id, 0), 0);
        }
        assert!(!seen.contains(&op("ada", 0, 0)) && seen.contains(&op("ada", 1, 0)));
        assert_eq!((seen.ops.len(), seen.order.len()), (MAX, MAX));
    }

    #[test]
    fn and_for_a_day() {
        let mut seen = Seen::default();
        seen.insert(&op("ada", 0, 0), 0);
        seen.insert(&op("ada", 1, 1), MAX_AGE);
        assert!(seen.contains(&op("ada", 0, 0)));
        seen.insert(&op("ada", 2, MAX_AGE + 1), MAX_AGE + 1);
        assert!(!seen.contains(&op("ada", 0, 0)) && seen.contains(&op("ada", 1, 0)));
    }

    #[test]
    fn without_an_id_nothing_is() {
        let mut seen = Seen::default();
        let nameless = Stamp::new("ada".into(), None, 0, "local".into());
        seen.insert(&nameless, 0);
        assert!(!seen.contains(&nameless));
    }
}
