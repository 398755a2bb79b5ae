//! Reads numbers and lengths as Automerge writes them, out of bytes of which nothing is known. Free of IO.

/// That ends too early, or is no number.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Malformed;

/// What is still to be read.
#[derive(Clone, Copy, Debug)]
pub(super) struct Cursor<'a>(pub(super) &'a [u8]);

impl<'a> Cursor<'a> {
    pub(super) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// So many bytes.
    pub(super) fn take(&mut self, bytes: u64) -> Result<&'a [u8], Malformed> {
        let bytes = usize::try_from(bytes).map_err(|_| Malformed)?;
        let (taken, rest) = self.0.split_at_checked(bytes).ok_or(Malformed)?;
        self.0 = rest;
        Ok(taken)
    }

    pub(super) fn byte(&mut self) -> Result<u8, Malformed> {
        Ok(self.take(1)?[0])
    }

    /// As many bytes as are said before them.
    pub(super) fn prefixed(&mut self) -> Result<&'a [u8], Malformed> {
        let bytes = self.unsigned()?;
        self.take(bytes)
    }

    /// A LEB128 number.
    pub(super) fn unsigned(&mut self) -> Result<u64, Malformed> {
        let mut number = 0;
        for shift in (0..64).step_by(7) {
            let byte = self.byte()?;
            let bits = u64::from(byte & 0x7f);
            if shift == 63 && bits > 1 {
                return Err(Malformed);
            }
            number |= bits << shift;
            if byte & 0x80 == 0 {
                return Ok(number);
            }
        }
        Err(Malformed)
    }

    /// A signed LEB128 number.
    pub(super) fn signed(&mut self) -> Result<i64, Malformed> {
        let mut number = 0;
        for shift in (0..64).step_by(7) {
            let byte = self.byte()?;
            let bits = i64::from(byte & 0x7f);
            if shift == 63 && bits != 0 && bits != 0x7f {
                return Err(Malformed);
            }
            number |= bits << shift;
            if byte & 0x80 == 0 {
                let is_negative = byte & 0x40 != 0 && shift < 57;
                return Ok(if is_negative { number | (-1 << (shift + 7)) } else { number });
            }
        }
        Err(Malformed)
    }
}

/// Writes a LEB128 number.
pub(super) fn put_unsigned(mut number: u64, out: &mut Vec<u8>) {
    while number >= 0x80 {
        out.push((number & 0x7f) as u8 | 0x80);
        number >>= 7;
    }
    out.push(number as u8);
}

#[cfg(test)]
mod tests {
    use super::{Cursor, Malformed, put_unsigned};

    #[test]
    fn numbers() {
        for number in [0, 1, 127, 128, 16_383, 16_384, u64::from(u32::MAX), u64::MAX] {
            let mut bytes = Vec::new();
            put_unsigned(number, &mut bytes);
            let mut cursor = Cursor(&bytes);
            assert_eq!((cursor.unsigned(), cursor.is_empty()), (Ok(number), true));
        }
        for (bytes, number) in [
            (&[0x00][..], 0),
            (&[0x7f], -1),
            (&[0x40], -64),
            (&[0x3f], 63),
            (&[0xc0, 0x00], 64),
            (&[0x80, 0x7f], -128),
            (&[0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x7f], i64::MIN),
            (&[0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x00], i64::MAX),
        ] {
            assert_eq!(Cursor(bytes).signed(), Ok(number), "{bytes:x?}");
        }
    }

    #[test]
    fn what_is_none() {
        for bytes in [&[][..], &[0x80], &[0xff; 9], &[0xff; 10], &[0xff; 11]] {
            assert_eq!((Cursor(bytes).unsigned(), Cursor(bytes).signed()), (Err(Malformed), Err(Malformed)));
        }
        assert_eq!(Cursor(&[2, 1]).prefixed(), Err(Malformed));
        assert_eq!(
            Cursor(&[0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 1]).prefixed(),
            Err(Malformed)
        );
    }
}
