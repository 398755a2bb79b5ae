//! The texts of Engine.IO 4 and Socket.IO 5 that this bench speaks, and the stamp that its messages carry.
//!
//! Reading looks for exactly what a bench server sends and never allocates; it is not a JSON parser. A
//! delivery's `serverOutput` must begin with the stamp, `{"s":..,"n":..,"t":..`, or it is
//! [`Packet::Unknown`], which fails the run.

use std::io::Write as _;

use memchr::memmem::Finder;

const EVENT: &[u8] = br#"42["sync","#;
const PADDING: &[u8] = &[b'x'; 1024];

/// What makes each message its own: who sent it, its place in that sender's sequence, and when it was to be
/// sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Stamp {
    pub(crate) sender: u32,
    pub(crate) number: u32,
    /// Microseconds since the fleet began.
    pub(crate) intended: u64,
}

/// A text from the server.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Packet<'a> {
    /// Engine.IO is open; the client may connect to the namespace.
    Open,
    /// The server asks for a sign of life, a text `3`.
    Ping,
    Connected,
    Refused(&'a [u8]),
    Delivery {
        stamp: Stamp,
        /// The text behind the stamp.
        rest: &'a [u8],
    },
    /// A `sync` event that carries an error.
    Failed(&'a [u8]),
    Ack {
        id: u32,
        success: bool,
    },
    Unknown(&'a [u8]),
}

/// Reads packets; holds the prepared searches.
pub(crate) struct PacketReader {
    next: Finder<'static>,
    output: Finder<'static>,
    success: Finder<'static>,
    error: Finder<'static>,
}

impl PacketReader {
    pub(crate) fn new() -> Self {
        Self {
            next: Finder::new(br#"},{"name":""#),
            output: Finder::new(br#""serverOutput":"#),
            success: Finder::new(br#""status":"success""#),
            error: Finder::new(br#""status":"error""#),
        }
    }

    /// Hands over what a text says: one packet, or each of several events that came together.
    pub(crate) fn read<'a, E>(
        &self,
        text: &'a [u8],
        mut handle: impl FnMut(Packet<'a>) -> Result<(), E>,
    ) -> Result<(), E> {
        let Some(mut events) = text.strip_prefix(EVENT).and_then(|events| events.strip_suffix(b"]")) else {
            return handle(Self::other(text, &self.success));
        };
        while let Some(at) = self.next.find(events) {
            handle(self.event(&events[..=at]))?;
            events = &events[at + 2..];
        }
        handle(self.event(events))
    }

    fn event<'a>(&self, event: &'a [u8]) -> Packet<'a> {
        let stamp = self.output.find(event).and_then(|at| stamp(&event[at + self.output.needle().len()..]));
        match stamp {
            Some((stamp, rest)) => Packet::Delivery { stamp, rest },
            None if self.error.find(event).is_some() => Packet::Failed(event),
            None => Packet::Unknown(event),
        }
    }

    fn other<'a>(text: &'a [u8], success: &Finder<'_>) -> Packet<'a> {
        match text {
            [b'0', ..] => Packet::Open,
            [b'2', ..] => Packet::Ping,
            [b'4', b'0', ..] => Packet::Connected,
            [b'4', b'4', ..] => Packet::Refused(&text[2..]),
            [b'4', b'3', rest @ ..] => match number(rest) {
                Some((id, rest)) => match u32::try_from(id) {
                    Ok(id) => Packet::Ack { id, success: success.find(rest).is_some() },
                    Err(_) => Packet::Unknown(text),
                },
                None => Packet::Unknown(text),
            },
            _ => Packet::Unknown(text),
        }
    }
}

fn stamp(output: &[u8]) -> Option<(Stamp, &[u8])> {
    let (sender, rest) = number(output.strip_prefix(br#"{"s":"#)?)?;
    let (number_, rest) = number(rest.strip_prefix(br#","n":"#)?)?;
    let (intended, rest) = number(rest.strip_prefix(br#","t":"#)?)?;
    Some((Stamp { sender: sender.try_into().ok()?, number: number_.try_into().ok()?, intended }, rest))
}

/// The decimal number at the start, and what follows it.
fn number(text: &[u8]) -> Option<(u64, &[u8])> {
    let digits = text.iter().take_while(|byte| byte.is_ascii_digit()).count();
    // Nineteen digits always fit.
    if digits == 0 || digits > 19 {
        return None;
    }
    let (digits, rest) = text.split_at(digits);
    Some((digits.iter().fold(0, |value, digit| value * 10 + u64::from(digit - b'0')), rest))
}

/// How the event of a delivery with this client output ends.
pub(crate) fn ending(client_output: &str) -> Vec<u8> {
    format!(r#","clientOutput":{client_output}}}"#).into_bytes()
}

/// Writes the request to connect to the namespace.
pub(crate) fn write_connect(out: &mut Vec<u8>, token: &str, batch: bool) {
    put(out, format_args!(r#"40{{"token":"{token}","batch":{batch}}}"#));
}

/// Writes a `joinRoom` event.
pub(crate) fn write_join(out: &mut Vec<u8>, ack: usize, room: &str) {
    put(out, format_args!(r#"42{ack}["joinRoom",{{"room":"{room}"}}]"#));
}

/// Writes a `sync` event whose `data` is exactly `payload` bytes long, or as long as its stamp when that is
/// longer. The ack's id is the stamp's number.
pub(crate) fn write_sync(out: &mut Vec<u8>, route: &str, room: &str, stamp: Stamp, payload: usize) {
    let Stamp { sender, number, intended } = stamp;
    put(out, format_args!(r#"42{number}["sync",{{"name":"{route}","version":"v1","data":"#));
    let data = out.len();
    put(out, format_args!(r#"{{"s":{sender},"n":{number},"t":{intended},"pad":""#));
    let mut padding = payload.saturating_sub(out.len() - data + 2);
    while padding > 0 {
        let piece = padding.min(PADDING.len());
        out.extend_from_slice(&PADDING[..piece]);
        padding -= piece;
    }
    put(out, format_args!(r#""}},"receiver":"{room}"}}]"#));
}

fn put(out: &mut Vec<u8>, text: std::fmt::Arguments<'_>) {
    out.write_fmt(text).expect("writing to memory does not fail");
}

#[cfg(test)]
mod tests {
    use super::*;

    fn all(text: &str) -> Vec<Packet<'_>> {
        let mut packets = Vec::new();
        let read = PacketReader::new().read(text.as_bytes(), |packet| {
            packets.push(packet);
            Ok::<(), ()>(())
        });
        assert_eq!(read, Ok(()));
        packets
    }

    fn only(text: &str) -> Packet<'_> {
        let mut packets = all(text);
        assert_eq!(packets.len(), 1, "{text}");
        packets.remove(0)
    }

    #[test]
    fn events_that_came_together() {
        let event = |number| {
            format!(
                r#"{{"name":"b/e","serverOutput":{{"s":1,"n":{number},"t":3,"pad":"x"}},"clientOutput":{{"l":"en"}}}}"#
            )
        };
        let text = format!(r#"42["sync",{},{},{}]"#, event(4), event(5), event(6));
        let numbers: Vec<u32> = all(&text)
            .into_iter()
            .map(|packet| match packet {
                Packet::Delivery { stamp, rest } => {
                    assert!(rest.ends_with(&ending(r#"{"l":"en"}"#)));
                    stamp.number
                }
                other => panic!("{other:?}"),
            })
            .collect();
        assert_eq!(numbers, [4, 5, 6]);
    }

    #[test]
    fn what_servers_send() {
        let read = |text: &'static str| only(text);
        assert_eq!(read(r#"0{"sid":"x","pingInterval":25000}"#), Packet::Open);
        assert_eq!(read("2"), Packet::Ping);
        assert_eq!(read(r#"40{"sid":"y"}"#), Packet::Connected);
        assert_eq!(read(r#"44{"message":"no"}"#), Packet::Refused(br#"{"message":"no"}"#));
        assert_eq!(
            read(r#"43170[{"status":"success","serverOutput":{}}]"#),
            Packet::Ack { id: 170, success: true }
        );
        assert_eq!(read(r#"430[{"status":"error","errorCode":"x"}]"#), Packet::Ack { id: 0, success: false });
        assert_eq!(
            read(concat!(
                r#"42["sync",{"name":"bench/echo","version":"v1","room":"r","status":"success","#,
                r#""serverOutput":{"s":12,"n":345,"t":678,"pad":"xx"},"clientOutput":{}}]"#
            )),
            Packet::Delivery {
                stamp: Stamp { sender: 12, number: 345, intended: 678 },
                rest: br#","pad":"xx"},"clientOutput":{}}"#
            }
        );
        let failed = r#"42["sync",{"name":"bench/echo","status":"error","errorCode":"sync.internal"}]"#;
        assert!(matches!(read(failed), Packet::Failed(_)));
        for odd in ["", "4", "43", r#"43[{}]"#, r#"42["other",{}]"#, r#"42["sync",{"serverOutput":{"x":1}}]"#]
        {
            assert!(matches!(read(odd), Packet::Unknown(_)), "{odd}");
        }
    }

    #[test]
    fn whose_output_it_is_shows_at_the_end() {
        let delivery =
            r#"42["sync",{"room":"r","serverOutput":{"s":1,"n":2,"t":3},"clientOutput":{"user":"u-1"}}]"#;
        let Packet::Delivery { rest, .. } = only(delivery) else { unreachable!() };
        assert!(rest.ends_with(&ending(r#"{"user":"u-1"}"#)));
        for other in [r#"{"user":"u-11"}"#, r#"{"user":"1"}"#, "1", "{}"] {
            assert!(!rest.ends_with(&ending(other)), "{other}");
        }
    }

    #[test]
    fn a_request_has_the_payload_it_was_asked_for() {
        let stamp = Stamp { sender: 7, number: 1_234, intended: 99_999 };
        for payload in [150, 4_096] {
            let mut out = Vec::new();
            write_sync(&mut out, "bench/echo", "room-3", stamp, payload);
            let text = std::str::from_utf8(&out).unwrap();
            let json: (String, serde_json::Value) =
                serde_json::from_str(text.strip_prefix("421234").unwrap()).unwrap();
            assert_eq!(json.0, "sync");
            assert_eq!(json.1["receiver"], "room-3");
            assert_eq!(json.1["data"]["n"], 1_234);
            let data = text.split_once(r#""data":"#).unwrap().1.split_once(r#","receiver""#).unwrap().0;
            assert_eq!(data.len(), payload);
            assert_eq!(super::stamp(data.as_bytes()).unwrap().0, stamp);
        }
    }
}
