//! How deep types are in types, of all structs of a document: yrs deletes, collects and shows what is in types recursively,
//! and an overflown stack ends the process. Free of IO.
//!
//! yrs itself does not say in which type a struct is. So this follows every update, the one that a document is loaded from
//! included, and keeps for each client from which clock on its structs are how deep: few numbers, since people stay where
//! they write. Updates that would go deeper than the bound are to be refused.

use std::collections::HashMap;

use super::measure::{Id, Measured, Whereabouts};

#[cfg(test)]
mod tests;

/// How deep a struct may be. Unoptimized, yrs overflows a stack of 2 MiB at 1180 arrays made JSON, and at 1700 types deleted;
/// documents of people are some ten deep.
pub(super) const MAX_DEPTH: u16 = 256;

/// That types would be too deep, or that what was asked about does not fit.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct TooDeep;

/// How deep the structs of a document are.
#[derive(Debug, Default)]
pub(super) struct Depths {
    clients: HashMap<u64, Known>,
}

/// How deep the structs of a client are.
#[derive(Debug, Default)]
struct Known {
    end: u32,
    /// From which clock on how deep, in order.
    steps: Vec<(u32, u16)>,
}

/// What an update adds.
#[derive(Debug)]
pub(super) struct Added(Vec<(u64, Known)>);

impl Known {
    fn at(&self, clock: u32) -> u16 {
        match self.steps.partition_point(|&(from, _)| from <= clock) {
            0 => 0,
            after => self.steps[after - 1].1,
        }
    }

    fn put(&mut self, from: u32, depth: u16) {
        if self.steps.last().is_none_or(|&(_, last)| last != depth) {
            self.steps.push((from, depth));
        }
    }
}

impl Depths {
    /// How deep an update that fits would be; it is to be added once it was applied.
    pub(super) fn of(&self, update: &Measured) -> Result<Added, TooDeep> {
        let mut search = Search { known: self, update, found: Vec::new(), left: 0 };
        for client in update.clients() {
            search.found.push(vec![None; client.places.len()]);
            search.left += client.places.len();
        }
        let mut added = Vec::new();
        for (index, client) in update.clients().iter().enumerate() {
            let end = self.end(client.id);
            let mut new = Known { end: client.end(), steps: Vec::new() };
            for (place, of) in client.places.iter().enumerate() {
                let next = client.places.get(place + 1).map_or(client.end(), |next| next.at);
                if next > end {
                    let depth = search.depth(index, place)?;
                    new.put(of.at.max(end), depth);
                }
            }
            if client.end() > end {
                added.push((client.id, new));
            }
        }
        Ok(Added(added))
    }

    /// Takes what an update added, once it was applied.
    pub(super) fn add(&mut self, Added(added): Added) {
        for (client, new) in added {
            let known = self.clients.entry(client).or_default();
            for (from, depth) in new.steps {
                known.put(from, depth);
            }
            known.end = new.end;
        }
    }

    /// How much memory this takes, about.
    #[cfg(test)]
    pub(super) fn bytes(&self) -> usize {
        self.clients.values().map(|known| 64 + known.steps.capacity() * size_of::<(u32, u16)>()).sum()
    }

    fn end(&self, client: u64) -> u32 {
        self.clients.get(&client).map_or(0, |known| known.end)
    }
}

/// How deep the places of an update are.
struct Search<'a> {
    known: &'a Depths,
    update: &'a Measured,
    found: Vec<Vec<Option<u16>>>,
    /// How many places there are: no chain of them is longer.
    left: usize,
}

/// What is to be known of a neighbour.
enum Neighbour {
    Found(u16),
    /// It is in that place of the update's.
    In(usize, usize),
    Nowhere,
}

impl Search<'_> {
    fn depth(&mut self, client: usize, place: usize) -> Result<u16, TooDeep> {
        let mut chain = vec![(client, place)];
        while let Some(&(client, place)) = chain.last() {
            // Longer than all places: they name each other, which nothing does that fits.
            if chain.len() > self.left {
                return Err(TooDeep);
            }
            match self.step(client, place)? {
                Ok(depth) if depth > MAX_DEPTH => return Err(TooDeep),
                Ok(depth) => {
                    self.found[client][place] = Some(depth);
                    chain.pop();
                }
                Err(first) => chain.push(first),
            }
        }
        self.found[client][place].ok_or(TooDeep)
    }

    /// How deep a place is, or which is to be known before.
    fn step(&self, index: usize, place: usize) -> Result<Result<u16, (usize, usize)>, TooDeep> {
        if let Some(depth) = self.found[index][place] {
            return Ok(Ok(depth));
        }
        let client = &self.update.clients()[index];
        let (at, of) = (client.places[place].at, client.places[place].of);
        let (named, deeper) = match of {
            Whereabouts::Root => ([None, None], 0),
            Whereabouts::In(parent) => ([Some(parent), None], 1),
            Whereabouts::Beside(left, right) => ([left, right], 0),
        };
        // What is known of it may say something else than it does here: yrs cuts it off and goes on where it is.
        let end = self.known.end(client.id);
        let before = end.checked_sub(1).filter(|&before| before >= at);
        let mut depth = before.map_or(0, |clock| self.known.clients[&client.id].at(clock));
        for id in named.into_iter().flatten() {
            match self.neighbour(id) {
                Neighbour::Found(found) => depth = depth.max(found + deeper),
                Neighbour::In(index, place) => return Ok(Err((index, place))),
                Neighbour::Nowhere => return Err(TooDeep),
            }
        }
        Ok(Ok(depth))
    }

    fn neighbour(&self, id: Id) -> Neighbour {
        if let Some(known) = self.known.clients.get(&id.client)
            && id.clock < known.end
        {
            return Neighbour::Found(known.at(id.clock));
        }
        let Some((index, client)) = self.update.client(id.client) else { return Neighbour::Nowhere };
        if id.clock >= client.end() {
            return Neighbour::Nowhere;
        }
        match client.places.partition_point(|place| place.at <= id.clock) {
            0 => Neighbour::Nowhere,
            after => match self.found[index][after - 1] {
                Some(depth) => Neighbour::Found(depth),
                None => Neighbour::In(index, after - 1),
            },
        }
    }
}
