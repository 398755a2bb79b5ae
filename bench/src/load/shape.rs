//! How many connections, in which rooms, and who of them sends.
//!
//! Arithmetic only. Connection `c` sits in room `c / room_size`; sender `s` belongs to room `s % rooms`, so
//! senders are spread evenly over the rooms.

use std::ops::Range;

use anyhow::ensure;
use serde::Serialize;

/// One load, apart from its pace.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Shape {
    pub(crate) connections: usize,
    pub(crate) room_size: usize,
    pub(crate) senders: usize,
    /// Bytes of one request's `data`.
    pub(crate) payload: usize,
}

impl Shape {
    /// The shape as given, if it can be laid out.
    pub(crate) fn checked(self) -> anyhow::Result<Self> {
        ensure!(self.room_size > 0 && self.senders > 0, "a room size and a number of senders above 0");
        ensure!(
            self.connections > 0 && self.connections.is_multiple_of(self.room_size),
            "connections must fill whole rooms"
        );
        ensure!(self.senders_per_room() <= self.room_size, "more senders than connections");
        Ok(self)
    }

    pub(crate) fn rooms(&self) -> usize {
        self.connections / self.room_size
    }

    pub(crate) fn senders_per_room(&self) -> usize {
        self.senders.div_ceil(self.rooms())
    }

    pub(crate) fn room_of(&self, connection: usize) -> usize {
        connection / self.room_size
    }

    pub(crate) fn room_of_sender(&self, sender: usize) -> usize {
        sender % self.rooms()
    }

    /// The how-manieth sender of its room this is.
    pub(crate) fn rank_in_room(&self, sender: usize) -> usize {
        sender / self.rooms()
    }

    pub(crate) fn connection_of(&self, sender: usize) -> usize {
        self.room_of_sender(sender) * self.room_size + self.rank_in_room(sender)
    }

    /// The sender that speaks through this connection.
    pub(crate) fn sender_at(&self, connection: usize) -> Option<usize> {
        let sender = (connection % self.room_size) * self.rooms() + self.room_of(connection);
        (sender < self.senders).then_some(sender)
    }

    /// So many percent of the connections, none of a sender, spread evenly.
    pub(crate) fn listeners(&self, percent: f64) -> Vec<usize> {
        let all: Vec<usize> =
            (0..self.connections).filter(|connection| self.sender_at(*connection).is_none()).collect();
        let wanted = (self.connections as f64 * percent / 100.0).round() as usize;
        let wanted = wanted.min(all.len());
        (0..wanted).map(|place| all[place * all.len() / wanted]).collect()
    }

    pub(crate) fn senders_of_room(&self, room: usize) -> std::iter::StepBy<Range<usize>> {
        (room..self.senders).step_by(self.rooms())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn senders_are_spread_over_rooms_and_found_back() {
        for (connections, room_size, senders) in
            [(1_000, 100, 100), (1_000, 100, 10), (1_000, 1_000, 4), (40, 10, 7)]
        {
            let shape = Shape { connections, room_size, senders, payload: 150 }.checked().unwrap();
            for sender in 0..senders {
                let connection = shape.connection_of(sender);
                assert_eq!(shape.sender_at(connection), Some(sender));
                assert_eq!(shape.room_of(connection), shape.room_of_sender(sender));
                assert!(shape.senders_of_room(shape.room_of(connection)).any(|found| found == sender));
            }
            let speaking =
                (0..connections).filter(|connection| shape.sender_at(*connection).is_some()).count();
            assert_eq!(speaking, senders);
        }
    }

    #[test]
    fn listeners_are_distinct_spread_and_no_senders() {
        let shape = Shape { connections: 1_000, room_size: 100, senders: 100, payload: 150 };
        let listeners = shape.listeners(1.0);
        let rooms: Vec<usize> = listeners.iter().map(|listener| shape.room_of(*listener)).collect();
        assert_eq!(rooms, [0, 1, 2, 3, 4, 5, 6, 7, 8, 9]);
        assert!(listeners.iter().all(|listener| shape.sender_at(*listener).is_none()));
        assert!(shape.listeners(0.0).is_empty());
        assert_eq!(shape.listeners(100.0).len(), 900);
    }

    #[test]
    fn a_shape_that_cannot_be_laid_out_is_refused() {
        assert!(Shape { connections: 10, room_size: 3, senders: 1, payload: 150 }.checked().is_err());
        assert!(Shape { connections: 10, room_size: 10, senders: 11, payload: 150 }.checked().is_err());
        assert!(Shape { connections: 0, room_size: 10, senders: 1, payload: 150 }.checked().is_err());
    }
}
