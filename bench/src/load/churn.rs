//! Connections that come and go beside a load: each logs in, joins a room, hears it for a while and leaves.
//!
//! On a thread of its own, so that it is no part of how a run sends. Half of them say goodbye and half just go. A guest
//! has not heard what was before it, so it is held only to what it can know: from the first message of a sender on,
//! each is the next.

use std::collections::VecDeque;
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use anyhow::{anyhow, bail, ensure};

use super::checker::Faults;
use super::connection::{Buffers, Outbox};
use super::fleet::{Fleet, Listener, join, log_in};
use super::histogram::Histogram;
use super::packet::{Packet, Stamp, ending};
use super::shape::Shape;

/// How long a guest is away.
const AWAY: Duration = Duration::from_millis(500);
/// At the end, those who are on their way have so long to get in.
const ARRIVAL: Duration = Duration::from_secs(10);
/// Between two looks at the clock.
const TURN: Duration = Duration::from_millis(5);

/// Who comes and goes, and where.
pub(crate) struct Guests {
    pub(crate) address: SocketAddr,
    /// One for each guest.
    pub(crate) tokens: Vec<String>,
    /// What each is to get as client output.
    pub(crate) client_outputs: Vec<String>,
    pub(crate) batch: bool,
    /// The load beside which they are: the guests are spread over its rooms.
    pub(crate) shape: Shape,
    pub(crate) rooms: Vec<String>,
    /// So many leave in a second, and come back.
    pub(crate) per_second: f64,
}

/// What became of them.
pub(crate) struct Churned {
    pub(crate) left: u64,
    /// How often one got into its room, the first times included.
    pub(crate) entered: u64,
    /// From dialing to the ack of the room.
    pub(crate) entering: Histogram,
    /// Deliveries that they got, each looked at.
    pub(crate) checked: u64,
    pub(crate) faults: Faults,
}

/// Guests that come and go until they are stopped.
pub(crate) struct Churn {
    stop: Arc<AtomicBool>,
    thread: JoinHandle<anyhow::Result<Churned>>,
}

impl Churn {
    /// The guests begin to come.
    pub(crate) fn begin(guests: Guests) -> Self {
        let stop = Arc::new(AtomicBool::new(false));
        let stopped = Arc::clone(&stop);
        Self { stop, thread: std::thread::spawn(move || guests.come_and_go(&stopped)) }
    }

    /// All get in who are on their way, and then leave for good.
    pub(crate) fn end(self) -> anyhow::Result<Churned> {
        self.stop.store(true, Ordering::Relaxed);
        self.thread.join().map_err(|_| anyhow!("the guests' thread has panicked"))?
    }
}

impl Guests {
    fn come_and_go(self, stop: &AtomicBool) -> anyhow::Result<Churned> {
        ensure!(self.per_second > 0.0 && !self.tokens.is_empty(), "guests that come and go");
        let mut fleet = Fleet::empty()?;
        let mut house = House::new(&self);
        let (began, mut turns) = (Instant::now(), 0_u64);
        while !stop.load(Ordering::Relaxed) {
            while began.elapsed().as_secs_f64() * self.per_second > turns as f64 {
                let guest = (turns % self.tokens.len() as u64) as usize;
                let politely = (turns / self.tokens.len() as u64).is_multiple_of(2);
                house.turn_of(guest, politely, &mut fleet)?;
                turns += 1;
            }
            house.let_in(&mut fleet, Instant::now())?;
            fleet.turn(TURN, &mut house)?;
        }
        let until = Instant::now() + AWAY + ARRIVAL;
        while house.anybody_outside() {
            house.let_in(&mut fleet, Instant::now())?;
            fleet.turn(TURN, &mut house)?;
            if Instant::now() > until {
                bail!("a guest does not get into its room");
            }
        }
        Ok(house.churned)
    }
}

/// Where a guest is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Whereabouts {
    Nowhere,
    Away,
    OnTheWay(Instant),
    Inside,
}

/// The messages of one sender as a guest hears them, from the first on.
#[derive(Clone, Copy, Default)]
struct Heard(Option<u32>);

impl Heard {
    /// How many are missing before this one; nothing when it is one of before.
    fn next(&mut self, number: u32) -> Option<u32> {
        let missing = number.checked_sub(self.0.unwrap_or(number))?;
        self.0 = Some(number + 1);
        Some(missing)
    }
}

/// All guests, listening.
struct House<'a> {
    guests: &'a Guests,
    endings: Vec<Vec<u8>>,
    whereabouts: Vec<Whereabouts>,
    /// Per guest, one for each sender of its room.
    heard: Vec<Vec<Heard>>,
    /// Who comes back, and when.
    returning: VecDeque<(Instant, usize)>,
    churned: Churned,
}

impl<'a> House<'a> {
    fn new(guests: &'a Guests) -> Self {
        let count = guests.tokens.len();
        Self {
            guests,
            endings: guests.client_outputs.iter().map(|output| ending(output)).collect(),
            whereabouts: vec![Whereabouts::Nowhere; count],
            heard: vec![Vec::new(); count],
            returning: VecDeque::new(),
            churned: Churned {
                left: 0,
                entered: 0,
                entering: Histogram::new(),
                checked: 0,
                faults: Faults::default(),
            },
        }
    }

    fn room_of(&self, guest: usize) -> usize {
        guest % self.guests.rooms.len()
    }

    /// Who is inside leaves, who never came or was thrown out comes. Who is under way is left alone.
    fn turn_of(&mut self, guest: usize, politely: bool, fleet: &mut Fleet) -> anyhow::Result<()> {
        match self.whereabouts[guest] {
            Whereabouts::Nowhere => self.dial(guest, fleet),
            Whereabouts::Away | Whereabouts::OnTheWay(_) => Ok(()),
            Whereabouts::Inside => {
                fleet.leave(guest, politely);
                self.churned.left += 1;
                self.whereabouts[guest] = Whereabouts::Away;
                self.returning.push_back((Instant::now() + AWAY, guest));
                Ok(())
            }
        }
    }

    /// Those come back whose time it is.
    fn let_in(&mut self, fleet: &mut Fleet, now: Instant) -> anyhow::Result<()> {
        while self.returning.front().is_some_and(|(at, _)| *at <= now)
            && let Some((_, guest)) = self.returning.pop_front()
        {
            self.dial(guest, fleet)?;
        }
        Ok(())
    }

    fn dial(&mut self, guest: usize, fleet: &mut Fleet) -> anyhow::Result<()> {
        let senders = self.guests.shape.senders_per_room();
        self.heard[guest] = vec![Heard::default(); senders];
        self.whereabouts[guest] = Whereabouts::OnTheWay(Instant::now());
        fleet.dial(self.guests.address, Buffers::Usual, guest)
    }

    fn anybody_outside(&self) -> bool {
        let outside = |place: &Whereabouts| matches!(place, Whereabouts::Away | Whereabouts::OnTheWay(_));
        self.whereabouts.iter().any(outside)
    }

    fn delivered(&mut self, guest: usize, Stamp { sender, number, .. }: Stamp, rest: &[u8]) {
        let (shape, sender) = (self.guests.shape, sender as usize);
        if sender >= shape.senders || shape.room_of_sender(sender) != self.room_of(guest) {
            self.churned.faults.stray += 1;
            return;
        }
        if !rest.ends_with(&self.endings[guest]) {
            self.churned.faults.wrong += 1;
        }
        self.churned.checked += 1;
        match self.heard[guest][shape.rank_in_room(sender)].next(number) {
            Some(missing) => self.churned.faults.lost += u64::from(missing),
            None => self.churned.faults.reordered += 1,
        }
    }
}

impl Listener for House<'_> {
    fn packet(
        &mut self,
        guest: usize,
        at: Instant,
        packet: Packet<'_>,
        outbox: &mut Outbox,
    ) -> anyhow::Result<()> {
        match packet {
            Packet::Open => log_in(outbox, &self.guests.tokens[guest], self.guests.batch),
            Packet::Connected => {
                join(outbox, std::slice::from_ref(&self.guests.rooms[self.room_of(guest)]));
            }
            Packet::Ack { success: true, .. } => match self.whereabouts[guest] {
                Whereabouts::OnTheWay(since) => {
                    self.whereabouts[guest] = Whereabouts::Inside;
                    self.churned.entered += 1;
                    let took = at.saturating_duration_since(since);
                    self.churned.entering.record(took.as_micros() as u64);
                }
                _ => self.churned.faults.doubled_acks += 1,
            },
            Packet::Delivery { stamp, rest } => self.delivered(guest, stamp, rest),
            Packet::Refused(_) | Packet::Failed(_) | Packet::Ack { success: false, .. } => {
                self.churned.faults.refused += 1;
            }
            Packet::Ping | Packet::Unknown(_) => self.churned.faults.stray += 1,
        }
        Ok(())
    }

    fn ended(&mut self, guest: usize, reason: anyhow::Error) {
        // The first says why; a thousand more would say the same.
        if self.churned.faults.disconnected == 0 {
            eprintln!("guest {guest} was thrown out: {reason:#}");
        }
        self.churned.faults.disconnected += 1;
        self.whereabouts[guest] = Whereabouts::Nowhere;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn guests() -> Guests {
        Guests {
            address: ([127, 0, 0, 1], 1).into(),
            tokens: vec!["token".to_owned(); 4],
            client_outputs: vec!["{}".to_owned(); 4],
            batch: false,
            shape: Shape { connections: 4, room_size: 2, senders: 3, payload: 64 },
            rooms: vec!["a".to_owned(), "b".to_owned()],
            per_second: 1.0,
        }
    }

    #[test]
    fn from_the_first_on_each_is_the_next() {
        let mut heard = Heard::default();
        let all = [7, 8, 10, 9, 11].map(|number| heard.next(number));
        assert_eq!(all, [Some(0), Some(0), Some(1), None, Some(0)]);
    }

    #[test]
    fn a_guest_is_held_to_what_it_can_know() {
        let guests = guests();
        let mut house = House::new(&guests);
        house.heard[2] = vec![Heard::default(); 2];
        let output = br#","pad":"","clientOutput":{}}"#;
        let mut hear = |sender, number, rest: &[u8]| {
            house.delivered(2, Stamp { sender, number, intended: 0 }, rest);
            house.churned.faults
        };
        assert_eq!(hear(2, 5, output), Faults::default());
        assert_eq!(hear(0, 9, output), Faults::default(), "each sender has numbers of its own");
        assert_eq!(hear(2, 8, output).lost, 2);
        assert_eq!(hear(2, 6, output).reordered, 1);
        assert_eq!(hear(1, 0, output).stray, 1, "of another room");
        assert_eq!(hear(2, 9, br#","clientOutput":{"other":1}}"#).wrong, 1);
        assert_eq!(house.churned.checked, 5);
    }
}
