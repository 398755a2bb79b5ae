//! A delivery as it travels between nodes, and the care with which one from outside is read.
//!
//! One byte says the version; what follows is MessagePack. Whoever writes to Redis is not trusted: what does not fit is
//! refused with the reason, whatever it is. Nothing here knows Redis.

use std::{fmt, sync::Arc};

use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;
use syncline::run::{Delivery, Exclude, json_depth};

use super::sequence::Place;

/// The largest envelope: four times the largest event that a transport takes, since an output may be larger than what
/// was asked. The same on every node, whatever its settings.
pub(super) const MAX_BYTES: usize = 4 * 1024 * 1024;

/// The version of this notation. Another one is another byte, and then anything may follow it.
const VERSION: u8 = 1;

/// How deeply JSON may be nested: stages cannot read what is nested deeper.
const MAX_DEPTH: usize = 128;

/// What was sent, and its place among what that node sent to the room.
#[derive(Debug)]
pub(super) struct Envelope {
    /// The node that sent it, by the number that it chose when it started.
    pub(super) origin: u64,
    pub(super) place: Place,
    pub(super) delivery: Delivery,
}

/// Why an envelope is not read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Malformed {
    Empty,
    TooLarge,
    UnknownVersion,
    NoMessagePack,
    WrongRoom,
    NoJson,
    TooDeep,
}

impl fmt::Display for Malformed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Empty => "it is empty",
            Self::TooLarge => "it is too large",
            Self::UnknownVersion => "its version is unknown here",
            Self::NoMessagePack => "it is not what this version looks like",
            Self::WrongRoom => "it is for another room than its channel's",
            Self::NoJson => "its payload is no JSON",
            Self::TooDeep => "its payload is nested too deeply",
        })
    }
}

#[derive(Serialize, Deserialize)]
struct Body<'a> {
    origin: u64,
    run: u64,
    number: u64,
    name: &'a str,
    version: &'a str,
    room: &'a str,
    client_input: &'a str,
    server_output: &'a str,
    #[serde(borrow)]
    exclude: LeftOut<'a>,
}

#[derive(Serialize, Deserialize)]
enum LeftOut<'a> {
    Nobody,
    Socket(&'a str),
    User(&'a str),
}

/// Writes an envelope; nothing if it would be too large.
pub(super) fn write(origin: u64, place: Place, delivery: &Delivery) -> Option<Vec<u8>> {
    let (client_input, server_output) = (delivery.client_input.get(), delivery.server_output.get());
    // Copying what is not sent anyway would cost.
    if client_input.len().saturating_add(server_output.len()) > MAX_BYTES {
        return None;
    }
    let body = Body {
        origin,
        run: place.run,
        number: place.number,
        name: &delivery.name,
        version: &delivery.version,
        room: &delivery.room,
        client_input,
        server_output,
        exclude: match &delivery.exclude {
            Exclude::Nobody => LeftOut::Nobody,
            Exclude::Socket(name) => LeftOut::Socket(name),
            Exclude::User(name) => LeftOut::User(name),
        },
    };
    let mut bytes = Vec::with_capacity(256 + client_input.len() + server_output.len());
    bytes.push(VERSION);
    rmp_serde::encode::write(&mut bytes, &body).ok()?;
    (bytes.len() <= MAX_BYTES).then_some(bytes)
}

/// Reads what came on a room's channel.
pub(super) fn read(room: &Arc<str>, bytes: &[u8]) -> Result<Envelope, Malformed> {
    if bytes.len() > MAX_BYTES {
        return Err(Malformed::TooLarge);
    }
    let (version, body) = bytes.split_first().ok_or(Malformed::Empty)?;
    if *version != VERSION {
        return Err(Malformed::UnknownVersion);
    }
    let body: Body<'_> = rmp_serde::from_slice(body).map_err(|_| Malformed::NoMessagePack)?;
    if body.room != &**room {
        return Err(Malformed::WrongRoom);
    }
    let delivery = Delivery {
        name: body.name.into(),
        version: body.version.into(),
        room: Arc::clone(room),
        client_input: json(body.client_input)?,
        server_output: json(body.server_output)?,
        exclude: match body.exclude {
            LeftOut::Nobody => Exclude::Nobody,
            LeftOut::Socket(name) => Exclude::Socket(name.into()),
            LeftOut::User(name) => Exclude::User(name.into()),
        },
    };
    Ok(Envelope { origin: body.origin, place: Place { run: body.run, number: body.number }, delivery })
}

fn json(text: &str) -> Result<Arc<RawValue>, Malformed> {
    if json_depth(text) > MAX_DEPTH {
        return Err(Malformed::TooDeep);
    }
    RawValue::from_string(text.to_owned()).map(Arc::from).map_err(|_| Malformed::NoJson)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn delivery(room: &str, input: &str, exclude: Exclude) -> Delivery {
        Delivery {
            name: "a/b".into(),
            version: "v1".into(),
            room: room.into(),
            client_input: json(input).unwrap(),
            server_output: json(r#"{"x":[1]}"#).unwrap(),
            exclude,
        }
    }

    const PLACE: Place = Place { run: 3, number: 9 };

    fn written(body: &Body<'_>) -> Vec<u8> {
        let mut bytes = vec![VERSION];
        rmp_serde::encode::write(&mut bytes, body).unwrap();
        bytes
    }

    fn body() -> Body<'static> {
        Body {
            origin: 1,
            run: 1,
            number: 1,
            name: "a/b",
            version: "v1",
            room: "a",
            client_input: "1",
            server_output: "{}",
            exclude: LeftOut::Nobody,
        }
    }

    #[test]
    fn what_does_not_fit_is_refused_with_its_reason() {
        let refused = |bytes: &[u8]| read(&"a".into(), bytes).unwrap_err();
        assert_eq!(refused(b""), Malformed::Empty);
        assert_eq!(refused(&[2, 0x91, 1]), Malformed::UnknownVersion);
        assert_eq!(refused(&[VERSION]), Malformed::NoMessagePack);
        assert_eq!(refused(b"\x01{}"), Malformed::NoMessagePack);
        // A string of 4 GiB that is not there, an array of 4 billion.
        assert_eq!(refused(&[VERSION, 0x99, 1, 1, 1, 0xdb, 255, 255, 255, 255]), Malformed::NoMessagePack);
        assert_eq!(refused(&[VERSION, 0xdd, 255, 255, 255, 255]), Malformed::NoMessagePack);
        assert_eq!(refused(&[VERSION].repeat(MAX_BYTES + 1)), Malformed::TooLarge);
        assert_eq!(refused(&written(&Body { room: "b", ..body() })), Malformed::WrongRoom);
        for no_json in ["", "{", "1 2", "nul", "\u{0}"] {
            assert_eq!(refused(&written(&Body { client_input: no_json, ..body() })), Malformed::NoJson);
            assert_eq!(refused(&written(&Body { server_output: no_json, ..body() })), Malformed::NoJson);
        }
        let deep = "[".repeat(100_000);
        assert_eq!(refused(&written(&Body { client_input: &deep, ..body() })), Malformed::TooDeep);
        assert!(read(&"a".into(), &written(&body())).is_ok());
    }

    #[test]
    fn what_is_too_large_is_not_written() {
        let input = format!(r#""{}""#, "x".repeat(MAX_BYTES - 100));
        assert!(write(1, PLACE, &delivery("a", &input, Exclude::Nobody)).is_some());
        for more in [100, MAX_BYTES] {
            let input = format!(r#""{}""#, "x".repeat(MAX_BYTES - 100 + more));
            assert!(write(1, PLACE, &delivery("a", &input, Exclude::Nobody)).is_none());
        }
    }

    fn exclude() -> impl Strategy<Value = Exclude> {
        prop_oneof![
            Just(Exclude::Nobody),
            ".*".prop_map(|name| Exclude::Socket(name.into())),
            ".*".prop_map(|name| Exclude::User(name.into())),
        ]
    }

    proptest! {
        #[test]
        fn what_was_written_is_read_again(
            origin: u64, run: u64, number: u64, room in ".{1,256}", text in ".*", exclude in exclude(),
        ) {
            let place = Place { run, number };
            let input = serde_json::to_string(&text).unwrap();
            let sent = delivery(&room, &input, exclude);
            let bytes = write(origin, place, &sent).unwrap();
            let read = read(&room.as_str().into(), &bytes).unwrap();
            prop_assert_eq!((read.origin, read.place), (origin, place));
            prop_assert_eq!(format!("{:?}", read.delivery), format!("{sent:?}"));
        }

        #[test]
        fn nothing_from_outside_panics(bytes in proptest::collection::vec(any::<u8>(), 0..600)) {
            let _refused_or_read = read(&"a".into(), &bytes);
            let _refused_or_read = read(&"a".into(), &[&[VERSION, 0x99], &*bytes].concat());
        }

        #[test]
        fn nor_does_what_was_changed_on_its_way(at in 0_usize..80, to: u8, cut in 0_usize..80) {
            let mut bytes = write(1, PLACE, &delivery("a", "[1]", Exclude::User("ada".into()))).unwrap();
            let length = bytes.len();
            bytes[at % length] = to;
            let _refused_or_read = read(&"a".into(), &bytes);
            let _refused_or_read = read(&"a".into(), &bytes[..cut % length]);
        }
    }
}
