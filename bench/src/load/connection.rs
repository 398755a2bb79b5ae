//! One client connection: a non-blocking TCP stream, its WebSocket upgrade, and the texts that come and go on
//! it.
//!
//! Answers what the protocol itself asks (Engine.IO pings, WebSocket pings) and hands all else on. It does
//! not know rooms or messages, and it does not check `Sec-WebSocket-Accept`: its servers are started by the
//! bench itself.

use std::io::{ErrorKind, Read as _, Write as _};
use std::net::SocketAddr;
use std::time::Instant;

use anyhow::{Context as _, bail};
use mio::net::TcpStream;
use mio::{Interest, Registry, Token};
use socket2::{Domain, Socket, Type};

use super::frame::{self, Opcode};
use super::packet::{Packet, PacketReader};

const RECEIVE_BUFFER: usize = 16 * 1024;
/// A segment on Ethernet.
const SEGMENT: u32 = 1_460;
/// Engine.IO's message, Socket.IO's disconnect.
const DISCONNECT: &[u8] = b"41";
/// The status of WebSocket's close frame for a page that is left.
const GOING_AWAY: u16 = 1_001;
/// `EINPROGRESS`: the connection is made while others are served.
const IN_PROGRESS: i32 = 115;

#[derive(Clone, Copy, PartialEq, Eq)]
enum Stage {
    Dialing,
    Upgrading,
    Open,
    Ended,
}

/// What the system keeps of a stream that is not read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Buffers {
    /// Megabytes, as it comes on loopback.
    Usual,
    /// As little as between two machines.
    Small,
}

impl Buffers {
    fn connect(self, address: SocketAddr) -> std::io::Result<TcpStream> {
        if self == Self::Usual {
            return TcpStream::connect(address);
        }
        let socket = Socket::new(Domain::for_address(address), Type::STREAM.nonblocking(), None)?;
        socket.set_recv_buffer_size(RECEIVE_BUFFER)?;
        // The server's side of the stream keeps some multiple of it.
        socket.set_tcp_mss(SEGMENT)?;
        match socket.connect(&address.into()) {
            Err(error) if error.raw_os_error() != Some(IN_PROGRESS) => Err(error),
            _ => Ok(TcpStream::from_std(socket.into())),
        }
    }
}

/// Frames on their way to the server.
pub(crate) struct Outbox {
    bytes: Vec<u8>,
    written: usize,
    mask: u32,
}

impl Outbox {
    pub(crate) fn text(&mut self, text: &[u8]) {
        self.frame(Opcode::Text, text);
    }

    fn frame(&mut self, opcode: Opcode, payload: &[u8]) {
        // The mask protects proxies from web pages; here it only has to cost the server what it costs in
        // life.
        self.mask = self.mask.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        frame::encode(&mut self.bytes, opcode, Some(self.mask.to_be_bytes()), payload);
    }
}

/// A connection and the bytes it has not dealt with.
pub(crate) struct Connection {
    stream: TcpStream,
    stage: Stage,
    /// The start of a frame whose end has not come.
    partial: Vec<u8>,
    outbox: Outbox,
}

impl Connection {
    /// Starts connecting; the upgrade follows by itself as events arrive.
    pub(crate) fn dial(
        address: SocketAddr,
        buffers: Buffers,
        registry: &Registry,
        index: usize,
    ) -> anyhow::Result<Self> {
        let mut stream = buffers.connect(address).context("cannot connect")?;
        registry.register(&mut stream, Token(index), Interest::READABLE | Interest::WRITABLE)?;
        let request = format!(
            "GET /socket.io/?EIO=4&transport=websocket HTTP/1.1\r\nHost: {address}\r\nConnection: Upgrade\r\n\
             Upgrade: websocket\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n"
        );
        let outbox = Outbox { bytes: request.into_bytes(), written: 0, mask: index as u32 };
        Ok(Self { stream, stage: Stage::Dialing, partial: Vec::new(), outbox })
    }

    /// Hears of nothing any more, while the stream stays open.
    pub(crate) fn stop_reading(&mut self, registry: &Registry) -> std::io::Result<()> {
        registry.deregister(&mut self.stream)
    }

    pub(crate) fn is_open(&self) -> bool {
        self.stage == Stage::Open
    }

    pub(crate) fn outbox(&mut self) -> &mut Outbox {
        &mut self.outbox
    }

    /// Says that the client goes, as a client library does, and goes.
    pub(crate) fn say_goodbye(&mut self) {
        self.outbox.text(DISCONNECT);
        self.outbox.frame(Opcode::Close, &GOING_AWAY.to_be_bytes());
        // An error here means that the server has gone first.
        self.flush().ok();
        self.end();
    }

    /// Gives up on the connection; nothing is sent or read any more.
    pub(crate) fn end(&mut self) {
        self.stage = Stage::Ended;
        // An error here means that the stream is gone already.
        self.stream.shutdown(std::net::Shutdown::Both).ok();
    }

    /// Writes as much of the outbox as the stream takes. What is left goes when the stream is writable again.
    pub(crate) fn flush(&mut self) -> anyhow::Result<()> {
        match self.stage {
            Stage::Ended => return Ok(()),
            Stage::Dialing => {
                if let Some(error) = self.stream.take_error()? {
                    return Err(error).context("cannot connect");
                }
                self.stream.set_nodelay(true)?;
                self.stage = Stage::Upgrading;
            }
            Stage::Upgrading | Stage::Open => {}
        }
        while self.outbox.written < self.outbox.bytes.len() {
            match self.stream.write(&self.outbox.bytes[self.outbox.written..]) {
                Ok(0) => bail!("the server takes no more bytes"),
                Ok(written) => self.outbox.written += written,
                Err(error) if error.kind() == ErrorKind::WouldBlock => return Ok(()),
                Err(error) if error.kind() == ErrorKind::Interrupted => {}
                Err(error) => return Err(error).context("cannot write"),
            }
        }
        self.outbox.bytes.clear();
        self.outbox.written = 0;
        Ok(())
    }

    /// Reads all that has come, through `scratch`, and hands each packet to `handle` with the time it was
    /// read.
    ///
    /// An error means that the connection is over.
    pub(crate) fn receive(
        &mut self,
        scratch: &mut [u8],
        packets: &PacketReader,
        mut handle: impl FnMut(&mut Outbox, Instant, Packet<'_>) -> anyhow::Result<()>,
    ) -> anyhow::Result<()> {
        if self.stage == Stage::Ended {
            return Ok(());
        }
        loop {
            let carried = self.partial.len();
            if carried == scratch.len() {
                bail!("a frame of more than {carried} bytes");
            }
            scratch[..carried].copy_from_slice(&self.partial);
            let read = match self.stream.read(&mut scratch[carried..]) {
                Ok(0) => bail!("the server closed the connection"),
                Ok(read) => read,
                Err(error) if error.kind() == ErrorKind::WouldBlock => return Ok(()),
                Err(error) if error.kind() == ErrorKind::Interrupted => continue,
                Err(error) => return Err(error).context("cannot read"),
            };
            let at = Instant::now();
            let filled = carried + read;
            let used =
                self.take(&mut scratch[..filled], packets, |outbox, packet| handle(outbox, at, packet))?;
            self.partial.clear();
            self.partial.extend_from_slice(&scratch[used..filled]);
            // Fewer bytes than there was room for: the stream is drained, and more will be told as a new
            // event.
            if filled < scratch.len() {
                return self.flush();
            }
        }
    }

    /// Deals with all whole frames in `bytes` and returns how many bytes they took.
    fn take(
        &mut self,
        bytes: &mut [u8],
        packets: &PacketReader,
        mut handle: impl FnMut(&mut Outbox, Packet<'_>) -> anyhow::Result<()>,
    ) -> anyhow::Result<usize> {
        let mut used = 0;
        if self.stage != Stage::Open {
            let Some(head) = memchr::memmem::find(bytes, b"\r\n\r\n") else { return Ok(0) };
            if !bytes.starts_with(b"HTTP/1.1 101 ") {
                bail!("the server refused the upgrade: {}", String::from_utf8_lossy(&bytes[..head]));
            }
            self.stage = Stage::Open;
            used = head + 4;
        }
        while let Some(frame) = frame::parse(&mut bytes[used..])? {
            match frame.opcode {
                Opcode::Text => packets.read(frame.payload, |packet| match packet {
                    Packet::Ping => {
                        self.outbox.text(b"3");
                        Ok(())
                    }
                    packet => handle(&mut self.outbox, packet),
                })?,
                Opcode::Ping => self.outbox.frame(Opcode::Pong, frame.payload),
                Opcode::Close => bail!("the server said goodbye"),
                Opcode::Binary | Opcode::Pong => bail!("the server sent a {:?} frame", frame.opcode),
            }
            used += frame.used;
        }
        Ok(used)
    }
}
