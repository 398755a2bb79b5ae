//! The order of what one node sends to one room: numbers on the way out, and what they tell on the way in.
//!
//! Plain state. Nothing is put right here: events are at most once across nodes, so what is missed is counted.

use std::{
    collections::{HashMap, hash_map::Entry},
    sync::Arc,
};

/// How many rooms' numbers are remembered, twice over. A room that is forgotten begins a new run.
const MAX_LINES: usize = 16_384;

/// How many nodes are told apart in one room. Each start of a node counts as one.
const MAX_ORIGINS: usize = 1024;

/// The place of a delivery among those that one node sent to one room.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Place {
    /// Rises whenever the numbers begin again.
    pub(super) run: u64,
    /// From 1 on, without a hole.
    pub(super) number: u64,
}

/// The numbers that this node gives.
#[derive(Default)]
pub(super) struct Numbers {
    runs: u64,
    current: HashMap<Arc<str>, Place>,
    /// Those not used since as many others were: what is not taken up again goes with the next change.
    before: HashMap<Arc<str>, Place>,
}

impl Numbers {
    pub(super) fn next(&mut self, room: &Arc<str>) -> Place {
        if self.current.len() >= MAX_LINES && !self.current.contains_key(room) {
            self.before = std::mem::take(&mut self.current);
        }
        match self.current.entry(Arc::clone(room)) {
            Entry::Occupied(mut known) => {
                known.get_mut().number += 1;
                *known.get()
            }
            Entry::Vacant(new) => {
                let place = match self.before.remove(room) {
                    Some(Place { run, number }) => Place { run, number: number + 1 },
                    None => {
                        self.runs += 1;
                        Place { run: self.runs, number: 1 }
                    }
                };
                *new.insert(place)
            }
        }
    }
}

/// What a number tells of a delivery that has arrived.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Arrival {
    /// It is the next one, or the first of all.
    Next,
    /// So many before it have not arrived.
    After(u64),
    /// It was there before, or something newer was: who gets it now would see it twice or out of order.
    Late,
}

/// The newest of each node in one room.
#[derive(Default)]
pub(super) struct Newest(HashMap<u64, Place>);

impl Newest {
    pub(super) fn note(&mut self, origin: u64, place: Place) -> Arrival {
        if self.0.len() >= MAX_ORIGINS && !self.0.contains_key(&origin) {
            self.0.clear();
        }
        match self.0.entry(origin) {
            Entry::Vacant(new) => {
                new.insert(place);
                Arrival::Next
            }
            Entry::Occupied(mut newest) => {
                let before = *newest.get();
                if place <= before {
                    return Arrival::Late;
                }
                newest.insert(place);
                let expected = if place.run == before.run { before.number + 1 } else { 1 };
                match place.number.saturating_sub(expected) {
                    0 => Arrival::Next,
                    missed => Arrival::After(missed),
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn place(run: u64, number: u64) -> Place {
        Place { run, number }
    }

    #[test]
    fn each_room_has_numbers_of_its_own() {
        let mut numbers = Numbers::default();
        let (one, other): (Arc<str>, Arc<str>) = ("one".into(), "other".into());
        assert_eq!(numbers.next(&one), place(1, 1));
        assert_eq!(numbers.next(&other), place(2, 1));
        assert_eq!(numbers.next(&one), place(1, 2));
        assert_eq!(numbers.next(&one), place(1, 3));
    }

    #[test]
    fn a_room_in_use_goes_on_however_many_others_there_are_and_what_is_forgotten_begins_a_later_run() {
        let mut numbers = Numbers::default();
        let (used, unused): (Arc<str>, Arc<str>) = ("used".into(), "unused".into());
        assert_eq!((numbers.next(&used), numbers.next(&unused)), (place(1, 1), place(2, 1)));
        for number in 0..5 * MAX_LINES {
            numbers.next(&number.to_string().into());
            if number % 1000 == 0 {
                let next = 2 + number as u64 / 1000;
                assert_eq!(numbers.next(&used), place(1, next));
            }
        }
        assert!(numbers.current.len() + numbers.before.len() <= 2 * MAX_LINES);
        let again = numbers.next(&unused);
        assert!(again > place(2, 1) && again.number == 1, "{again:?}");
    }

    #[test]
    fn holes_doubles_and_reorders_show() {
        let mut newest = Newest::default();
        for (arrives, expected) in [
            (place(4, 7), Arrival::Next),
            (place(4, 8), Arrival::Next),
            (place(4, 8), Arrival::Late),
            (place(4, 7), Arrival::Late),
            (place(4, 12), Arrival::After(3)),
            (place(4, 10), Arrival::Late),
            (place(5, 1), Arrival::Next),
            (place(4, 13), Arrival::Late),
            (place(7, 3), Arrival::After(2)),
            (place(7, u64::MAX), Arrival::After(u64::MAX - 4)),
            (place(7, u64::MAX), Arrival::Late),
            (place(8, 0), Arrival::Next),
        ] {
            assert_eq!(newest.note(1, arrives), expected, "{arrives:?}");
        }
        assert_eq!(newest.note(2, place(1, 1)), Arrival::Next, "another node");
    }

    #[test]
    fn no_number_of_nodes_fills_the_memory() {
        let mut newest = Newest::default();
        for origin in 0..10 * MAX_ORIGINS as u64 {
            newest.note(origin, place(1, 1));
            assert!(newest.0.len() <= MAX_ORIGINS);
        }
    }
}
