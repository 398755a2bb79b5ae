//! What nodes tell each other, as bytes: a version, who says it, what kind it is, and then that. Whatever comes is read with
//! care: whoever reaches Redis can write it.

use bytes::{BufMut as _, Bytes, BytesMut};

use super::{News, NodeId, Remote, Said, Standing};

const VERSION: u8 = 1;
const HEAD: usize = 18;
const DIGEST: usize = 32;

const UPDATE: u8 = 1;
const AWARENESS: u8 = 2;
const STATE: u8 = 3;
const DELETED: u8 = 4;
const LEFT: u8 = 5;
const PART: u8 = 6;
const STATELESS: u8 = 7;

/// The longest name of a part.
const MAX_NAME: usize = 64;

/// What a message is.
#[derive(Debug)]
pub(super) enum Envelope {
    Remote(Remote),
    /// It stands under this name.
    Part(String),
}

pub(super) fn write(from: NodeId, news: &News) -> Bytes {
    let (kind, body): (u8, &[u8]) = match news {
        News::Update(bytes) => (UPDATE, bytes),
        News::Awareness(bytes) => (AWARENESS, bytes),
        News::Stateless(bytes) => (STATELESS, bytes),
        News::State(standing, _) => (STATE, &standing.state_vector),
        News::Deleted => (DELETED, &[]),
        News::Left => (LEFT, &[]),
    };
    let mut message = head(from, kind, body.len() + DIGEST + 1);
    if let News::State(standing, said) = news {
        message.put_u8(match said {
            Said::Unasked => 0,
            Said::Asked => 1,
            Said::Answer => 2,
        });
        message.put_slice(&standing.digest);
    }
    message.put_slice(body);
    message.freeze()
}

/// A message that says where that one is; nothing if that is none of ours.
pub(super) fn pointer(message: &[u8], name: &str) -> Option<Bytes> {
    let from = message.get(1..17)?.try_into().ok()?;
    let mut pointer = head(NodeId(from), PART, name.len());
    pointer.put_slice(name.as_bytes());
    Some(pointer.freeze())
}

fn head(from: NodeId, kind: u8, room: usize) -> BytesMut {
    let mut message = BytesMut::with_capacity(HEAD + room);
    message.put_u8(VERSION);
    message.put_slice(&from.0);
    message.put_u8(kind);
    message
}

/// Who says what; nothing if that cannot be read.
pub(super) fn read(message: &[u8]) -> Option<(NodeId, Envelope)> {
    let (head, body) = message.split_at_checked(HEAD)?;
    if head[0] != VERSION {
        return None;
    }
    let from = NodeId(head[1..17].try_into().ok()?);
    let copied = || Bytes::copy_from_slice(body);
    let remote = match head[17] {
        UPDATE => Remote::Update(copied()),
        AWARENESS => Remote::Awareness(from, copied()),
        STATELESS => Remote::Stateless(copied()),
        STATE => {
            let (said, rest) = body.split_first()?;
            let said = match said {
                0 => Said::Unasked,
                1 => Said::Asked,
                2 => Said::Answer,
                _ => return None,
            };
            let (digest, state_vector) = rest.split_first_chunk::<DIGEST>()?;
            let state_vector = Bytes::copy_from_slice(state_vector);
            Remote::State(Standing { digest: *digest, state_vector }, said)
        }
        DELETED if body.is_empty() => Remote::Deleted,
        LEFT if body.is_empty() => Remote::Left(from),
        PART => {
            let name = std::str::from_utf8(body).ok().filter(|name| (1..=MAX_NAME).contains(&name.len()))?;
            return Some((from, Envelope::Part(name.to_owned())));
        }
        _ => return None,
    };
    Some((from, Envelope::Remote(remote)))
}

#[cfg(test)]
mod tests {
    use bytes::Bytes;
    use proptest::prelude::*;

    use super::{Envelope, News, NodeId, Said, Standing, pointer, read, write};

    #[test]
    fn what_is_written_is_read() {
        let from = NodeId([7; 16]);
        let standing = Standing { digest: [3; 32], state_vector: Bytes::from_static(&[1, 2]) };
        let bytes = Bytes::from_static(b"abc");
        for news in [
            News::Update(bytes.clone()),
            News::Awareness(bytes.clone()),
            News::Stateless(bytes),
            News::State(standing.clone(), Said::Unasked),
            News::State(standing.clone(), Said::Asked),
            News::State(standing, Said::Answer),
            News::Deleted,
            News::Left,
        ] {
            let (sender, envelope) = read(&write(from, &news)).expect("it is one of ours");
            assert_eq!(sender, from);
            let Envelope::Remote(remote) = envelope else { panic!("it is no part") };
            // The two differ in who says it, which stands in the head.
            let remote = format!("{remote:?}").replace(&format!("{from:?}, "), "");
            assert_eq!(remote.replace(&format!("({from:?})"), ""), format!("{news:?}"));
        }
        let message = write(from, &News::Deleted);
        let (sender, envelope) = read(&pointer(&message, "there").unwrap()).unwrap();
        assert!(sender == from && matches!(envelope, Envelope::Part(name) if name == "there"));
    }

    proptest! {
        #[test]
        fn whatever_comes_is_read_or_left(bytes in prop::collection::vec(any::<u8>(), 0..80), version in any::<bool>()) {
            let mut bytes = bytes;
            if version && !bytes.is_empty() {
                bytes[0] = super::VERSION;
            }
            let _read = read(&bytes);
        }
    }
}
