//! Whether an update can be integrated at once into a document, so that yrs keeps nothing back.

use super::{Measured, Need};

/// How far the structs of a client would be integrated.
struct Reached {
    /// How many of its needs are met.
    met: usize,
    /// Whether one of its structs waits for another's.
    waits: bool,
    known: u32,
}

impl Measured {
    /// Whether all of it can be integrated into a document that has the structs of clients up to these clocks, without a
    /// hole: nothing is missing before or between its structs, and all that they name is known or in it, and no two wait
    /// for each other.
    pub(in crate::documents) fn fits(&self, state: impl Fn(u64) -> u32) -> bool {
        let mut reached = Vec::with_capacity(self.clients.len());
        for client in &self.clients {
            let known = state(client.id);
            if client.first > known || client.hole_end > known {
                return false;
            }
            reached.push(Reached { met: 0, waits: false, known });
        }
        let is_deletable = |&(client, end): &(u64, u32)| {
            end <= state(client).max(self.client(client).map_or(0, |(_, client)| client.end))
        };
        self.deleted.iter().all(is_deletable)
            && (0..self.clients.len()).all(|index| self.reaches_end(index, &mut reached, &state))
    }

    /// Whether all structs of that client can be integrated; goes to and fro between clients as yrs does.
    fn reaches_end(&self, index: usize, reached: &mut [Reached], state: &impl Fn(u64) -> u32) -> bool {
        // Clients whose structs wait, and up to where they are waited for.
        let mut waiting = vec![(index, u32::MAX)];
        while let Some(&(index, target)) = waiting.last() {
            let needs = &self.clients[index].needs;
            reached[index].waits = true;
            let next = needs.get(reached[index].met).filter(|need| need.at <= target);
            let Some(need) = next else {
                reached[index].waits = false;
                waiting.pop();
                continue;
            };
            match self.wait_for(*need, reached, reached[index].known, state) {
                Wait::Not => reached[index].met += 1,
                Wait::For(other) => waiting.push((other, need.of.clock)),
                Wait::ForEver => return false,
            }
        }
        true
    }

    fn wait_for(&self, need: Need, reached: &[Reached], known: u32, state: &impl Fn(u64) -> u32) -> Wait {
        if need.end <= known || need.of.clock < state(need.of.client) {
            return Wait::Not;
        }
        match self.client(need.of.client) {
            Some((other, client)) if need.of.clock < client.end => {
                let so_far = client.needs.get(reached[other].met).map_or(client.end, |next| next.at);
                match so_far > need.of.clock {
                    true => Wait::Not,
                    false if reached[other].waits => Wait::ForEver,
                    false => Wait::For(other),
                }
            }
            _ => Wait::ForEver,
        }
    }
}

/// Whether a struct has to wait for another client's.
enum Wait {
    Not,
    /// For the client of that index.
    For(usize),
    ForEver,
}
