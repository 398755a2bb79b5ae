//! Walks an update of Yjs (version 1) before yrs sees it: what is in it is bounded, and what it needs and provides is known.
//! Free of IO, and of memory that a count alone asks for.
//!
//! yrs decodes recursively and makes room for as much as is said, reads some things otherwise than Yjs writes them, and
//! keeps what cannot be integrated yet for ever. Panics of it can be contained; overflown stacks and endless memory cannot.
//! So no update is given to it that was not measured, nor one that does not fit. What the values mean is left to yrs.

mod content;
mod fit;
#[cfg(test)]
mod fixtures;
#[cfg(test)]
mod tests;

use std::collections::{HashMap, HashSet};

pub(super) use self::content::json_depth;
use super::lib0::{self, Reader, clock_after};

/// What is kept of a struct at least, in bytes: an item of yrs, its place in the list, and what the allocator adds.
const STRUCT_WEIGHT: usize = 256;

/// How the first byte of a struct is read: what is in it, and what is said of it.
const CONTENT: u8 = 0x1f;
const HAS_KEY: u8 = 0x20;
const HAS_RIGHT: u8 = 0x40;
const HAS_LEFT: u8 = 0x80;

/// The structs that are no items.
const COLLECTED: u8 = 0;
const SKIP: u8 = 10;

/// The least bytes of a struct, of a client's structs, of what is deleted of a client, and of an entry of a state vector.
const STRUCT_BYTES: usize = 2;
const CLIENT_BYTES: usize = 5;
const DELETED_BYTES: usize = 2;
const ENTRY_BYTES: usize = 2;

/// How much an update may hold.
#[derive(Clone, Copy, Debug)]
pub(super) struct Bounds {
    pub(super) bytes: usize,
    /// What yrs takes for it in memory, estimated: up to forty times the bytes.
    pub(super) weight: usize,
    /// How many clients there may be structs of. yrs looks through all who wait for each other, time and again.
    pub(super) clients: usize,
    /// How many items may be at the same place with nothing on their left. Under one key of a map, yrs walks over all of them
    /// for each: 20,000 take ten seconds. One that Yjs writes puts there at most one.
    pub(super) rivals: u32,
}

impl Bounds {
    /// Of what was taken already: a document from storage.
    pub(super) const OPEN: Self =
        Self { bytes: usize::MAX, weight: usize::MAX, clients: usize::MAX, rivals: u32::MAX };
}

/// Why an update is not taken.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Refused {
    /// It is none, or says what cannot be, or what yrs would read otherwise than Yjs does.
    Malformed,
    /// It holds more than may be.
    TooLarge,
}

impl From<lib0::Malformed> for Refused {
    fn from(lib0::Malformed: lib0::Malformed) -> Self {
        Self::Malformed
    }
}

/// Names a struct, or one of the things in it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) struct Id {
    pub(super) client: u64,
    pub(super) clock: u32,
}

/// An update of which all is known that matters before it is applied.
#[derive(Debug)]
pub(super) struct Measured {
    clients: Vec<Client>,
    by_id: HashMap<u64, usize>,
    /// Clients, and the clock after the last thing of theirs that is deleted.
    deleted: Vec<(u64, u32)>,
}

/// What is in an update of one client's.
#[derive(Debug)]
pub(super) struct Client {
    pub(super) id: u64,
    /// From where on, and to where there are structs, holes among them.
    first: u32,
    end: u32,
    /// Where the last hole ends, which is zero if there is none.
    hole_end: u32,
    /// What of other clients' is needed, in order.
    needs: Vec<Need>,
    /// In which types the structs are, in order.
    pub(super) places: Vec<Place>,
}

/// That a struct from `at` to `end` needs another client's.
#[derive(Clone, Copy, Debug)]
struct Need {
    at: u32,
    end: u32,
    of: Id,
}

/// In which type the structs from there on are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Place {
    pub(super) at: u32,
    pub(super) of: Whereabouts,
}

/// How a struct says in which type it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Whereabouts {
    /// In one that has a name, or in none any more.
    Root,
    /// In the type that is this.
    In(Id),
    /// In the same as its left or its right neighbour. It should not matter whose.
    Beside(Option<Id>, Option<Id>),
}

impl Measured {
    /// Whether there is nothing in it.
    pub(super) fn is_empty(&self) -> bool {
        self.clients.is_empty() && self.deleted.is_empty()
    }

    /// Whose structs are in it.
    pub(super) fn clients(&self) -> &[Client] {
        &self.clients
    }

    /// What is in it of that client's.
    pub(super) fn client(&self, id: u64) -> Option<(usize, &Client)> {
        let index = *self.by_id.get(&id)?;
        Some((index, &self.clients[index]))
    }
}

impl Client {
    /// Where its structs end.
    pub(super) fn end(&self) -> u32 {
        self.end
    }
}

/// Measures an update.
pub(super) fn measure(update: &[u8], bounds: Bounds) -> Result<Measured, Refused> {
    if update.len() > bounds.bytes {
        return Err(Refused::TooLarge);
    }
    let mut walk = Walk {
        reader: Reader::new(update),
        room: bounds.weight,
        most_rivals: bounds.rivals,
        rivals: HashMap::new(),
    };
    let count = walk.reader.count(CLIENT_BYTES)?;
    if count > bounds.clients {
        return Err(Refused::TooLarge);
    }
    let (mut clients, mut by_id) = (Vec::new(), HashMap::new());
    for index in 0..count {
        let client = walk.client()?;
        // yrs would put the structs of both in one row, whatever their order.
        if by_id.insert(client.id, index).is_some() {
            return Err(Refused::Malformed);
        }
        clients.push(client);
    }
    let deleted = walk.deleted()?;
    if !walk.reader.is_empty() {
        return Err(Refused::Malformed);
    }
    Ok(Measured { clients, by_id, deleted })
}

/// Looks at a state vector with no more entries than `at_most`.
pub(super) fn measure_state_vector(bytes: &[u8], at_most: usize) -> Result<(), Refused> {
    let mut reader = Reader::new(bytes);
    let count = reader.count(ENTRY_BYTES)?;
    if count > at_most {
        return Err(Refused::TooLarge);
    }
    for _ in 0..count {
        reader.client()?;
        reader.clock()?;
    }
    if reader.is_empty() { Ok(()) } else { Err(Refused::Malformed) }
}

/// What is still to be walked, and how much memory there is for it.
struct Walk<'a> {
    reader: Reader<'a>,
    room: usize,
    most_rivals: u32,
    /// How many items are at a place with nothing on their left.
    rivals: HashMap<Spot<'a>, u32>,
}

/// A place with nothing on its left: left of an item, or in a type, maybe under a key.
#[derive(PartialEq, Eq, Hash)]
enum Spot<'a> {
    LeftOf(Id),
    In(Option<Id>, &'a str, &'a str),
}

impl<'a> Walk<'a> {
    /// Takes room.
    fn weigh(&mut self, bytes: usize) -> Result<(), Refused> {
        self.room = self.room.checked_sub(bytes).ok_or(Refused::TooLarge)?;
        Ok(())
    }

    fn client(&mut self) -> Result<Client, Refused> {
        let count = self.reader.count(STRUCT_BYTES)?;
        let id = self.reader.client()?;
        let first = self.reader.clock()?;
        let (mut needs, mut places) = (Vec::new(), Vec::new());
        let (mut clock, mut end, mut hole_end) = (first, first, 0);
        for _ in 0..count {
            self.weigh(STRUCT_WEIGHT)?;
            let info = self.reader.byte()?;
            let at = clock;
            let (length, of) = match info {
                SKIP => (self.reader.clock()?, None),
                COLLECTED => (self.reader.clock()?, Some(([None; 3], Whereabouts::Root))),
                _ => {
                    let (named, of) = self.neighbours(info)?;
                    (self.content(info & CONTENT)?, Some((named, of)))
                }
            };
            // Empty ones do nothing but confuse.
            if length == 0 {
                return Err(Refused::Malformed);
            }
            clock = clock_after(clock, length)?;
            let Some((named, of)) = of else { continue };
            let after_hole = end < at;
            if after_hole {
                hole_end = at;
            }
            end = clock;
            for named in named.into_iter().flatten() {
                if named.client != id {
                    needs.push(Need { at, end, of: named });
                } else if named.clock >= at {
                    // Nobody needs what comes later.
                    return Err(Refused::Malformed);
                }
            }
            put_place(&mut places, (!after_hole).then_some(id), Place { at, of });
        }
        // There would be nothing but holes. yrs passes over such clients recursively.
        if end == first {
            return Err(Refused::Malformed);
        }
        Ok(Client { id, first, end, hole_end, needs, places })
    }

    /// Which others an item names, and in which type it says that it is.
    fn neighbours(&mut self, info: u8) -> Result<([Option<Id>; 3], Whereabouts), Refused> {
        let left = if info & HAS_LEFT != 0 { Some(self.id()?) } else { None };
        let right = if info & HAS_RIGHT != 0 { Some(self.id()?) } else { None };
        if left.is_some() || right.is_some() {
            if let (None, Some(right)) = (left, right) {
                self.compete(Spot::LeftOf(right))?;
            }
            return Ok(([left, right, None], Whereabouts::Beside(left, right)));
        }
        let (parent, name) = match self.reader.unsigned()? {
            0 => (Some(self.id()?), ""),
            1 => {
                let name = self.reader.text()?;
                // It may be a new type.
                self.weigh(STRUCT_WEIGHT + name.len())?;
                (None, name)
            }
            _ => return Err(Refused::Malformed),
        };
        if info & HAS_KEY != 0 {
            let key = self.reader.text()?;
            self.weigh(key.len())?;
            self.compete(Spot::In(parent, name, key))?;
        }
        Ok(([parent, None, None], parent.map_or(Whereabouts::Root, Whereabouts::In)))
    }

    /// Counts an item at a place with nothing on its left.
    fn compete(&mut self, spot: Spot<'a>) -> Result<(), Refused> {
        let rivals = self.rivals.entry(spot).or_default();
        *rivals += 1;
        if *rivals > self.most_rivals { Err(Refused::TooLarge) } else { Ok(()) }
    }

    fn id(&mut self) -> Result<Id, Refused> {
        Ok(Id { client: self.reader.client()?, clock: self.reader.clock()? })
    }

    /// What is deleted of whom: ranges in order, none over another, since yrs walks over all that is in each.
    fn deleted(&mut self) -> Result<Vec<(u64, u32)>, Refused> {
        let count = self.reader.count(DELETED_BYTES)?;
        let (mut deleted, mut seen) = (Vec::new(), HashSet::new());
        for _ in 0..count {
            let client = self.reader.client()?;
            // yrs would forget the ranges before.
            if !seen.insert(client) {
                return Err(Refused::Malformed);
            }
            let mut end = 0;
            for _ in 0..self.reader.count(DELETED_BYTES)? {
                let (clock, length) = (self.reader.clock()?, self.reader.clock()?);
                if clock < end || length == 0 {
                    return Err(Refused::Malformed);
                }
                end = clock_after(clock, length)?;
            }
            if end > 0 {
                deleted.push((client, end));
            }
        }
        Ok(deleted)
    }
}

/// Adds a place, unless it says no more than the one before. The client is named if its struct before is in this update.
fn put_place(places: &mut Vec<Place>, client: Option<u64>, place: Place) {
    if let (Some(last), Whereabouts::Beside(Some(left), right)) = (places.last(), place.of)
        && Some(left.client) == client
        && left.clock.checked_add(1) == Some(place.at)
        && (right.is_none() || matches!(last.of, Whereabouts::Beside(_, before) if before == right))
    {
        return;
    }
    if places.last().is_none_or(|last| last.of != place.of) {
        places.push(place);
    }
}
