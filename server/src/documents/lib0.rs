//! Reads and writes numbers, bytes and strings as lib0 (the encoding library of Yjs) does, out of bytes of which nothing
//! is known. Free of IO.
//!
//! What the numbers mean is said where they are read. Automerge's numbers, which workspaces read, are signed otherwise.

use bytes::{BufMut as _, Bytes, BytesMut};

/// The largest client id: JavaScript has 53 bits of a whole number, and yrs takes the rest for its own.
const MAX_CLIENT: u64 = (1 << 53) - 1;

/// The largest clock, and the largest sum of a clock and a length: yrs subtracts them as `i32`.
const MAX_CLOCK: u64 = i32::MAX as u64;

/// That ends too early, or says what cannot be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Malformed;

/// What is still to be read.
#[derive(Clone, Copy, Debug)]
pub(super) struct Reader<'a>(&'a [u8]);

impl<'a> Reader<'a> {
    /// Reads from the first of these bytes on.
    pub(super) fn new(bytes: &'a [u8]) -> Self {
        Self(bytes)
    }

    /// Whether all was read.
    pub(super) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// How many bytes are left.
    pub(super) fn left(&self) -> usize {
        self.0.len()
    }

    /// So many bytes.
    pub(super) fn take(&mut self, bytes: u64) -> Result<&'a [u8], Malformed> {
        let bytes = usize::try_from(bytes).map_err(|_| Malformed)?;
        let (taken, rest) = self.0.split_at_checked(bytes).ok_or(Malformed)?;
        self.0 = rest;
        Ok(taken)
    }

    /// One byte.
    pub(super) fn byte(&mut self) -> Result<u8, Malformed> {
        Ok(self.take(1)?[0])
    }

    /// A number without a sign. yrs wraps what is too large instead, and would then read something else than we did.
    pub(super) fn unsigned(&mut self) -> Result<u64, Malformed> {
        let mut number = 0;
        for shift in (0..63).step_by(7) {
            let byte = self.byte()?;
            number |= u64::from(byte & 0x7f) << shift;
            if byte & 0x80 == 0 {
                return Ok(number);
            }
        }
        // 63 bits were not enough. Nothing that Yjs writes has more than 53.
        Err(Malformed)
    }

    /// Passes over a number with a sign: six bits and the sign, then seven bits a byte.
    pub(super) fn skip_signed(&mut self) -> Result<(), Malformed> {
        // Nine bytes are 62 bits; yrs would shift further ones out of its number.
        for _ in 0..9 {
            if self.byte()? & 0x80 == 0 {
                return Ok(());
            }
        }
        Err(Malformed)
    }

    /// The id of a client.
    pub(super) fn client(&mut self) -> Result<u64, Malformed> {
        self.unsigned().ok().filter(|&client| client <= MAX_CLIENT).ok_or(Malformed)
    }

    /// A clock, or a length counted as clocks are.
    pub(super) fn clock(&mut self) -> Result<u32, Malformed> {
        match self.unsigned()? {
            clock if clock <= MAX_CLOCK => Ok(clock as u32),
            _ => Err(Malformed),
        }
    }

    /// How many things follow, of which each has at least so many bytes: no more than there is room for.
    pub(super) fn count(&mut self, bytes_each: usize) -> Result<usize, Malformed> {
        let count = usize::try_from(self.unsigned()?).map_err(|_| Malformed)?;
        if count > self.left() / bytes_each { Err(Malformed) } else { Ok(count) }
    }

    /// As many bytes as are said before them.
    pub(super) fn prefixed(&mut self) -> Result<&'a [u8], Malformed> {
        let bytes = self.unsigned()?;
        self.take(bytes)
    }

    /// As much text as is said before it.
    pub(super) fn text(&mut self) -> Result<&'a str, Malformed> {
        std::str::from_utf8(self.prefixed()?).map_err(|_| Malformed)
    }
}

/// The clock after a thing of that length.
pub(super) fn clock_after(clock: u32, length: u32) -> Result<u32, Malformed> {
    match u64::from(clock) + u64::from(length) {
        end if end <= MAX_CLOCK => Ok(end as u32),
        _ => Err(Malformed),
    }
}

/// What is written.
#[derive(Debug, Default)]
pub(super) struct Writer(BytesMut);

impl Writer {
    /// With room for so many bytes.
    pub(super) fn with_capacity(bytes: usize) -> Self {
        Self(BytesMut::with_capacity(bytes))
    }

    /// Writes a number without a sign.
    pub(super) fn unsigned(mut self, mut number: u64) -> Self {
        while number >= 0x80 {
            self.0.put_u8((number & 0x7f) as u8 | 0x80);
            number >>= 7;
        }
        self.0.put_u8(number as u8);
        self
    }

    /// Writes how many bytes there are, and them.
    pub(super) fn prefixed(self, bytes: &[u8]) -> Self {
        let mut written = self.unsigned(bytes.len() as u64);
        written.0.put_slice(bytes);
        written
    }

    /// Writes bytes as they are.
    #[cfg(test)]
    pub(super) fn plain(mut self, bytes: &[u8]) -> Self {
        self.0.put_slice(bytes);
        self
    }

    /// All that was written.
    pub(super) fn finish(self) -> Bytes {
        self.0.freeze()
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::{MAX_CLIENT, MAX_CLOCK, Malformed, Reader, Writer, clock_after};

    fn written(number: u64) -> bytes::Bytes {
        Writer::default().unsigned(number).finish()
    }

    #[test]
    fn what_cannot_be() {
        assert_eq!(Reader::new(&[]).unsigned(), Err(Malformed));
        assert_eq!(Reader::new(&[0x80]).unsigned(), Err(Malformed));
        assert_eq!(Reader::new(&[0xff; 20]).unsigned(), Err(Malformed));
        assert_eq!(Reader::new(&written(1 << 63)).unsigned(), Err(Malformed), "64 bits");
        assert_eq!(Reader::new(&[2, 1]).prefixed(), Err(Malformed));
        assert_eq!(Reader::new(&[1, 0xff]).text(), Err(Malformed), "no UTF-8");
        assert_eq!(Reader::new(&[0xff; 9]).skip_signed(), Err(Malformed));
        assert_eq!(Reader::new(&[3, 0, 0, 0, 0, 0]).count(2), Err(Malformed), "room for two");
        assert_eq!(Reader::new(&[2, 0, 0, 0, 0]).count(2), Ok(2));
    }

    #[test]
    fn bounds_of_clients_and_clocks() {
        assert_eq!(Reader::new(&written(MAX_CLIENT)).client(), Ok(MAX_CLIENT));
        assert_eq!(Reader::new(&written(MAX_CLIENT + 1)).client(), Err(Malformed));
        assert_eq!(Reader::new(&written(MAX_CLOCK)).clock(), Ok(i32::MAX as u32));
        assert_eq!(Reader::new(&written(MAX_CLOCK + 1)).clock(), Err(Malformed));
        assert_eq!(clock_after(i32::MAX as u32 - 1, 1), Ok(i32::MAX as u32));
        assert_eq!(clock_after(i32::MAX as u32, 1), Err(Malformed));
    }

    proptest! {
        #[test]
        fn what_is_written_is_read(number in 0_u64..1 << 63, bytes: Vec<u8>, text: String) {
            let all = Writer::default().unsigned(number).prefixed(&bytes).prefixed(text.as_bytes()).finish();
            let mut reader = Reader::new(&all);
            prop_assert_eq!(reader.unsigned(), Ok(number));
            prop_assert_eq!(reader.prefixed(), Ok(bytes.as_slice()));
            prop_assert_eq!(reader.text(), Ok(text.as_str()));
            prop_assert!(reader.is_empty());
        }

        #[test]
        fn yrs_reads_the_same(number in 0_u64..1 << 63, signed in -(1_i64 << 61)..1 << 61) {
            use yrs::encoding::{read::{Cursor, Read as _}, write::Write as _};
            let ours = written(number);
            prop_assert_eq!(Cursor::new(&ours).read_var::<u64>().unwrap(), number);
            let mut theirs = Vec::new();
            theirs.write_var(signed);
            let mut reader = Reader::new(&theirs);
            prop_assert_eq!((reader.skip_signed(), reader.is_empty()), (Ok(()), true));
        }
    }
}
