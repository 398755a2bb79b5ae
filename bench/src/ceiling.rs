//! The peer `ceiling`: the least that a server can do for a delivery, to see what the load generator can
//! take.
//!
//! One thread; each event is encoded once, copied into the buffer of each member, and each buffer is written
//! once per turn of the loop, so many frames share a write. It is no Socket.IO server: it believes every
//! client and never pings.

use std::collections::HashMap;
use std::io::{ErrorKind, Read as _, Write as _};

use anyhow::Context as _;
use mio::net::{TcpListener, TcpStream};
use mio::{Events, Interest, Poll, Token};
use serde::Deserialize;
use serde_json::value::RawValue;

use crate::load::frame::{self, Opcode};
use crate::process::LISTENING;

const LISTENER: Token = Token(usize::MAX);
/// The accept key belongs to the one key that the load generator sends.
const UPGRADED: &[u8] = b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\
    Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n\r\n";
const OPEN: &[u8] =
    br#"0{"sid":"0","upgrades":[],"pingInterval":600000,"pingTimeout":600000,"maxPayload":1000000}"#;

struct Member {
    stream: TcpStream,
    upgraded: bool,
    input: Vec<u8>,
    output: Vec<u8>,
    waiting: bool,
}

#[derive(Deserialize)]
struct Join {
    room: String,
}

#[derive(Deserialize)]
struct Request<'a> {
    name: &'a str,
    version: &'a str,
    #[serde(borrow)]
    data: &'a RawValue,
    receiver: &'a str,
}

/// Serves until the process ends.
pub(crate) fn serve() -> anyhow::Result<()> {
    let mut poll = Poll::new()?;
    let mut events = Events::with_capacity(1024);
    let mut listener = TcpListener::bind("127.0.0.1:0".parse()?)?;
    poll.registry().register(&mut listener, LISTENER, Interest::READABLE)?;
    println!("{LISTENING}{}", listener.local_addr()?);

    let mut hall = Hall::default();
    let mut scratch = vec![0; 256 * 1024];
    loop {
        poll.poll(&mut events, None)?;
        for event in &events {
            if event.token() == LISTENER {
                while let Ok((mut stream, _)) = listener.accept() {
                    stream.set_nodelay(true)?;
                    let token = Token(hall.members.len());
                    poll.registry().register(&mut stream, token, Interest::READABLE | Interest::WRITABLE)?;
                    hall.members.push(Member {
                        stream,
                        upgraded: false,
                        input: Vec::new(),
                        output: Vec::new(),
                        waiting: false,
                    });
                }
                continue;
            }
            let index = event.token().0;
            if event.is_readable() {
                hall.receive(index, &mut scratch)?;
            }
            if event.is_writable() && !hall.members[index].output.is_empty() {
                hall.will_write(index);
            }
        }
        hall.write_all();
    }
}

/// Everyone, and who has something to be written.
#[derive(Default)]
struct Hall {
    members: Vec<Member>,
    rooms: HashMap<String, Vec<usize>>,
    waiting: Vec<usize>,
    text: Vec<u8>,
    encoded: Vec<u8>,
}

impl Hall {
    fn receive(&mut self, index: usize, scratch: &mut [u8]) -> anyhow::Result<()> {
        let mut input = std::mem::take(&mut self.members[index].input);
        loop {
            match self.members[index].stream.read(scratch) {
                // A client that is gone; its rooms keep it, for the run is over.
                Ok(0) => return Ok(()),
                Ok(read) => input.extend_from_slice(&scratch[..read]),
                Err(error) if error.kind() == ErrorKind::WouldBlock => break,
                Err(_) => return Ok(()),
            }
        }
        let mut used = 0;
        if !self.members[index].upgraded {
            if !input.ends_with(b"\r\n\r\n") {
                self.members[index].input = input;
                return Ok(());
            }
            used = input.len();
            self.members[index].upgraded = true;
            self.members[index].output.extend_from_slice(UPGRADED);
            self.answer(index, OPEN);
        }
        while let Some(frame) = frame::parse(&mut input[used..])? {
            used += frame.used;
            if frame.opcode == Opcode::Text {
                self.packet(index, std::str::from_utf8(frame.payload)?)?;
            }
        }
        input.drain(..used);
        self.members[index].input = input;
        Ok(())
    }

    fn packet(&mut self, index: usize, text: &str) -> anyhow::Result<()> {
        let Some(event) = text.strip_prefix("42") else {
            if text.starts_with("40") {
                self.answer(index, br#"40{"sid":"0"}"#);
            }
            return Ok(());
        };
        let (ack, event) = event.split_at(event.find('[').context("an event without a name")?);
        if event.starts_with(r#"["joinRoom""#) {
            let (_, Join { room }) = serde_json::from_str::<(&str, Join)>(event)?;
            self.rooms.entry(room).or_default().push(index);
            self.answer(index, format!(r#"43{ack}[{{"status":"success"}}]"#).as_bytes());
            return Ok(());
        }
        let (_, Request { name, version, data, receiver }) =
            serde_json::from_str::<(&str, Request<'_>)>(event)?;
        self.text.clear();
        write!(
            self.text,
            r#"42["sync",{{"name":"{name}","version":"{version}","room":"{receiver}","status":"success","serverOutput":{data},"clientOutput":{{}}}}]"#
        )?;
        self.encoded.clear();
        frame::encode(&mut self.encoded, Opcode::Text, None, &self.text);
        for member in self.rooms.get(receiver).into_iter().flatten() {
            let member_state = &mut self.members[*member];
            member_state.output.extend_from_slice(&self.encoded);
            if !std::mem::replace(&mut member_state.waiting, true) {
                self.waiting.push(*member);
            }
        }
        self.answer(index, format!(r#"43{ack}[{{"status":"success","serverOutput":{data}}}]"#).as_bytes());
        Ok(())
    }

    fn answer(&mut self, index: usize, text: &[u8]) {
        frame::encode(&mut self.members[index].output, Opcode::Text, None, text);
        self.will_write(index);
    }

    fn will_write(&mut self, index: usize) {
        if !std::mem::replace(&mut self.members[index].waiting, true) {
            self.waiting.push(index);
        }
    }

    fn write_all(&mut self) {
        for index in self.waiting.drain(..) {
            let member = &mut self.members[index];
            member.waiting = false;
            // A stream that is full tells when it is writable again; one that is gone is of no interest.
            if let Ok(written) = member.stream.write(&member.output) {
                member.output.drain(..written);
            }
        }
    }
}
