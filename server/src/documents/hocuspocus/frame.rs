//! The messages of Hocuspocus, as they come in WebSocket frames: the key of a document, a number that says the kind, and
//! what that kind has. Free of IO.
//!
//! One frame is one message. What is synced and who is there is written as in y-protocols and read by `documents::frame`.

use bytes::Bytes;

use crate::documents::{
    frame::{self, Message},
    lib0::{Malformed, Reader, Writer},
};

/// The longest key, in bytes: a document's name, and what tells two providers of one name on one socket from each other.
const MAX_KEY: usize = 1024;

/// Between the two.
const SEPARATOR: char = '\0';

/// The kinds there are.
const AUTH: u64 = 2;
const SYNC_REPLY: u64 = 4;
const STATELESS: u64 = 5;
const BROADCAST_STATELESS: u64 = 6;
const CLOSE: u64 = 7;
const SYNC_STATUS: u64 = 8;
const PING: u8 = 9;
const PONG: u8 = 10;

/// What is said about who somebody is.
const TOKEN: u64 = 0;
const PERMISSION_DENIED: u64 = 1;
const AUTHENTICATED: u64 = 2;

/// What a client sends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Frame<'a> {
    /// About the connection: it asks for an answer.
    Ping,
    /// About the connection: an answer.
    Pong,
    /// About the document of that key.
    Of(&'a str, Said<'a>),
}

/// What is said about a document.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Said<'a> {
    /// What y-websocket's clients say too.
    Message(Message<'a>),
    /// Who it is, and whether it says which version it is, which it does from version 4 on.
    Token(&'a str, bool),
    /// A text for the others.
    Broadcast(&'a str),
    /// It has no more use for the document.
    Close,
    /// Means nothing from a client, or nothing to us: later versions of the protocol have kinds that earlier ones have not.
    Nothing,
}

/// What a frame says.
pub(super) fn read(frame: &[u8]) -> Result<Frame<'_>, Malformed> {
    match frame {
        [PING] => return Ok(Frame::Ping),
        [PONG] => return Ok(Frame::Pong),
        _ => {}
    }
    let mut reader = Reader::new(frame);
    let key = reader.text()?;
    if key.len() > MAX_KEY {
        return Err(Malformed);
    }
    Ok(Frame::Of(key, said(&mut reader)?))
}

fn said<'a>(reader: &mut Reader<'a>) -> Result<Said<'a>, Malformed> {
    let said = match reader.unsigned()? {
        AUTH if reader.unsigned()? == TOKEN => return Ok(Said::Token(reader.text()?, !reader.is_empty())),
        CLOSE => return Ok(Said::Close),
        BROADCAST_STATELESS => Said::Broadcast(reader.text()?),
        SYNC_REPLY => Said::Message(frame::common(frame::SYNC, reader)?),
        kind @ (frame::SYNC | frame::AWARENESS | frame::QUERY_AWARENESS) => {
            Said::Message(frame::common(kind, reader)?)
        }
        // A text of a client's is for the server's own code, of which there is none.
        _ => return Ok(Said::Nothing),
    };
    if reader.is_empty() { Ok(said) } else { Err(Malformed) }
}

/// The name of the document in a key.
pub(super) fn name_in(key: &str) -> &str {
    key.split_once(SEPARATOR).map_or(key, |(name, _session)| name)
}

/// How many bytes come between a key and what is said at the most.
const HEAD_BYTES: usize = 16;

fn of(key: &str, room: usize) -> Writer {
    Writer::with_capacity(HEAD_BYTES + key.len() + room).prefixed(key.as_bytes())
}

/// What y-websocket's clients are told, too.
pub(super) fn message(key: &str, message: &[u8]) -> Bytes {
    of(key, message.len()).plain(message).finish()
}

/// Says that it is known who that is, and what that one may do.
pub(super) fn authenticated(key: &str, may_write: bool) -> Bytes {
    let scope = if may_write { "read-write" } else { "readonly" };
    of(key, scope.len()).unsigned(AUTH).unsigned(AUTHENTICATED).prefixed(scope.as_bytes()).finish()
}

/// Says why that one may not have the document.
pub(super) fn permission_denied(key: &str, reason: &str) -> Bytes {
    of(key, reason.len()).unsigned(AUTH).unsigned(PERMISSION_DENIED).prefixed(reason.as_bytes()).finish()
}

/// Asks for a token.
pub(super) fn token_wanted(key: &str) -> Bytes {
    of(key, 0).unsigned(AUTH).unsigned(TOKEN).finish()
}

/// Tells a text of somebody's.
pub(super) fn stateless(key: &str, text: &[u8]) -> Bytes {
    of(key, text.len()).unsigned(STATELESS).prefixed(text).finish()
}

/// Says that it was told of the document for the last time, and why. Versions before 3 do not know it, and fail on it.
pub(super) fn close(key: &str, reason: &str) -> Bytes {
    of(key, reason.len()).unsigned(CLOSE).prefixed(reason.as_bytes()).finish()
}

/// Says what became of an update.
pub(super) fn sync_status(key: &str, is_kept: bool) -> Bytes {
    of(key, 0).unsigned(SYNC_STATUS).unsigned(is_kept.into()).finish()
}

/// Answers a ping.
pub(super) fn pong() -> Bytes {
    Bytes::from_static(&[PONG])
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::{Frame, MAX_KEY, Malformed, Message, Said, name_in, read};

    /// The left ones are what the stock provider, version 4.8.0, writes.
    #[test]
    fn as_the_provider_writes_them() {
        for (frame, said) in [
            (&[1, b'd', 2, 0, 2, b't', b'k', 5, b'4', b'.', b'8', b'.', b'0'][..], Said::Token("tk", true)),
            (&[1, b'd', 2, 0, 0], Said::Token("", false)),
            (&[1, b'd', 0, 0, 1, 0], Said::Message(Message::Step1(&[0]))),
            (&[1, b'd', 0, 1, 2, 0, 0], Said::Message(Message::Step2(&[0, 0]))),
            (&[1, b'd', 0, 2, 2, 0, 0], Said::Message(Message::Update(&[0, 0]))),
            (&[1, b'd', 4, 1, 2, 0, 0], Said::Message(Message::Step2(&[0, 0]))),
            (&[1, b'd', 1, 1, 0], Said::Message(Message::Awareness(&[0]))),
            (&[1, b'd', 3], Said::Message(Message::QueryAwareness)),
            (&[1, b'd', 5, 2, b'h', b'i'], Said::Nothing),
            (&[1, b'd', 6, 2, b'h', b'i'], Said::Broadcast("hi")),
            (&[1, b'd', 7], Said::Close),
            (&[1, b'd', 8, 1], Said::Nothing),
            (&[1, b'd', 2, 2, 8], Said::Nothing),
            (&[1, b'd', 99, 1, 2, 3], Said::Nothing),
            (&[1, b'd', 64, 1], Said::Nothing),
        ] {
            assert_eq!(read(frame), Ok(Frame::Of("d", said)), "{frame:?}");
        }
        assert_eq!((read(&[9]), read(&[10])), (Ok(Frame::Ping), Ok(Frame::Pong)));
        // A name may be as long as a ping is a number.
        assert_eq!(read(b"\x09123456789\x07"), Ok(Frame::Of("123456789", Said::Close)));
        assert_eq!(read(&[3, b'd', 0, b's', 7]), Ok(Frame::Of("d\0s", Said::Close)));
        assert_eq!((name_in("d\0s"), name_in("d"), name_in("\0s"), name_in("d\0s\0t")), ("d", "d", "", "d"));
    }

    #[test]
    fn what_is_none() {
        for frame in [
            &[][..],
            &[8],
            &[1, b'd'],
            &[1, 0xff, 7],
            &[1, b'd', 0],
            &[1, b'd', 0, 3, 0],
            &[1, b'd', 0, 0, 2, 0],
            &[1, b'd', 0, 0, 1, 0, 7],
            &[1, b'd', 1],
            &[1, b'd', 1, 1, 0, 0],
            &[1, b'd', 3, 3],
            &[1, b'd', 2],
            &[1, b'd', 2, 0],
            &[1, b'd', 2, 0, 1, 0xff],
            &[1, b'd', 6, 1, 0xff],
            &[1, b'd', 6, 1],
            &[0xff; 12],
        ] {
            assert_eq!(read(frame), Err(Malformed), "{frame:?}");
        }
        let longest = "x".repeat(MAX_KEY);
        assert_eq!(read(&super::message(&longest, &[7])), Ok(Frame::Of(&longest, Said::Close)));
        assert_eq!(read(&super::message(&format!("{longest}x"), &[7])), Err(Malformed));
    }

    #[test]
    fn as_the_provider_reads_them() {
        assert_eq!(super::message("d", &[1, 1, 0])[..], [1, b'd', 1, 1, 0]);
        assert_eq!(super::authenticated("d", true)[..], *b"\x01d\x02\x02\x0aread-write");
        assert_eq!(super::authenticated("d", false)[..], *b"\x01d\x02\x02\x08readonly");
        assert_eq!(super::permission_denied("d", "no")[..], *b"\x01d\x02\x01\x02no");
        assert_eq!(super::token_wanted("d")[..], *b"\x01d\x02\x00");
        assert_eq!(super::stateless("d", b"hi")[..], *b"\x01d\x05\x02hi");
        assert_eq!(super::close("d", "no")[..], *b"\x01d\x07\x02no");
        assert_eq!(super::sync_status("d", true)[..], *b"\x01d\x08\x01");
        assert_eq!(super::sync_status("d", false)[..], *b"\x01d\x08\x00");
        assert_eq!(super::pong()[..], [10]);
    }

    proptest! {
        #[test]
        fn whatever_comes(frame: Vec<u8>) {
            if let Ok(Frame::Of(key, _)) = read(&frame) {
                prop_assert!(key.len() <= MAX_KEY);
            }
        }

        #[test]
        fn what_is_said_is_of_its_document(key in ".{0,50}", update: Vec<u8>) {
            let frame = super::message(&key, &crate::documents::frame::update(&update));
            let said = Said::Message(Message::Update(&update));
            prop_assert_eq!(read(&frame), Ok(Frame::Of(&key, said)));
        }
    }
}
