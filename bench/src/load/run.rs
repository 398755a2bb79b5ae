//! One measured run over a connected fleet: who sends when, and what came of it.
//!
//! Latency counts from when a message was *meant* to be sent, so a load generator or a server that falls
//! behind shows up as latency and not as a lower rate. This module does not judge: it returns figures and
//! faults.

use std::time::{Duration, Instant};

use serde::Serialize;

use super::checker::{Checker, Faults};
use super::connection::Outbox;
use super::fleet::{Fleet, Listener};
use super::histogram::Histogram;
use super::pacer::Pacer;
use super::packet::{Packet, Stamp, ending, write_sync};
use super::shape::Shape;
use super::usage::Usage;
use super::watch::Watch;
use super::window::Window;

/// How long a run listens after the last expected message, for messages that come twice.
const LINGER: Duration = Duration::from_millis(50);

/// When the senders send.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Pace {
    /// Each sender keeps up to `window` requests under way: sent, and not yet acked and delivered to its
    /// whole room.
    Closed { window: u64 },
    /// The senders send in turn at fixed times, whatever the server makes of it.
    Open { deliveries_per_second: u64 },
}

/// One run.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Plan {
    pub(crate) pace: Pace,
    /// Load before the measuring begins; its messages are checked but not measured.
    pub(crate) warm_up: Duration,
    pub(crate) measured: Duration,
    /// How long nothing may come before what is still under way is taken for lost.
    pub(crate) drain: Duration,
    /// With so many requests of one sender under way, the server has fallen behind the rate and the run ends early.
    pub(crate) most_under_way: Option<u64>,
}

/// What one run measured.
#[derive(Clone, Copy, Debug, Default, Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Measures {
    /// Deliveries that arrived in the measured time, per second.
    pub(crate) deliveries_per_second: f64,
    /// Latency from the intended send time to the arrival at one recipient.
    pub(crate) p50_ms: f64,
    pub(crate) p99_ms: f64,
    pub(crate) max_ms: f64,
    /// How late the load generator itself sent, at the 99th percentile.
    pub(crate) send_lag_p99_ms: f64,
    /// Share of one core that the server and the load generator used; absent where the system does not tell.
    pub(crate) server_cpu: Option<f64>,
    pub(crate) load_cpu: Option<f64>,
    /// It ended early, as its plan says.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub(crate) fell_behind: bool,
    /// Deliveries that came in all of it, each looked at, whether in the measured time or not.
    pub(crate) checked: u64,
}

/// The server that a session runs against.
pub(crate) struct Target<'a> {
    /// The event to send.
    pub(crate) route: &'a str,
    /// The client output that each connection is to get.
    pub(crate) client_output: fn(usize) -> String,
    pub(crate) rooms: Vec<String>,
    /// Its process id.
    pub(crate) process: u32,
}

/// A fleet in its rooms, and the record of all it has sent and received.
pub(crate) struct Session<'a> {
    fleet: Fleet,
    route: &'a str,
    server: u32,
    rooms: Vec<String>,
    watch: Option<Watch>,
    state: State,
}

struct State {
    shape: Shape,
    checker: Checker,
    /// How each connection's deliveries have to end.
    endings: Vec<Vec<u8>>,
    began: Instant,
    window: u64,
    under_way: Vec<Window>,
    /// Senders that may send again.
    free: Vec<usize>,
    /// The measured time, in microseconds since `began`.
    from: u64,
    until: u64,
    arrived: u64,
    latency: Histogram,
    send_lag: Histogram,
}

impl<'a> Session<'a> {
    /// Takes over a fleet whose connection `c` sits in the target's room `shape.room_of(c)`.
    pub(crate) fn new(fleet: Fleet, shape: Shape, target: Target<'a>) -> Self {
        let Target { route, client_output, rooms, process: server } = target;
        let state = State {
            shape,
            checker: Checker::new(shape),
            endings: (0..shape.connections).map(|connection| ending(&client_output(connection))).collect(),
            began: Instant::now(),
            window: 0,
            under_way: vec![Window::default(); shape.senders],
            free: Vec::with_capacity(shape.senders),
            from: 0,
            until: 0,
            arrived: 0,
            latency: Histogram::new(),
            send_lag: Histogram::new(),
        };
        Self { fleet, route, server, rooms, watch: None, state }
    }

    /// Runs the plan and waits until everything has arrived or nothing comes any more.
    pub(crate) fn run(&mut self, plan: &Plan) -> anyhow::Result<Measures> {
        let (start, checked_before) = (self.state.now(), self.checked());
        self.state.from = start + micros(plan.warm_up);
        self.state.until = self.state.from + micros(plan.measured);
        self.state.arrived = 0;
        self.state.latency = Histogram::new();
        self.state.send_lag = Histogram::new();

        let mut pacer = match plan.pace {
            Pace::Closed { window } => {
                self.state.window = window;
                self.state.free = (0..self.state.shape.senders).collect();
                None
            }
            Pace::Open { deliveries_per_second } => {
                self.state.window = 0;
                Some(Pacer::new(start, deliveries_per_second, self.state.shape))
            }
        };
        let mut before = None;
        let mut fell_behind = false;
        loop {
            if before.is_none() && self.state.now() >= self.state.from {
                before = Some(Usage::now(self.server));
            }
            if let Some(pacer) = &mut pacer {
                while let Some((sender, intended)) = pacer.due(self.state.now().min(self.state.until - 1)) {
                    fell_behind |=
                        plan.most_under_way.is_some_and(|most| self.state.under_way(sender) >= most);
                    if fell_behind {
                        break;
                    }
                    self.send(sender, intended);
                }
            }
            let now = self.state.now();
            if fell_behind || now >= self.state.until {
                break;
            }
            let timeout = match &pacer {
                Some(pacer) => pacer.wait(now),
                None => {
                    self.send_freed();
                    Duration::from_millis(10)
                }
            };
            self.turn(timeout)?;
        }
        let (server_cpu, load_cpu) =
            before.map_or((None, None), |before| Usage::now(self.server).since(&before));
        self.drain(plan.drain)?;

        // Latencies are whole only now: the slowest messages are the last to arrive.
        let State { latency, send_lag, arrived, .. } = &self.state;
        Ok(Measures {
            deliveries_per_second: *arrived as f64 / plan.measured.as_secs_f64(),
            p50_ms: latency.millis_at(0.50),
            p99_ms: latency.millis_at(0.99),
            max_ms: latency.millis_at(1.0),
            send_lag_p99_ms: send_lag.millis_at(0.99),
            server_cpu,
            load_cpu,
            fell_behind,
            checked: self.checked() - checked_before,
        })
    }

    /// Sends so many messages of each sender, the next of each when all have arrived: a load without a clock.
    pub(crate) fn exchange(&mut self, messages: usize, silence: Duration) -> anyhow::Result<()> {
        for _ in 0..messages {
            for sender in 0..self.state.shape.senders {
                let now = self.state.now();
                self.send(sender, now);
            }
            self.await_arrivals(silence)?;
        }
        self.linger()
    }

    /// These connections read nothing from now on, and the server is watched for what it makes of that.
    pub(crate) fn stick(&mut self, connections: &[usize]) -> anyhow::Result<()> {
        for connection in connections {
            self.fleet.stop_reading(*connection)?;
            self.state.checker.stick(*connection);
        }
        self.watch = Some(Watch::begin(self.server));
        Ok(())
    }

    /// What the server made of the connections that are stuck; nothing before there are any.
    pub(crate) fn watched(&self) -> Option<&Watch> {
        self.watch.as_ref()
    }

    /// What went wrong in all runs so far.
    pub(crate) fn faults(&self) -> Faults {
        self.state.checker.faults()
    }

    /// The deliveries that came in all runs so far, each looked at.
    pub(crate) fn checked(&self) -> u64 {
        self.state.checker.checked()
    }

    fn send_freed(&mut self) {
        while let Some(sender) = self.state.free.pop() {
            while self.state.may_send(sender) {
                let now = self.state.now();
                self.send(sender, now);
            }
        }
    }

    fn send(&mut self, sender: usize, intended: u64) {
        let Self { fleet, route, rooms, state, .. } = self;
        let number = state.checker.send(sender);
        state.under_way[sender].sent(state.checker.packets_of(sender));
        if intended >= state.from {
            state.send_lag.record(state.now().saturating_sub(intended));
        }
        let Shape { payload, .. } = state.shape;
        let (connection, room) =
            (state.shape.connection_of(sender), &rooms[state.shape.room_of_sender(sender)]);
        let stamp = Stamp { sender: sender as u32, number, intended };
        fleet.send(connection, state, |text| write_sync(text, route, room, stamp, payload));
    }

    fn drain(&mut self, silence: Duration) -> anyhow::Result<()> {
        self.state.window = 0;
        self.await_arrivals(silence)?;
        self.linger()
    }

    /// Gives up only when nothing comes any more: a server that is slow has not lost a message.
    fn await_arrivals(&mut self, silence: Duration) -> anyhow::Result<()> {
        let (mut left, mut progress) = (self.state.checker.outstanding(), Instant::now());
        while left > 0 && progress.elapsed() < silence {
            self.turn(Duration::from_millis(10))?;
            let now = self.state.checker.outstanding();
            if now < left {
                (left, progress) = (now, Instant::now());
            }
        }
        Ok(())
    }

    fn linger(&mut self) -> anyhow::Result<()> {
        let until = Instant::now() + LINGER;
        while Instant::now() < until {
            self.turn(Duration::from_millis(10))?;
        }
        Ok(())
    }

    fn turn(&mut self, timeout: Duration) -> anyhow::Result<()> {
        if let Some(watch) = &mut self.watch {
            watch.look();
        }
        self.fleet.turn(timeout, &mut self.state)
    }
}

impl State {
    fn now(&self) -> u64 {
        micros(self.began.elapsed())
    }

    fn may_send(&self, sender: usize) -> bool {
        self.under_way(sender) < self.window
    }

    fn under_way(&self, sender: usize) -> u64 {
        self.under_way[sender].under_way()
    }

    fn settle(&mut self, sender: usize, number: u32) {
        if self.under_way[sender].arrived(number) && self.may_send(sender) {
            self.free.push(sender);
        }
    }
}

impl Listener for State {
    fn packet(
        &mut self,
        index: usize,
        at: Instant,
        packet: Packet<'_>,
        _: &mut Outbox,
    ) -> anyhow::Result<()> {
        match packet {
            Packet::Delivery { stamp: Stamp { sender, number, intended }, rest } => {
                let sender = sender as usize;
                if !self.checker.delivered(index, sender, number) {
                    return Ok(());
                }
                if !rest.ends_with(&self.endings[index]) {
                    self.checker.wrong();
                }
                self.settle(sender, number);
                let now = micros(at.saturating_duration_since(self.began));
                if (self.from..self.until).contains(&now) {
                    self.arrived += 1;
                }
                if (self.from..self.until).contains(&intended) {
                    self.latency.record(now.saturating_sub(intended));
                }
            }
            Packet::Ack { id, success } => {
                if !success {
                    self.checker.refused();
                }
                match self.shape.sender_at(index) {
                    Some(sender) if self.checker.acked(sender, id) => self.settle(sender, id),
                    Some(_) => {}
                    None => self.checker.stray(),
                }
            }
            Packet::Failed(_) => self.checker.refused(),
            Packet::Open | Packet::Ping | Packet::Connected | Packet::Refused(_) | Packet::Unknown(_) => {
                self.checker.stray();
            }
        }
        Ok(())
    }

    fn ended(&mut self, index: usize, reason: anyhow::Error) {
        // The first says why; a thousand more would say the same.
        if !self.checker.any_disconnected() {
            eprintln!("connection {index} ended: {reason:#}");
        }
        self.checker.disconnected();
    }
}

fn micros(duration: Duration) -> u64 {
    duration.as_micros() as u64
}
