//! What a Yjs client says and hears, as bytes: updates that insert one letter each, and which letters of whom an update
//! brings. Only what the bench's own clients write is read.

use anyhow::{Context as _, bail};

/// How Yjs marks a struct: a text, and what it stands beside.
const STRING: u8 = 4;
const DELETED: u8 = 1;
const HAS_KEY: u8 = 0x20;
const HAS_RIGHT: u8 = 0x40;
const HAS_LEFT: u8 = 0x80;

pub(super) fn put(number: u64, into: &mut Vec<u8>) {
    let mut rest = number;
    while rest >= 0x80 {
        into.push(rest as u8 | 0x80);
        rest >>= 7;
    }
    into.push(rest as u8);
}

/// A message with these bytes in it, after their length.
pub(super) fn message(kind: &[u8], bytes: &[u8]) -> Vec<u8> {
    let mut message = kind.to_vec();
    put(bytes.len() as u64, &mut message);
    message.extend_from_slice(bytes);
    message
}

/// The update in which a client writes its next letter after its last.
pub(super) fn letter(client: u64, clock: u32) -> Vec<u8> {
    let mut update = vec![1, 1];
    put(client, &mut update);
    put(clock.into(), &mut update);
    let after = clock.checked_sub(1).map(|last| (client, last));
    put_letter(after, None, &mut update);
    update.push(0);
    update
}

fn put_letter(left: Option<(u64, u32)>, right: Option<(u64, u32)>, update: &mut Vec<u8>) {
    let flag = |id: Option<_>, flag| if id.is_some() { flag } else { 0 };
    update.push(STRING | flag(left, HAS_LEFT) | flag(right, HAS_RIGHT));
    for (client, clock) in left.into_iter().chain(right) {
        put(client, update);
        put(clock.into(), update);
    }
    if left.is_none() && right.is_none() {
        update.extend_from_slice(&[1, 1, b't']);
    }
    update.extend_from_slice(&[1, b'x']);
}

/// The updates, of so many letters each, in which a client writes letters after letters of its own that are anywhere.
pub(super) fn anywhere(client: u64, letters: u32, each: u32) -> Vec<Vec<u8>> {
    let mut next: Vec<Option<u32>> = Vec::with_capacity(letters as usize);
    let mut random: u64 = 0x9e37_79b9_7f4a_7c15;
    let mut updates = Vec::new();
    for first in (0..letters).step_by(each as usize) {
        let last = letters.min(first + each);
        let mut update = vec![1];
        put(u64::from(last - first), &mut update);
        put(client, &mut update);
        put(first.into(), &mut update);
        for clock in first..last {
            random ^= random << 13;
            random ^= random >> 7;
            random ^= random << 17;
            let left = (clock > 0).then(|| (random % u64::from(clock)) as u32);
            let right = left.and_then(|left| next[left as usize]);
            if let Some(left) = left {
                next[left as usize] = Some(clock);
            }
            next.push(right);
            put_letter(left.map(|left| (client, left)), right.map(|right| (client, right)), &mut update);
        }
        update.push(0);
        updates.push(update);
    }
    updates
}

/// Bytes that are read one after the other.
pub(super) struct Reader<'a>(pub(super) &'a [u8]);

impl<'a> Reader<'a> {
    pub(super) fn unsigned(&mut self) -> anyhow::Result<u64> {
        let mut number = 0;
        for shift in (0..63).step_by(7) {
            let (byte, rest) = self.0.split_first().context("it ends")?;
            self.0 = rest;
            number |= u64::from(byte & 0x7f) << shift;
            if byte & 0x80 == 0 {
                return Ok(number);
            }
        }
        bail!("a number is too long")
    }

    fn byte(&mut self) -> anyhow::Result<u8> {
        let (byte, rest) = self.0.split_first().context("it ends")?;
        self.0 = rest;
        Ok(*byte)
    }

    pub(super) fn bytes(&mut self) -> anyhow::Result<&'a [u8]> {
        let length = self.unsigned()? as usize;
        let (bytes, rest) = self.0.split_at_checked(length).context("it ends")?;
        self.0 = rest;
        Ok(bytes)
    }
}

/// What an update brings: of whom the letters from which clock on, and how many.
pub(super) fn letters(update: &[u8], mut brings: impl FnMut(u64, u32, u32)) -> anyhow::Result<()> {
    let mut reader = Reader(update);
    for _ in 0..reader.unsigned()? {
        let structs = reader.unsigned()?;
        let client = reader.unsigned()?;
        let first = reader.unsigned()?;
        let mut clock = first;
        for _ in 0..structs {
            let info = reader.byte()?;
            for flag in [HAS_LEFT, HAS_RIGHT] {
                if info & flag != 0 {
                    reader.unsigned()?;
                    reader.unsigned()?;
                }
            }
            if info & (HAS_LEFT | HAS_RIGHT) == 0 {
                match reader.unsigned()? {
                    1 => drop(reader.bytes()?),
                    _ => bail!("the bench's clients write into one text"),
                }
                if info & HAS_KEY != 0 {
                    reader.bytes()?;
                }
            }
            clock += match info & 0x1f {
                STRING => reader.bytes()?.len() as u64,
                DELETED => reader.unsigned()?,
                other => bail!("the bench's clients write no {other}"),
            };
        }
        brings(client, first as u32, (clock - first) as u32);
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::{anywhere, letter, letters};

    #[test]
    fn what_is_written_is_read() {
        let mut found = Vec::new();
        for update in [letter(7, 0), letter(300, 128), anywhere(9, 10, 10).remove(0)] {
            letters(&update, |client, clock, count| found.push((client, clock, count))).unwrap();
        }
        assert_eq!(found, [(7, 0, 1), (300, 128, 1), (9, 0, 10)]);
    }
}
