//! A value per room, in memory and bounded.
//!
//! Not a database: it is lost with the process and known to one node only.

use std::{
    collections::{BTreeMap, HashMap},
    sync::{Arc, Mutex, PoisonError},
};

/// How many rooms keep their value. A client names rooms at will, so something has to end their number.
pub const MAX_ROOMS: usize = 10_000;

/// One `T` for each room. A room begins with `T::default()`; when more than [`MAX_ROOMS`] are in use, the one that
/// was used longest ago is forgotten and would begin anew.
#[derive(Debug, Default)]
pub struct PerRoom<T> {
    table: Mutex<Table<T>>,
}

#[derive(Debug, Default)]
struct Table<T> {
    /// Each room's value and the time of its last use, a count of all uses.
    rooms: HashMap<Arc<str>, (T, u64)>,
    /// The rooms by the time of their last use.
    by_use: BTreeMap<u64, Arc<str>>,
    uses: u64,
}

impl<T: Default> PerRoom<T> {
    /// Changes the room's value in place and returns what the change returns. Other callers wait meanwhile: the
    /// change has to be short, and it cannot await.
    pub fn update<R>(&self, room: &str, change: impl FnOnce(&mut T) -> R) -> R {
        // A change that panicked is its author's to answer for; it does not close the table to all other rooms.
        let mut table = self.table.lock().unwrap_or_else(PoisonError::into_inner);
        change(table.touch(room))
    }

    /// Looks at the room's value, if it has one: unlike a change, a look begins none.
    pub fn read<R>(&self, room: &str, look: impl FnOnce(&T) -> R) -> Option<R> {
        let mut table = self.table.lock().unwrap_or_else(PoisonError::into_inner);
        let known = table.rooms.contains_key(room);
        known.then(|| look(table.touch(room)))
    }
}

impl<T: Default> Table<T> {
    /// The room's value, marked as used now.
    fn touch(&mut self, room: &str) -> &mut T {
        self.uses += 1;
        let name = match self.rooms.get(room) {
            Some((_, last_use)) => self.by_use.remove(last_use),
            None => None,
        };
        let name = name.unwrap_or_else(|| {
            if self.rooms.len() >= MAX_ROOMS
                && let Some((_, unused_longest)) = self.by_use.pop_first()
            {
                self.rooms.remove(&unused_longest);
            }
            room.into()
        });
        self.by_use.insert(self.uses, Arc::clone(&name));
        let (value, last_use) = self.rooms.entry(name).or_default();
        *last_use = self.uses;
        value
    }
}

#[cfg(test)]
mod tests {
    use super::{MAX_ROOMS, PerRoom};

    fn add(rooms: &PerRoom<usize>, room: &str) -> usize {
        rooms.update(room, |uses| {
            *uses += 1;
            *uses
        })
    }

    #[test]
    fn rooms_are_apart() {
        let rooms = PerRoom::default();
        assert_eq!((add(&rooms, "a"), add(&rooms, "a"), add(&rooms, "b")), (1, 2, 1));
    }

    #[test]
    fn the_room_unused_longest_is_forgotten() {
        let rooms = PerRoom::default();
        for room in 0..MAX_ROOMS {
            add(&rooms, &room.to_string());
        }
        add(&rooms, "0");
        add(&rooms, "one more");
        assert_eq!(add(&rooms, "0"), 3, "used again, so kept");
        assert_eq!(add(&rooms, "2"), 2, "not the oldest, so kept");
        assert_eq!(add(&rooms, "1"), 1, "the oldest, so forgotten");

        let table = rooms.table.lock().unwrap();
        assert_eq!((table.rooms.len(), table.by_use.len()), (MAX_ROOMS, MAX_ROOMS));
    }

    #[test]
    fn a_look_is_a_use_and_begins_nothing() {
        let rooms = PerRoom::default();
        assert_eq!(rooms.read("0", |uses: &usize| *uses), None);
        assert!(rooms.table.lock().unwrap().rooms.is_empty());
        for room in 0..MAX_ROOMS {
            add(&rooms, &room.to_string());
        }
        assert_eq!(rooms.read("0", |uses| *uses), Some(1));
        add(&rooms, "one more");
        assert_eq!(add(&rooms, "0"), 2, "looked at, so kept");
        assert_eq!(rooms.read("1", |uses| *uses), None, "the oldest, so forgotten");
    }

    #[test]
    fn a_panic_does_not_close_the_table() {
        let rooms = PerRoom::<usize>::default();
        let panicked = std::panic::catch_unwind(|| rooms.update("a", |_| panic!("on purpose")));
        assert!(panicked.is_err());
        assert_eq!(add(&rooms, "a"), 1);
    }
}
