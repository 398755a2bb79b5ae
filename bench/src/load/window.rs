//! The requests of one sender that are under way.
//!
//! A request is under way until its ack and the last of its deliveries have come, in whatever order. Pure:
//! that nothing is counted twice is the checker's part.

use std::collections::VecDeque;

/// One sender's requests under way.
#[derive(Clone, Default)]
pub(super) struct Window {
    /// The number of the oldest request that is under way.
    first: u32,
    /// For that request and each after it, how much is still to come.
    left: VecDeque<u32>,
    under_way: u64,
}

impl Window {
    /// Notes the sender's next request, which is to bring so many packets.
    pub(super) fn sent(&mut self, packets: u32) {
        self.left.push_back(packets);
        self.under_way += 1;
    }

    /// Notes one packet of a request; true when it was the last.
    pub(super) fn arrived(&mut self, number: u32) -> bool {
        let place = number.checked_sub(self.first).and_then(|place| self.left.get_mut(place as usize));
        let Some(left) = place else { return false };
        *left -= 1;
        if *left > 0 {
            return false;
        }
        self.under_way -= 1;
        while self.left.front() == Some(&0) {
            self.left.pop_front();
            self.first += 1;
        }
        true
    }

    pub(super) fn under_way(&self) -> u64 {
        self.under_way
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_request_is_under_way_until_its_last_packet_whatever_overtakes_it() {
        let mut window = Window::default();
        window.sent(2);
        window.sent(2);
        assert_eq!([window.arrived(0), window.arrived(1), window.arrived(1)], [false, false, true]);
        assert_eq!(window.under_way(), 1);
        window.sent(1);
        assert_eq!([window.arrived(2), window.arrived(0)], [true, true]);
        assert_eq!((window.under_way(), window.first, window.left.len()), (0, 3, 0));
        assert!(!window.arrived(0), "long done");
    }
}
