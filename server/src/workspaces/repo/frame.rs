//! What is said on an automerge-repo WebSocket, protocol version 1: CBOR maps, read and written. Free of IO.
//!
//! What a sync message says that one of them carries is `message`'s; whether anybody may say it is `peer`'s.

use cbor4ii::core::{
    dec::{Decode, IgnoredAny, Read as _, Reference, is_break},
    enc::Encode,
    types::{Array, Bytes, Map, Tag},
    utils::{BufWriter, SliceReader},
};

/// The only version there is.
const VERSION: &str = "1";

/// The longest name of a peer, a session, a type or a document, in bytes.
const MAX_NAME_BYTES: usize = 256;

/// How many entries a map may have, and how many versions somebody may speak.
const MAX_ENTRIES: usize = 32;

/// A tag that says that bytes are bytes.
const TAG_BYTES: u64 = 64;

/// What a peer says.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Frame<'a> {
    pub(super) kind: &'a str,
    /// Who says it.
    pub(super) sender: &'a str,
    pub(super) target: Option<&'a str>,
    pub(super) document: Option<&'a str>,
    pub(super) data: Option<&'a [u8]>,
    /// Of what is ephemeral: the sender's session, and which message of it this is.
    pub(super) session: Option<&'a str>,
    pub(super) count: Option<u64>,
    /// Whether it speaks none of our version.
    pub(super) is_foreign: bool,
}

/// That is no frame.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Garbage;

impl<'a> Frame<'a> {
    /// Reads a frame. What is not known is passed over; nothing of it is copied.
    pub(super) fn read(bytes: &'a [u8]) -> Result<Self, Garbage> {
        let mut reader = SliceReader::new(bytes);
        let mut frame = Self::default();
        let entries = Map::len(&mut reader).map_err(|_| Garbage)?;
        if entries.is_some_and(|entries| entries > MAX_ENTRIES) {
            return Err(Garbage);
        }
        let mut read = 0;
        loop {
            match entries {
                Some(entries) if read == entries => break,
                None if is_break(&mut reader).map_err(|_| Garbage)? => break,
                Some(_) | None if read == MAX_ENTRIES => return Err(Garbage),
                Some(_) | None => read += 1,
            }
            match name(&mut reader)? {
                "type" => frame.kind = name(&mut reader)?,
                "senderId" => frame.sender = name(&mut reader)?,
                "targetId" => frame.target = Some(name(&mut reader)?),
                "documentId" => frame.document = Some(name(&mut reader)?),
                "sessionId" => frame.session = Some(name(&mut reader)?),
                "count" => frame.count = Some(u64::decode(&mut reader).map_err(|_| Garbage)?),
                "data" => frame.data = Some(data(&mut reader)?),
                "supportedProtocolVersions" => frame.is_foreign = !has_version(&mut reader)?,
                _ => {
                    IgnoredAny::decode(&mut reader).map_err(|_| Garbage)?;
                }
            }
        }
        let is_all = matches!(reader.fill(1), Ok(Reference::Long([]) | Reference::Short([])));
        match is_all && !frame.kind.is_empty() && !frame.sender.is_empty() {
            true => Ok(frame),
            false => Err(Garbage),
        }
    }
}

fn name<'a>(reader: &mut SliceReader<'a>) -> Result<&'a str, Garbage> {
    let name = <&str>::decode(reader).map_err(|_| Garbage)?;
    if name.len() > MAX_NAME_BYTES { Err(Garbage) } else { Ok(name) }
}

fn peek(reader: &mut SliceReader<'_>) -> Option<u8> {
    reader.fill(1).ok()?.as_ref().first().copied()
}

fn data<'a>(reader: &mut SliceReader<'a>) -> Result<&'a [u8], Garbage> {
    if peek(reader).is_some_and(|byte| byte >> 5 == 6) && Tag::tag(reader).map_err(|_| Garbage)? != TAG_BYTES
    {
        return Err(Garbage);
    }
    let Bytes(bytes) = Bytes::<&[u8]>::decode(reader).map_err(|_| Garbage)?;
    Ok(bytes)
}

/// Whether our version is among these; who says nothing speaks the first one.
fn has_version(reader: &mut SliceReader<'_>) -> Result<bool, Garbage> {
    if peek(reader).is_some_and(|byte| byte >> 5 == 7) {
        IgnoredAny::decode(reader).map_err(|_| Garbage)?;
        return Ok(true);
    }
    let versions = Array::len(reader).map_err(|_| Garbage)?.filter(|versions| *versions <= MAX_ENTRIES);
    let mut has = false;
    for _ in 0..versions.ok_or(Garbage)? {
        has |= name(reader)? == VERSION;
    }
    Ok(has)
}

/// What is said to a peer.
#[derive(Clone, Copy, Debug)]
pub(super) enum Said<'a> {
    /// It is welcome.
    Peer,
    /// A sync message of a document.
    Sync(&'a str, &'a [u8]),
    /// That document is not to be had.
    Unavailable(&'a str),
    /// Something another peer said, who is the sender: about a document, in a session, with a number.
    Ephemeral { document: &'a str, session: &'a str, count: u64, data: &'a [u8] },
    /// What is wrong.
    Error(&'a str),
}

impl Said<'_> {
    /// As it is written.
    pub(super) fn write(self, sender: &str, target: &str) -> Vec<u8> {
        let (kind, entries) = match self {
            Self::Peer => ("peer", 5),
            Self::Sync(..) => ("sync", 5),
            Self::Unavailable(_) => ("doc-unavailable", 4),
            Self::Ephemeral { .. } => ("ephemeral", 7),
            Self::Error(_) => ("error", 4),
        };
        let mut text = Writer(BufWriter::new(Vec::new()));
        text.put_map(entries);
        text.put("type").put(kind).put("senderId").put(sender).put("targetId").put(target);
        match self {
            Self::Peer => {
                text.put("selectedProtocolVersion").put(VERSION).put("peerMetadata");
                // It is no storage that clients could keep what they know of under a name.
                text.put_map(0);
            }
            Self::Sync(document, data) => {
                text.put("documentId").put(document).put("data").put(Bytes(data));
            }
            Self::Unavailable(document) => {
                text.put("documentId").put(document);
            }
            Self::Ephemeral { document, session, count, data } => {
                text.put("documentId").put(document).put("data").put(Bytes(data));
                text.put("sessionId").put(session).put("count").put(count);
            }
            Self::Error(message) => {
                text.put("message").put(message);
            }
        }
        text.0.into_inner()
    }
}

struct Writer(BufWriter);

impl Writer {
    /// There is always memory to write to, or none to go on in.
    fn put(&mut self, value: impl Encode) -> &mut Self {
        let _written = value.encode(&mut self.0);
        self
    }

    fn put_map(&mut self, entries: usize) {
        let _written = Map::bounded(entries, &mut self.0);
    }
}

#[cfg(test)]
#[path = "frame/tests.rs"]
mod tests;
