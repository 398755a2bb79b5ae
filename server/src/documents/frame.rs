//! The messages of y-protocols, as they come in WebSocket frames, and one of our own. Free of IO.
//!
//! What is in an update, a state vector or awareness is read elsewhere: here they are bytes.

use bytes::Bytes;

use super::lib0::{Malformed, Reader, Writer};

/// How many messages a frame may have. Stock clients send one; tools that batch send a few.
const MAX_MESSAGES: usize = 16;

/// The messages there are.
pub(super) const SYNC: u64 = 0;
pub(super) const AWARENESS: u64 = 1;
const AUTH: u64 = 2;
pub(super) const QUERY_AWARENESS: u64 = 3;

/// Ours, far from the numbers that y-protocols and Hocuspocus use.
const MARKER: u64 = 64;

/// The sync messages there are.
const STEP_1: u64 = 0;
const STEP_2: u64 = 1;
const UPDATE: u64 = 2;

/// The auth messages there are.
const PERMISSION_DENIED: u64 = 0;

/// What a marker is answered with.
const JOURNALED: u64 = 1;
const SAVED: u64 = 2;

/// What a client may send.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Message<'a> {
    /// What it has, as a state vector: it asks for the rest.
    Step1(&'a [u8]),
    /// What we did not have, as an update.
    Step2(&'a [u8]),
    Update(&'a [u8]),
    Awareness(&'a [u8]),
    /// It asks who is there.
    QueryAwareness,
    /// Means nothing from a client.
    Auth,
    /// It asks to be told when all that it sent before this is journaled, and when it is saved.
    Marker(u64),
}

/// The messages of a frame: at least one.
pub(super) fn read(frame: &[u8]) -> Result<Vec<Message<'_>>, Malformed> {
    let mut reader = Reader::new(frame);
    let mut messages = Vec::with_capacity(1);
    loop {
        if messages.len() == MAX_MESSAGES {
            return Err(Malformed);
        }
        messages.push(message(&mut reader)?);
        if reader.is_empty() {
            return Ok(messages);
        }
    }
}

fn message<'a>(reader: &mut Reader<'a>) -> Result<Message<'a>, Malformed> {
    match reader.unsigned()? {
        AUTH => {
            if reader.unsigned()? != PERMISSION_DENIED {
                return Err(Malformed);
            }
            reader.text()?;
            Ok(Message::Auth)
        }
        MARKER => Ok(Message::Marker(reader.unsigned()?)),
        kind => common(kind, reader),
    }
}

/// A message of those kinds that Hocuspocus has too, and as they are here: what is synced, and who is there.
pub(super) fn common<'a>(kind: u64, reader: &mut Reader<'a>) -> Result<Message<'a>, Malformed> {
    match kind {
        SYNC => {
            let kind = reader.unsigned()?;
            let bytes = reader.prefixed()?;
            match kind {
                STEP_1 => Ok(Message::Step1(bytes)),
                STEP_2 => Ok(Message::Step2(bytes)),
                UPDATE => Ok(Message::Update(bytes)),
                _ => Err(Malformed),
            }
        }
        AWARENESS => Ok(Message::Awareness(reader.prefixed()?)),
        QUERY_AWARENESS => Ok(Message::QueryAwareness),
        _ => Err(Malformed),
    }
}

/// How many bytes come before others at the most.
const HEAD_BYTES: usize = 16;

fn sync(kind: u64, bytes: &[u8]) -> Bytes {
    Writer::with_capacity(HEAD_BYTES + bytes.len()).unsigned(SYNC).unsigned(kind).prefixed(bytes).finish()
}

/// Asks for what a state vector does not have.
pub(super) fn step1(state_vector: &[u8]) -> Bytes {
    sync(STEP_1, state_vector)
}

/// Answers the same.
pub(super) fn step2(update: &[u8]) -> Bytes {
    sync(STEP_2, update)
}

/// Tells of a change.
pub(super) fn update(update: &[u8]) -> Bytes {
    sync(UPDATE, update)
}

/// Tells who is there.
pub(super) fn awareness(states: &[u8]) -> Bytes {
    Writer::with_capacity(HEAD_BYTES + states.len()).unsigned(AWARENESS).prefixed(states).finish()
}

/// Says that something is not allowed.
pub(super) fn permission_denied(reason: &str) -> Bytes {
    let head = Writer::with_capacity(HEAD_BYTES + reason.len()).unsigned(AUTH).unsigned(PERMISSION_DENIED);
    head.prefixed(reason.as_bytes()).finish()
}

/// Says nothing, as awareness of nobody: stock clients take a silent server for a dead one.
pub(super) fn keep_alive() -> Bytes {
    awareness(&[0])
}

/// Says that all before that marker is journaled.
pub(super) fn journaled(marker: u64) -> Bytes {
    Writer::default().unsigned(MARKER).unsigned(JOURNALED).unsigned(marker).finish()
}

/// Says that all before that marker is saved.
pub(super) fn saved(marker: u64) -> Bytes {
    Writer::default().unsigned(MARKER).unsigned(SAVED).unsigned(marker).finish()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::{Malformed, Message, read};

    #[test]
    fn as_y_protocols_writes_them() {
        assert_eq!(read(&[0, 0, 1, 0]), Ok(vec![Message::Step1(&[0])]));
        assert_eq!(read(&[0, 1, 2, 0, 0]), Ok(vec![Message::Step2(&[0, 0])]));
        assert_eq!(read(&[0, 2, 2, 0, 0]), Ok(vec![Message::Update(&[0, 0])]));
        assert_eq!(read(&[1, 1, 0]), Ok(vec![Message::Awareness(&[0])]));
        assert_eq!(read(&[3]), Ok(vec![Message::QueryAwareness]));
        assert_eq!(read(&[2, 0, 2, b'n', b'o']), Ok(vec![Message::Auth]));
        assert_eq!(read(&[64, 0x80, 1]), Ok(vec![Message::Marker(128)]));
        assert_eq!(read(&[3, 1, 1, 0]), Ok(vec![Message::QueryAwareness, Message::Awareness(&[0])]));
        assert_eq!(super::step1(&[0])[..], [0, 0, 1, 0]);
        assert_eq!(super::step2(&[0, 0])[..], [0, 1, 2, 0, 0]);
        assert_eq!(super::update(&[0, 0])[..], [0, 2, 2, 0, 0]);
        assert_eq!(super::permission_denied("no")[..], [2, 0, 2, b'n', b'o']);
        assert_eq!(super::keep_alive()[..], [1, 1, 0]);
        assert_eq!(super::journaled(128)[..], [64, 1, 0x80, 1]);
        assert_eq!(super::saved(5)[..], [64, 2, 5]);
    }

    #[test]
    fn what_is_none() {
        for frame in [
            &[][..],
            &[0],
            &[0, 0],
            &[0, 3, 0],
            &[0, 0, 2, 0],
            &[1],
            &[2],
            &[2, 1, 0],
            &[2, 0, 1, 0xff],
            &[4],
            &[63],
            &[64],
            &[3, 99],
            &[0xff; 12],
        ] {
            assert_eq!(read(frame), Err(Malformed), "{frame:?}");
        }
        assert_eq!(read(&[3; 16]).map(|messages| messages.len()), Ok(16));
        assert_eq!(read(&[3; 17]), Err(Malformed));
    }

    proptest! {
        #[test]
        fn what_is_written_is_read(bytes: Vec<u8>, marker in 0_u64..1 << 53) {
            for (frame, message) in [
                (super::step1(&bytes), Message::Step1(&bytes)),
                (super::step2(&bytes), Message::Step2(&bytes)),
                (super::update(&bytes), Message::Update(&bytes)),
                (super::awareness(&bytes), Message::Awareness(&bytes)),
            ] {
                prop_assert_eq!(read(&frame), Ok(vec![message]));
            }
            let frame = super::Writer::default().unsigned(64).unsigned(marker).finish();
            prop_assert_eq!(read(&frame), Ok(vec![Message::Marker(marker)]));
        }

        #[test]
        fn whatever_comes(frame: Vec<u8>) {
            if let Ok(messages) = read(&frame) {
                prop_assert!((1..=super::MAX_MESSAGES).contains(&messages.len()));
            }
        }

        #[test]
        fn a_frame_cut_off(bytes in prop::collection::vec(any::<u8>(), 1..50), at in 1_usize..50) {
            let whole = super::update(&bytes);
            prop_assert_eq!(read(&whole[..whole.len() - at.min(bytes.len())]), Err(Malformed));
        }
    }
}
