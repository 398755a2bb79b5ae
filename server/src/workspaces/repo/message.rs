//! Reads sync messages of Automerge clients, who may say anything: each count is looked at before anything is decoded
//! that has so many, and compressed changes are inflated up to a bound alone. Free of IO.
//!
//! Only changes are taken, one by one: whole documents, which clients send to whoever says that it takes them, are not.
//! What the changes do is the document's.

use std::io::Read as _;

use automerge::{Change, sync};
use aws_lc_rs::digest::{SHA256, digest};
use flate2::bufread::DeflateDecoder;

use super::{
    columns,
    cursor::{Cursor, Malformed, put_unsigned},
};

/// What a chunk begins with.
const MAGIC: [u8; 4] = [0x85, 0x6f, 0x4a, 0x83];

/// Chunks by their kind: a change, and a compressed one.
const CHANGE: u8 = 1;
const COMPRESSED: u8 = 2;

/// The sync messages there are.
const MESSAGES: [u8; 2] = [0x42, 0x43];

const HASH_BYTES: u64 = 32;

/// How many heads, dependencies and wanted changes may be named at a time.
const MAX_HASHES: u64 = 4096;

/// How many summaries of what somebody has. Clients send one.
const MAX_SUMMARIES: u64 = 4;

/// How often a Bloom filter may be asked about one change. Clients ask seven times.
const MAX_PROBES: u64 = 32;

/// How large the name of an actor may be, in bytes, and how many others a change may name.
const MAX_ACTOR_BYTES: usize = 128;
const MAX_ACTORS: u64 = 4096;

/// How large what its author calls a change may be, in bytes.
const MAX_TITLE_BYTES: usize = 4096;

/// How far Automerge's counting of ops may be. It ends at 2^32; we want to count on.
const MAX_OP: u64 = 1 << 31;

/// How much a message may hold.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Bounds {
    /// The bytes of all its changes, inflated.
    pub(crate) bytes: usize,
    /// Their ops.
    pub(crate) ops: u64,
}

/// A sync message.
#[derive(Debug)]
pub(crate) struct Incoming {
    /// All but its changes.
    pub(crate) message: sync::Message,
    pub(crate) changes: Vec<Change>,
    /// How many bytes they have.
    pub(crate) bytes: usize,
    /// Whether there were any, even if they were not read.
    pub(crate) had_changes: bool,
}

/// Why a message is not read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Unread {
    /// It is none, or says what cannot be.
    Malformed,
    /// It holds more than may be.
    TooLarge,
}

impl From<Malformed> for Unread {
    fn from(Malformed: Malformed) -> Self {
        Self::Malformed
    }
}

/// Reads a message; of one whose changes are not taken, all but those. It may panic where Automerge does: it is called where
/// that is contained.
pub(crate) fn read(bytes: &[u8], bounds: Bounds, takes_changes: bool) -> Result<Incoming, Unread> {
    let mut cursor = Cursor(bytes);
    if !MESSAGES.contains(&cursor.byte()?) {
        return Err(Unread::Malformed);
    }
    let heads = hashes(&mut cursor)?;
    // Automerge keeps them so.
    if !heads.chunks(HASH_BYTES as usize).is_sorted() {
        return Err(Unread::Malformed);
    }
    hashes(&mut cursor)?;
    summaries(&mut cursor)?;
    let mut rest = bytes[..bytes.len() - cursor.0.len()].to_vec();
    let mut left = Left { bytes: bounds.bytes, ops: bounds.ops };
    let mut changes = Vec::new();
    let count = cursor.unsigned()?;
    for _ in 0..count {
        let mut chunks = Cursor(cursor.prefixed()?);
        while takes_changes && !chunks.is_empty() {
            changes.push(change(&mut chunks, &mut left)?);
        }
    }
    // Automerge reads all but the changes: it would inflate them without a bound.
    rest.push(0);
    rest.extend_from_slice(cursor.0);
    let message = sync::Message::decode(&rest).map_err(|_| Unread::Malformed)?;
    Ok(Incoming { message, changes, bytes: bounds.bytes - left.bytes, had_changes: count > 0 })
}

/// What there is still room for.
struct Left {
    bytes: usize,
    ops: u64,
}

fn hashes<'a>(cursor: &mut Cursor<'a>) -> Result<&'a [u8], Unread> {
    match cursor.unsigned()? {
        count if count > MAX_HASHES => Err(Unread::TooLarge),
        count => Ok(cursor.take(count * HASH_BYTES)?),
    }
}

/// Looks at the summaries of what somebody has: hashes and a Bloom filter each.
fn summaries(cursor: &mut Cursor<'_>) -> Result<(), Unread> {
    let count = cursor.unsigned()?;
    if count > MAX_SUMMARIES {
        return Err(Unread::TooLarge);
    }
    for _ in 0..count {
        hashes(cursor)?;
        let mut filter = Cursor(cursor.prefixed()?);
        if filter.is_empty() {
            continue;
        }
        let (entries, bits_each, probes) = (filter.unsigned()?, filter.unsigned()?, filter.unsigned()?);
        let bits = entries.checked_mul(bits_each).ok_or(Unread::Malformed)?;
        // Automerge divides by the number of bits, and makes room for as many probes.
        let sound = (bits > 0 || entries == 0) && bits.div_ceil(8) <= filter.0.len() as u64;
        if !sound || !(1..=MAX_PROBES).contains(&probes) {
            return Err(Unread::Malformed);
        }
    }
    Ok(())
}

/// Reads the next change.
fn change(chunks: &mut Cursor<'_>, left: &mut Left) -> Result<Change, Unread> {
    if chunks.take(4)? != MAGIC {
        return Err(Unread::Malformed);
    }
    let checksum = chunks.take(4)?;
    let (kind, data) = (chunks.byte()?, chunks.prefixed()?);
    let inflated = match kind {
        CHANGE => None,
        COMPRESSED => Some(inflate(data, left.bytes)?),
        _ => return Err(Unread::Malformed),
    };
    let body = inflated.as_deref().unwrap_or(data);
    left.bytes = left.bytes.checked_sub(body.len()).ok_or(Unread::TooLarge)?;
    look_at(body, left)?;
    let chunk = chunk_of(body);
    // Automerge takes any, and then does not read the change again from the disk.
    if !chunk[MAGIC.len()..].starts_with(checksum) {
        return Err(Unread::Malformed);
    }
    Change::try_from(&chunk[..]).map_err(|_| Unread::Malformed)
}

/// The chunk of a change with that body, not compressed.
pub(super) fn chunk_of(body: &[u8]) -> Vec<u8> {
    let mut hashed = Vec::with_capacity(body.len() + 20);
    hashed.push(CHANGE);
    put_unsigned(body.len() as u64, &mut hashed);
    hashed.extend_from_slice(body);
    let hash = digest(&SHA256, &hashed);
    [&MAGIC, &hash.as_ref()[..4], &hashed].concat()
}

fn inflate(data: &[u8], at_most: usize) -> Result<Vec<u8>, Unread> {
    let mut inflated = Vec::new();
    let mut bounded = DeflateDecoder::new(data).take(at_most as u64 + 1);
    bounded.read_to_end(&mut inflated).map_err(|_| Unread::Malformed)?;
    if inflated.len() > at_most { Err(Unread::TooLarge) } else { Ok(inflated) }
}

/// Looks at how much a change holds.
fn look_at(body: &[u8], left: &mut Left) -> Result<(), Unread> {
    let mut cursor = Cursor(body);
    hashes(&mut cursor)?;
    actor(&mut cursor)?;
    let _seq = cursor.unsigned()?;
    let first_op = cursor.unsigned()?;
    let _time = cursor.signed()?;
    let title = cursor.prefixed()?;
    let others = cursor.unsigned()?;
    if first_op > MAX_OP || title.len() > MAX_TITLE_BYTES || others > MAX_ACTORS {
        return Err(Unread::TooLarge);
    }
    for _ in 0..others {
        actor(&mut cursor)?;
    }
    let ops = columns::look_at(&mut cursor, others + 1, left.ops)?;
    left.ops -= ops;
    Ok(())
}

fn actor(cursor: &mut Cursor<'_>) -> Result<(), Unread> {
    match cursor.prefixed()?.len() {
        1..=MAX_ACTOR_BYTES => Ok(()),
        _ => Err(Unread::Malformed),
    }
}

#[cfg(test)]
#[path = "message/tests.rs"]
mod tests;
