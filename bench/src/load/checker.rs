//! Says whether every message arrived exactly once and in order.
//!
//! A [`Sequence`] follows one sender at one recipient; the [`Checker`] holds one for each pair, and one for
//! each sender's acks. Pure: it counts, it neither waits nor decides when a run has failed.

use std::collections::BTreeSet;
use std::ops::AddAssign;

use serde::Serialize;

use super::shape::Shape;

/// What went wrong. All zero is the only good outcome.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Faults {
    /// Deliveries that never came.
    pub(crate) lost: u64,
    /// Deliveries that came again.
    pub(crate) doubled: u64,
    /// Deliveries that came after a later one of the same sender.
    pub(crate) reordered: u64,
    /// Deliveries with a client output that was not for this recipient.
    pub(crate) wrong: u64,
    /// Requests without an ack.
    pub(crate) missing_acks: u64,
    /// Acks that came again.
    pub(crate) doubled_acks: u64,
    /// Acks and frames with an error in them.
    pub(crate) refused: u64,
    /// Frames that no one asked for: another room, a message never sent, unreadable.
    pub(crate) stray: u64,
    /// Connections that ended before the load generator closed them.
    pub(crate) disconnected: u64,
}

/// What one arrival means.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Arrival {
    InOrder,
    Late,
    Again,
}

/// The messages 0, 1, 2, ... of one sender as one recipient sees them.
#[derive(Clone, Default)]
struct Sequence {
    next: u32,
    /// Numbers below `next` that have not come: nearly always none.
    skipped: BTreeSet<u32>,
}

impl Sequence {
    fn arrived(&mut self, number: u32) -> Arrival {
        if number == self.next {
            self.next += 1;
            return Arrival::InOrder;
        }
        if number > self.next {
            self.skipped.extend(self.next..number);
            self.next = number + 1;
            return Arrival::InOrder;
        }
        if self.skipped.remove(&number) { Arrival::Late } else { Arrival::Again }
    }

    /// How many have come, each counted once.
    fn checked(&self) -> u64 {
        u64::from(self.next) - self.skipped.len() as u64
    }

    /// How many of `sent` messages have not come.
    fn missing(&self, sent: u32) -> u64 {
        u64::from(sent - self.next) + self.skipped.len() as u64
    }
}

/// All sequences of one fleet of connections.
pub(crate) struct Checker {
    shape: Shape,
    sent: Vec<u32>,
    /// Connections that read nothing any more: nothing is to come to them.
    stuck: BTreeSet<usize>,
    /// Per room, how many read.
    readers: Vec<u32>,
    /// Per connection one sequence for each sender of its room.
    deliveries: Vec<Sequence>,
    acks: Vec<Sequence>,
    outstanding: u64,
    faults: Faults,
}

impl Checker {
    pub(crate) fn new(shape: Shape) -> Self {
        Self {
            shape,
            sent: vec![0; shape.senders],
            stuck: BTreeSet::new(),
            readers: vec![shape.room_size as u32; shape.rooms()],
            deliveries: vec![Sequence::default(); shape.connections * shape.senders_per_room()],
            acks: vec![Sequence::default(); shape.senders],
            outstanding: 0,
            faults: Faults::default(),
        }
    }

    /// Notes that `sender` sends one more message, and returns its number.
    pub(crate) fn send(&mut self, sender: usize) -> u32 {
        let number = self.sent[sender];
        self.sent[sender] += 1;
        self.outstanding += u64::from(self.packets_of(sender));
        number
    }

    /// What a message of `sender` is to bring: a delivery to each of the room who reads, and the ack.
    pub(crate) fn packets_of(&self, sender: usize) -> u32 {
        self.readers[self.shape.room_of_sender(sender)] + 1
    }

    /// Notes that a connection, none of a sender's, reads nothing from now on.
    pub(crate) fn stick(&mut self, connection: usize) {
        // What has not come by now never will, and is still lost.
        let missing = self.missing_at(connection);
        if self.stuck.insert(connection) {
            self.faults.lost += missing;
            self.outstanding -= missing;
            self.readers[self.shape.room_of(connection)] -= 1;
        }
    }

    /// Notes a delivery; false when it is not the first arrival of a message that was sent to this
    /// connection.
    pub(crate) fn delivered(&mut self, connection: usize, sender: usize, number: u32) -> bool {
        let expected = sender < self.shape.senders
            && self.shape.room_of_sender(sender) == self.shape.room_of(connection)
            && number < self.sent[sender];
        if !expected {
            self.faults.stray += 1;
            return false;
        }
        let index = self.place(connection, sender);
        match self.deliveries[index].arrived(number) {
            Arrival::InOrder => {}
            Arrival::Late => self.faults.reordered += 1,
            Arrival::Again => {
                self.faults.doubled += 1;
                return false;
            }
        }
        self.outstanding -= 1;
        true
    }

    /// Notes an ack to `sender`; false when it is not the first for a message that was sent.
    pub(crate) fn acked(&mut self, sender: usize, number: u32) -> bool {
        if number >= self.sent[sender] {
            self.faults.stray += 1;
            return false;
        }
        // Acks carry the id of their request, so their order is nobody's concern.
        if self.acks[sender].arrived(number) == Arrival::Again {
            self.faults.doubled_acks += 1;
            return false;
        }
        self.outstanding -= 1;
        true
    }

    /// Notes a delivery with the wrong output; it has arrived all the same.
    pub(crate) fn wrong(&mut self) {
        self.faults.wrong += 1;
    }

    pub(crate) fn refused(&mut self) {
        self.faults.refused += 1;
    }

    pub(crate) fn stray(&mut self) {
        self.faults.stray += 1;
    }

    pub(crate) fn disconnected(&mut self) {
        self.faults.disconnected += 1;
    }

    pub(crate) fn any_disconnected(&self) -> bool {
        self.faults.disconnected > 0
    }

    /// Deliveries and acks that are still to come.
    pub(crate) fn outstanding(&self) -> u64 {
        self.outstanding
    }

    /// The faults so far, counting as lost all that has not come by now.
    pub(crate) fn faults(&self) -> Faults {
        let mut faults = self.faults;
        for connection in (0..self.shape.connections).filter(|connection| !self.stuck.contains(connection)) {
            faults.lost += self.missing_at(connection);
        }
        for (acks, sent) in self.acks.iter().zip(&self.sent) {
            faults.missing_acks += acks.missing(*sent);
        }
        faults
    }

    /// The deliveries that have come and were looked at.
    pub(crate) fn checked(&self) -> u64 {
        self.deliveries.iter().map(Sequence::checked).sum()
    }

    fn missing_at(&self, connection: usize) -> u64 {
        let senders = self.shape.senders_of_room(self.shape.room_of(connection));
        senders.map(|sender| self.deliveries[self.place(connection, sender)].missing(self.sent[sender])).sum()
    }

    /// Where the sequence of a sender at a connection of its room is.
    fn place(&self, connection: usize, sender: usize) -> usize {
        connection * self.shape.senders_per_room() + self.shape.rank_in_room(sender)
    }
}

impl Faults {
    /// All of them, of whatever kind.
    pub(crate) fn total(&self) -> u64 {
        let Self {
            lost,
            doubled,
            reordered,
            wrong,
            missing_acks,
            doubled_acks,
            refused,
            stray,
            disconnected,
        } = self;
        lost + doubled + reordered + wrong + missing_acks + doubled_acks + refused + stray + disconnected
    }
}

impl AddAssign for Faults {
    fn add_assign(&mut self, more: Self) {
        self.lost += more.lost;
        self.doubled += more.doubled;
        self.reordered += more.reordered;
        self.wrong += more.wrong;
        self.missing_acks += more.missing_acks;
        self.doubled_acks += more.doubled_acks;
        self.refused += more.refused;
        self.stray += more.stray;
        self.disconnected += more.disconnected;
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// One room of two, one sender: connection 0 is the sender, connection 1 listens.
    fn pair() -> Checker {
        Checker::new(Shape { connections: 2, room_size: 2, senders: 1, payload: 64 })
    }

    /// Sends `sent` messages that the sender itself gets in order and acked, and connection 1 as given.
    fn faults_when(sent: u32, arrivals: impl IntoIterator<Item = u32>) -> Faults {
        let mut checker = pair();
        for _ in 0..sent {
            let number = checker.send(0);
            assert!(checker.delivered(0, 0, number));
            assert!(checker.acked(0, number));
        }
        for number in arrivals {
            checker.delivered(1, 0, number);
        }
        checker.faults()
    }

    #[test]
    fn in_order_and_once_is_faultless() {
        assert_eq!(faults_when(4, [0, 1, 2, 3]), Faults::default());
    }

    #[test]
    fn what_was_checked_is_what_has_come_each_once() {
        let mut checker = pair();
        for _ in 0..4 {
            checker.send(0);
        }
        for number in [0, 1, 1, 3] {
            checker.delivered(1, 0, number);
        }
        assert_eq!(checker.checked(), 3);
    }

    #[test]
    fn a_lost_delivery_is_counted_in_the_middle_and_at_the_end() {
        assert_eq!(faults_when(4, [0, 2, 3]), Faults { lost: 1, ..Faults::default() });
        assert_eq!(faults_when(4, [0, 1]), Faults { lost: 2, ..Faults::default() });
    }

    #[test]
    fn a_doubled_delivery_is_counted() {
        assert_eq!(faults_when(3, [0, 1, 1, 2, 0]), Faults { doubled: 2, ..Faults::default() });
    }

    #[test]
    fn a_reordered_delivery_is_counted_and_not_lost() {
        assert_eq!(faults_when(4, [0, 2, 1, 3]), Faults { reordered: 1, ..Faults::default() });
        assert_eq!(faults_when(4, [3, 0, 1, 2, 2]), Faults { reordered: 3, doubled: 1, ..Faults::default() });
    }

    #[test]
    fn acks_are_counted_each() {
        let mut checker = pair();
        for _ in 0..3 {
            let number = checker.send(0);
            checker.delivered(0, 0, number);
            checker.delivered(1, 0, number);
        }
        assert!(checker.acked(0, 2));
        assert!(checker.acked(0, 0));
        assert!(!checker.acked(0, 0));
        assert_eq!(checker.faults(), Faults { missing_acks: 1, doubled_acks: 1, ..Faults::default() });
        assert_eq!(checker.outstanding(), 1);
    }

    #[test]
    fn what_was_never_sent_here_is_stray() {
        let mut checker = Checker::new(Shape { connections: 4, room_size: 2, senders: 2, payload: 64 });
        checker.send(0);
        assert!(!checker.delivered(2, 0, 0), "another room");
        assert!(!checker.delivered(1, 0, 1), "not sent yet");
        assert!(!checker.delivered(1, 9, 0), "no such sender");
        assert_eq!(checker.faults().stray, 3);
    }

    #[test]
    fn nothing_is_to_come_to_a_stuck_connection_and_what_was_lost_before_stays_lost() {
        let mut checker = pair();
        let first = checker.send(0);
        checker.delivered(0, 0, first);
        checker.acked(0, first);
        checker.stick(1);
        assert_eq!((checker.packets_of(0), checker.outstanding()), (2, 0));
        let second = checker.send(0);
        assert_eq!(checker.outstanding(), 2);
        checker.delivered(0, 0, second);
        checker.acked(0, second);
        assert_eq!(checker.outstanding(), 0);
        assert_eq!(checker.faults(), Faults { lost: 1, ..Faults::default() });
    }

    proptest! {
        /// Whatever arrives in whatever order, each message is either there or lost, and each extra arrival
        /// is doubled.
        #[test]
        fn lost_and_doubled_add_up(arrivals in prop::collection::vec(0u32..20, 0..60)) {
            let distinct = arrivals.iter().collect::<BTreeSet<_>>().len() as u64;
            let faults = faults_when(20, arrivals.iter().copied());
            prop_assert_eq!(faults.lost, 20 - distinct);
            prop_assert_eq!(faults.doubled, arrivals.len() as u64 - distinct);
            let mut highest = None;
            let late = arrivals.iter().enumerate().filter(|(at, number)| {
                let late = highest > Some(**number) && !arrivals[..*at].contains(number);
                highest = highest.max(Some(**number));
                late
            });
            prop_assert_eq!(faults.reordered, late.count() as u64);
        }
    }
}
