//! How many rows the columns of a change have, which a few bytes can say are millions. Free of IO.
//!
//! What is in them is Automerge's to decode, once that is known to be bounded.

use super::{
    cursor::{Cursor, Malformed},
    message::Unread,
};

/// How many columns a change may have. Automerge knows seventeen.
const MAX_COLUMNS: u64 = 64;

/// The bit of a column that is compressed, which those of changes never are.
const COMPRESSED: u64 = 0b1000;

/// What is in a column.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kind {
    /// How many rows of the columns after it belong to one of this.
    Group,
    /// Which of the change's actors.
    Actor,
    /// A number.
    Unsigned,
    /// By how much a number rises.
    Signed,
    Text,
}

/// Looks at the columns of a change with so many actors, and what comes after them; the rows of the longest column, and
/// at least one: a change of nothing takes room too.
pub(super) fn look_at(cursor: &mut Cursor<'_>, actors: u64, at_most: u64) -> Result<u64, Unread> {
    let count = cursor.unsigned()?;
    if count > MAX_COLUMNS {
        return Err(Unread::TooLarge);
    }
    let mut columns = Vec::new();
    for _ in 0..count {
        let (specification, bytes) = (cursor.unsigned()?, cursor.unsigned()?);
        if specification & COMPRESSED != 0 {
            return Err(Unread::Malformed);
        }
        columns.push((specification & 0b111, bytes));
    }
    let mut longest = 1;
    for (kind, bytes) in columns {
        let mut column = Cursor(cursor.take(bytes)?);
        let rows = match kind {
            0 => runs(&mut column, Kind::Group, actors, at_most)?,
            1 => runs(&mut column, Kind::Actor, actors, at_most)?,
            2 | 6 => runs(&mut column, Kind::Unsigned, actors, at_most)?,
            3 => runs(&mut column, Kind::Signed, actors, at_most)?,
            4 => truths(&mut column, at_most)?,
            5 => runs(&mut column, Kind::Text, actors, at_most)?,
            // The values themselves: as long as they are.
            _ => 0,
        };
        longest = longest.max(rows);
    }
    if longest > at_most { Err(Unread::TooLarge) } else { Ok(longest) }
}

/// The rows of a column of runs: of one value, of values, or of nothing. Of groups, those of what they group if those are
/// more.
fn runs(column: &mut Cursor<'_>, kind: Kind, actors: u64, at_most: u64) -> Result<u64, Unread> {
    let (mut rows, mut grouped) = (0_u64, 0_u64);
    while !column.is_empty() {
        let run = column.signed()?;
        let (repeated, values) = match run {
            0 => (column.unsigned()?, 0),
            1.. => (run.unsigned_abs(), 1),
            _ => (1, run.unsigned_abs()),
        };
        let length = if values > 1 || run < 0 { values } else { repeated };
        rows = rows.saturating_add(length);
        if rows > at_most {
            return Err(Unread::TooLarge);
        }
        for _ in 0..values {
            let value = value(column, kind)?;
            match kind {
                Kind::Actor if value >= actors => return Err(Unread::Malformed),
                Kind::Group => grouped = grouped.saturating_add(value.saturating_mul(repeated)),
                Kind::Actor | Kind::Unsigned | Kind::Signed | Kind::Text => {}
            }
            if grouped > at_most {
                return Err(Unread::TooLarge);
            }
        }
    }
    Ok(rows.max(grouped))
}

/// Passes over a value; its number, if it is one without a sign.
fn value(column: &mut Cursor<'_>, kind: Kind) -> Result<u64, Malformed> {
    match kind {
        Kind::Group | Kind::Actor | Kind::Unsigned => column.unsigned(),
        Kind::Signed => column.signed().map(|_| 0),
        Kind::Text => column.prefixed().map(|_| 0),
    }
}

/// The rows of a column of truths: how many are false, then how many are true, and so on.
fn truths(column: &mut Cursor<'_>, at_most: u64) -> Result<u64, Unread> {
    let mut rows = 0_u64;
    while !column.is_empty() {
        rows = rows.saturating_add(column.unsigned()?);
        if rows > at_most {
            return Err(Unread::TooLarge);
        }
    }
    Ok(rows)
}

#[cfg(test)]
mod tests {
    use super::{Cursor, Unread, look_at};

    const HUGE: [u8; 9] = [0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x3f];

    /// What is said of a column of that kind with these bytes.
    fn of(kind: u8, bytes: &[u8]) -> Result<u64, Unread> {
        let all = [&[1, 0x10 | kind, bytes.len() as u8], bytes].concat();
        look_at(&mut Cursor(&all), 2, 1000)
    }

    #[test]
    fn rows() {
        assert_eq!(of(2, &[]), Ok(1));
        assert_eq!(of(2, &[0x03, 7]), Ok(3), "a run of three");
        assert_eq!(of(2, &[0x7d, 7, 8, 9]), Ok(3), "three values");
        assert_eq!(of(2, &[0x7f, 7]), Ok(1), "one value");
        assert_eq!(of(2, &[0x00, 5]), Ok(5), "five of nothing");
        assert_eq!(of(5, &[0x7e, 1, b'a', 2, b'b', b'c', 0x02, 0]), Ok(4));
        assert_eq!(of(3, &[0x7e, 0x7f, 1, 0x08, 0x01]), Ok(10));
        assert_eq!(of(4, &[3, 4, 5]), Ok(12));
        assert_eq!(of(0, &[0x03, 2]), Ok(6), "three groups of two");
        assert_eq!(of(0, &[0x7e, 4, 5]), Ok(9), "a group of four and one of five");
        assert_eq!(of(7, &[1, 2, 3]), Ok(1));
    }

    #[test]
    fn too_many() {
        for kind in [0, 1, 2, 3, 5, 6] {
            for run in [[&HUGE[..], &[0]].concat(), [&[0][..], &HUGE[..]].concat()] {
                assert_eq!(of(kind, &run), Err(Unread::TooLarge), "{kind} {run:x?}");
            }
            let lowest = [0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x7f];
            assert_eq!(of(kind, &lowest), Err(Unread::TooLarge), "{kind}");
        }
        assert_eq!(of(4, &HUGE), Err(Unread::TooLarge));
        assert_eq!(of(0, &[&[1], &HUGE[..]].concat()), Err(Unread::TooLarge), "one huge group");
        assert_eq!(of(0, &[&[0x7f], &HUGE[..]].concat()), Err(Unread::TooLarge));
        assert_eq!(of(4, &[0xe8, 0x07]), Ok(1000));
        assert_eq!(of(4, &[0xe9, 0x07]), Err(Unread::TooLarge));
        assert_eq!(look_at(&mut Cursor(&[65]), 1, 10), Err(Unread::TooLarge));
    }

    #[test]
    fn what_cannot_be() {
        assert_eq!(of(1, &[0x7f, 1]), Ok(1));
        assert_eq!(of(1, &[0x7f, 2]), Err(Unread::Malformed), "there are two actors");
        assert_eq!(of(0b1010, &[0x7f, 1]), Err(Unread::Malformed), "compressed");
        assert_eq!(of(2, &[0x03]), Err(Unread::Malformed));
        assert_eq!(of(2, &[0x7d, 1, 2]), Err(Unread::Malformed));
        assert_eq!(look_at(&mut Cursor(&[1, 2, 200, 1]), 1, 10), Err(Unread::Malformed));
    }
}
