//! What travels: changes in a message, or the name of an object that holds them; and the care with which it is read.
//!
//! Free of IO. Whoever may write to NATS could have written it, so nothing is taken on trust: not a length, not a
//! checksum (one that is wrong would make the document unreadable once it is on disk).

use std::fmt::Write as _;

use async_nats::HeaderMap;
use automerge::Change;
use aws_lc_rs::digest::{SHA256, digest};

/// The form of messages. Whoever does not know it leaves a message alone.
const FORMAT: &str = "1";

/// The largest body that is read; none that is written is as large.
pub(super) const MAX_BODY: usize = 1024 * 1024;

/// How a change begins: Automerge's mark, four bytes of its hash, and what it is.
const MARK: [u8; 4] = [0x85, 0x6f, 0x4a, 0x83];
const CHANGE: u8 = 1;
const HEADER: usize = 9;

const HEADER_FORMAT: &str = "Syncline-Format";
const HEADER_NODE: &str = "Syncline-Node";
const HEADER_OBJECT: &str = "Syncline-Object";

/// Why something is left alone.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Malformed(pub(super) &'static str);

/// An object's name: the SHA-256 of what is in it, in hex.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(super) struct ObjectName(String);

impl ObjectName {
    /// The name of an object that holds these bytes.
    pub(super) fn of(bytes: &[u8]) -> Self {
        Self(hex(digest(&SHA256, bytes).as_ref()))
    }

    /// The name, if it can be one.
    pub(super) fn parse(text: &str) -> Option<Self> {
        let is_hex = |byte: u8| byte.is_ascii_digit() || (b'a'..=b'f').contains(&byte);
        (text.len() == 64 && text.bytes().all(is_hex)).then(|| Self(text.to_owned()))
    }

    pub(super) fn as_str(&self) -> &str {
        &self.0
    }
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().fold(String::new(), |mut text, byte| {
        // Writing to a string cannot fail.
        let _written = write!(text, "{byte:02x}");
        text
    })
}

/// What a message brings.
#[derive(Debug, PartialEq)]
pub(super) enum Content {
    /// Changes.
    Changes(Vec<Change>),
    /// The object that has them.
    Object(ObjectName),
}

/// The name by which NATS knows that a message is there already: a change's hash, or the hash of several.
pub(super) fn message_id(changes: &[Change], body: &[u8]) -> String {
    match changes {
        [change] => change.hash().to_string(),
        _ => hex(digest(&SHA256, body).as_ref()),
    }
}

/// The headers of a message from that node.
pub(super) fn headers(node: &str, message_id: &str, object: Option<&ObjectName>) -> HeaderMap {
    let mut headers = HeaderMap::new();
    headers.insert(async_nats::header::NATS_MESSAGE_ID, message_id);
    headers.insert(HEADER_FORMAT, FORMAT);
    headers.insert(HEADER_NODE, node);
    if let Some(object) = object {
        headers.insert(HEADER_OBJECT, object.as_str());
    }
    headers
}

/// The object that a message names, if it does.
pub(super) fn object_in(headers: &HeaderMap) -> Option<ObjectName> {
    headers.get(HEADER_OBJECT).and_then(|name| ObjectName::parse(name.as_str()))
}

/// Reads a message.
pub(super) fn read(headers: Option<&HeaderMap>, body: &[u8]) -> Result<Content, Malformed> {
    let headers = headers.ok_or(Malformed("it has no headers"))?;
    let format = headers.get(HEADER_FORMAT).ok_or(Malformed("it does not say its form"))?;
    if format.as_str() != FORMAT {
        return Err(Malformed("its form is not known"));
    }
    if headers.get(HEADER_OBJECT).is_some() {
        let object = object_in(headers).ok_or(Malformed("what it names is no object"))?;
        return Ok(Content::Object(object));
    }
    if body.len() > MAX_BODY {
        return Err(Malformed("it is too large"));
    }
    split(body).map(Content::Changes)
}

/// Changes that stand one after the other.
pub(super) fn split(mut bytes: &[u8]) -> Result<Vec<Change>, Malformed> {
    let mut changes = Vec::new();
    while !bytes.is_empty() {
        let (first, rest) =
            bytes.split_at_checked(length_of_first(bytes)?).ok_or(Malformed("it ends early"))?;
        let read = std::panic::catch_unwind(|| Change::try_from(first));
        let change = read.ok().and_then(Result::ok).ok_or(Malformed("a change cannot be read"))?;
        if change.hash().as_ref()[..4] != first[4..8] {
            return Err(Malformed("a change is not what its checksum says"));
        }
        changes.push(change);
        bytes = rest;
    }
    if changes.is_empty() { Err(Malformed("it is empty")) } else { Ok(changes) }
}

fn length_of_first(bytes: &[u8]) -> Result<usize, Malformed> {
    if bytes.len() < HEADER || bytes[..4] != MARK {
        return Err(Malformed("it is no change"));
    }
    // Whole documents and deflated changes are never sent: what they hold may be a thousand times as large.
    if bytes[8] != CHANGE {
        return Err(Malformed("it is something else than a change"));
    }
    // An unsigned LEB128.
    let mut length = 0_usize;
    for (number, byte) in bytes[HEADER..].iter().take(4).enumerate() {
        length |= usize::from(byte & 0x7f) << (7 * number);
        if byte & 0x80 == 0 {
            return Ok(HEADER + number + 1 + length);
        }
    }
    Err(Malformed("a change's length cannot be"))
}

#[cfg(test)]
mod tests {
    use automerge::{AutoCommit, ROOT, transaction::Transactable as _};
    use proptest::prelude::*;

    use super::*;

    fn some_changes(count: usize) -> (Vec<Change>, Vec<u8>) {
        let mut doc = AutoCommit::new();
        for number in 0..count {
            doc.put(ROOT, "key", "x".repeat(number * 100)).unwrap();
            doc.commit();
        }
        let changes = doc.get_changes(&[]);
        let bytes = changes.iter().flat_map(|change| change.raw_bytes().to_vec()).collect();
        (changes, bytes)
    }

    fn node() -> HeaderMap {
        headers("node", "id", None)
    }

    #[test]
    fn changes_come_back() {
        for count in [1, 2, 40] {
            let (changes, bytes) = some_changes(count);
            assert_eq!(read(Some(&node()), &bytes), Ok(Content::Changes(changes)));
        }
        let object = ObjectName::of(b"something");
        let named = headers("node", "id", Some(&object));
        assert_eq!(read(Some(&named), b""), Ok(Content::Object(object)));
    }

    #[test]
    fn a_change_has_its_hash_for_a_name_and_several_have_their_own() {
        let (changes, bytes) = some_changes(2);
        assert_eq!(message_id(&changes[..1], &bytes), changes[0].hash().to_string());
        let both = message_id(&changes, &bytes);
        assert_ne!(both, changes[1].hash().to_string());
        assert_eq!(Some(both), ObjectName::parse(&message_id(&changes, &bytes)).map(|name| name.0));
    }

    #[test]
    fn what_is_not_ours_is_left_alone() {
        let (_, bytes) = some_changes(1);
        let mut doc = AutoCommit::new();
        doc.put(ROOT, "key", "x".repeat(1000)).unwrap();
        let (deflated, document) = (doc.get_changes(&[])[0].clone().bytes().into_owned(), doc.save());
        let mut checksum = bytes.clone();
        checksum[4] ^= 1;
        let mut early = bytes.clone();
        early.pop();
        for wrong in [&b""[..], b"x", &deflated, &document, &checksum, &early, &[&bytes[..], b"x"].concat()] {
            assert!(read(Some(&node()), wrong).is_err(), "{wrong:?}");
        }
        assert!(read(Some(&node()), &bytes.repeat(MAX_BODY / bytes.len() + 1)).is_err());
        assert!(read(None, &bytes).is_err());
        assert!(read(Some(&HeaderMap::new()), &bytes).is_err());
        let mut newer = node();
        newer.insert(HEADER_FORMAT, "2");
        assert_eq!(read(Some(&newer), &bytes), Err(Malformed("its form is not known")));
        for name in ["", "../../x", &"A".repeat(64), &"a".repeat(63)] {
            let mut named = node();
            named.insert(HEADER_OBJECT, name);
            assert!(read(Some(&named), &bytes).is_err(), "{name}");
        }
    }

    proptest! {
        /// Whatever is done to a message: it is read, or it is not.
        #[test]
        fn nothing_panics(at in any::<prop::sample::Index>(), with in prop::collection::vec(any::<u8>(), 0..12), cut in any::<bool>()) {
            let (_, mut bytes) = some_changes(3);
            let at = at.index(bytes.len());
            let end = if cut { bytes.len() } else { (at + with.len()).min(bytes.len()) };
            bytes.splice(at..end, with);
            if let Ok(Content::Changes(changes)) = read(Some(&node()), &bytes) {
                let again: Vec<u8> = changes.iter().flat_map(|change| change.raw_bytes().to_vec()).collect();
                prop_assert_eq!(again, bytes);
            }
        }
    }
}
