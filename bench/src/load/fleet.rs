//! Many connections on one thread, and the loop that moves their bytes.
//!
//! Connects, logs in and joins rooms. It does not know what a run measures: a [`Listener`] hears every
//! packet.

use std::net::SocketAddr;
use std::time::{Duration, Instant};

use anyhow::{Context as _, bail};
use mio::{Events, Poll};

use super::connection::{Buffers, Connection, Outbox};
use super::packet::{Packet, PacketReader, write_connect, write_join};

/// Big enough that one read empties a socket's receive buffer.
const SCRATCH: usize = 256 * 1024;
/// Events handled between two looks at the clock: enough to make the system call cheap, few enough to send on
/// time.
const EVENTS: usize = 128;
/// Connections that may be on their way at once, below any accept queue.
const DIALING: usize = 64;
const CONNECT_DEADLINE: Duration = Duration::from_secs(60);

/// Who the connections are and where they go.
pub(crate) struct Login<'a> {
    /// One for each connection. Signed before the clock runs: signing is no work of a server's.
    pub(crate) tokens: Vec<String>,
    /// Whether they take several events in one packet.
    pub(crate) batch: bool,
    /// The rooms that connection `index` joins.
    pub(crate) rooms: &'a dyn Fn(usize) -> Vec<String>,
    /// The connections that are to stop reading: the system keeps little of their streams.
    pub(crate) to_be_stuck: &'a [usize],
}

/// Hears what happens on the connections.
pub(crate) trait Listener {
    /// A packet came; what is put in the outbox goes out right after. An error ends the connection.
    fn packet(
        &mut self,
        index: usize,
        at: Instant,
        packet: Packet<'_>,
        outbox: &mut Outbox,
    ) -> anyhow::Result<()>;
    /// The connection is over.
    fn ended(&mut self, index: usize, reason: anyhow::Error);
}

/// The connections and their event loop.
pub(crate) struct Fleet {
    poll: Poll,
    events: Events,
    connections: Vec<Connection>,
    packets: PacketReader,
    scratch: Box<[u8]>,
    text: Vec<u8>,
}

impl Fleet {
    /// A fleet without connections: they come with [`Fleet::dial`].
    pub(super) fn empty() -> anyhow::Result<Self> {
        Ok(Self {
            poll: Poll::new()?,
            events: Events::with_capacity(EVENTS),
            connections: Vec::new(),
            packets: PacketReader::new(),
            scratch: vec![0; SCRATCH].into_boxed_slice(),
            text: Vec::new(),
        })
    }

    /// Connects all, logs all in, joins all rooms, and returns when the last ack has come.
    pub(crate) fn connect(address: SocketAddr, login: &Login<'_>) -> anyhow::Result<Self> {
        let connections = login.tokens.len();
        let mut fleet = Self::empty()?;
        let mut joining = Joining { login, joined: vec![0; connections], ready: 0, failure: None };
        let deadline = Instant::now() + CONNECT_DEADLINE;
        while joining.ready < connections {
            while fleet.connections.len() < (joining.ready + DIALING).min(connections) {
                let index = fleet.connections.len();
                let buffers =
                    if login.to_be_stuck.contains(&index) { Buffers::Small } else { Buffers::Usual };
                fleet.dial(address, buffers, index)?;
            }
            fleet.turn(Duration::from_millis(100), &mut joining)?;
            if let Some((index, reason)) = joining.failure {
                return Err(reason).with_context(|| format!("connection {index} did not get into its rooms"));
            }
            if Instant::now() > deadline {
                bail!("only {} of {connections} connections got into their rooms in time", joining.ready);
            }
        }
        Ok(fleet)
    }

    /// Starts connecting the next connection, or one of those before anew: what that was is closed.
    pub(super) fn dial(&mut self, address: SocketAddr, buffers: Buffers, index: usize) -> anyhow::Result<()> {
        let connection = Connection::dial(address, buffers, self.poll.registry(), index)?;
        match self.connections.get_mut(index) {
            Some(before) => *before = connection,
            None => self.connections.push(connection),
        }
        Ok(())
    }

    /// Connection `index` leaves, with a word or without one. Its listener does not hear of it.
    pub(super) fn leave(&mut self, index: usize, politely: bool) {
        let connection = &mut self.connections[index];
        if politely { connection.say_goodbye() } else { connection.end() }
    }

    /// Waits for events for at most `timeout` and handles one batch of them.
    pub(crate) fn turn(&mut self, timeout: Duration, listener: &mut impl Listener) -> anyhow::Result<()> {
        match self.poll.poll(&mut self.events, Some(timeout)) {
            Err(error) if error.kind() == std::io::ErrorKind::Interrupted => return Ok(()),
            polled => polled.context("cannot wait for events")?,
        }
        for event in &self.events {
            let index = event.token().0;
            let connection = &mut self.connections[index];
            let mut outcome = Ok(());
            if event.is_writable() || event.is_error() {
                outcome = connection.flush();
            }
            if outcome.is_ok() && (event.is_readable() || event.is_read_closed()) {
                outcome = connection.receive(&mut self.scratch, &self.packets, |outbox, at, packet| {
                    listener.packet(index, at, packet, outbox)
                });
            }
            if let Err(reason) = outcome {
                connection.end();
                listener.ended(index, reason);
            }
        }
        Ok(())
    }

    /// Connection `index` stays open, and nothing that comes on it is read any more.
    pub(crate) fn stop_reading(&mut self, index: usize) -> anyhow::Result<()> {
        self.connections[index].stop_reading(self.poll.registry()).context("cannot stop reading")
    }

    /// Sends the text that `write` writes through connection `index`, if it is still there.
    pub(crate) fn send(
        &mut self,
        index: usize,
        listener: &mut impl Listener,
        write: impl FnOnce(&mut Vec<u8>),
    ) {
        let connection = &mut self.connections[index];
        if !connection.is_open() {
            return;
        }
        self.text.clear();
        write(&mut self.text);
        connection.outbox().text(&self.text);
        if let Err(reason) = connection.flush() {
            connection.end();
            listener.ended(index, reason);
        }
    }
}

/// Says who a connection is that was opened.
pub(super) fn log_in(outbox: &mut Outbox, token: &str, batch: bool) {
    let mut text = Vec::new();
    write_connect(&mut text, token, batch);
    outbox.text(&text);
}

/// Asks for the rooms of a connection that is logged in: for each comes an ack, with the room's place as its number.
pub(super) fn join(outbox: &mut Outbox, rooms: &[String]) {
    for (ack, room) in rooms.iter().enumerate() {
        let mut text = Vec::new();
        write_join(&mut text, ack, room);
        outbox.text(&text);
    }
}

/// Listens while the connections log in and join.
struct Joining<'a> {
    login: &'a Login<'a>,
    joined: Vec<usize>,
    ready: usize,
    failure: Option<(usize, anyhow::Error)>,
}

impl Listener for Joining<'_> {
    fn packet(
        &mut self,
        index: usize,
        _: Instant,
        packet: Packet<'_>,
        outbox: &mut Outbox,
    ) -> anyhow::Result<()> {
        match packet {
            Packet::Open => log_in(outbox, &self.login.tokens[index], self.login.batch),
            Packet::Connected => join(outbox, &(self.login.rooms)(index)),
            Packet::Ack { success: true, .. } => {
                self.joined[index] += 1;
                if self.joined[index] == (self.login.rooms)(index).len() {
                    self.ready += 1;
                }
            }
            Packet::Refused(reason) => bail!("refused: {}", String::from_utf8_lossy(reason)),
            other => bail!("unexpected {other:?}"),
        }
        Ok(())
    }

    fn ended(&mut self, index: usize, reason: anyhow::Error) {
        self.failure.get_or_insert((index, reason));
    }
}
