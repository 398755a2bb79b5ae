//! What is in the items of an update: passed over, counted and weighed.
//!
//! Values are bounded in depth, since yrs reads and drops them recursively. That JSON is JSON is left to it: it refuses
//! what is none.

use super::{Refused, STRUCT_WEIGHT, Walk};

/// How deep a value may be. What people store is rarely ten deep.
const MAX_DEPTH: usize = 64;

/// What yrs takes for a value, for a map, for each byte of JSON (`[0,0,0]` is two bytes a value), and for a document in a
/// document.
const VALUE_WEIGHT: usize = 32;
const MAP_WEIGHT: usize = 128;
const JSON_WEIGHT: usize = 24;
const DOCUMENT_WEIGHT: usize = 4096;

/// What may be in an item. Not so JSON (2), which Yjs stopped writing before its version 13 and yrs reads wrong.
const DELETED: u8 = 1;
const BINARY: u8 = 3;
const STRING: u8 = 4;
const EMBED: u8 = 5;
const FORMAT: u8 = 6;
const TYPE: u8 = 7;
const ANY: u8 = 8;
const DOCUMENT: u8 = 9;

/// The types there are: array, map, text, XML element, fragment and text. Not so XML hooks (5), which yrs reads wrong.
const ELEMENT: u64 = 3;
const TYPES: [u64; 6] = [0, 1, 2, ELEMENT, 4, 6];

impl Walk<'_> {
    /// Passes over the content of an item; how long it is.
    pub(super) fn content(&mut self, kind: u8) -> Result<u32, Refused> {
        match kind {
            DELETED => Ok(self.reader.clock()?),
            BINARY => {
                let bytes = self.reader.prefixed()?;
                self.weigh(bytes.len())?;
                Ok(1)
            }
            STRING => {
                let text = self.reader.text()?;
                self.weigh(text.len())?;
                let units = text.chars().map(char::len_utf16).sum::<usize>();
                u32::try_from(units).map_err(|_| Refused::TooLarge)
            }
            EMBED => self.json(),
            FORMAT => {
                let key = self.reader.text()?;
                self.weigh(key.len())?;
                self.json()
            }
            TYPE => {
                let kind = self.reader.unsigned()?;
                if !TYPES.contains(&kind) {
                    return Err(Refused::Malformed);
                }
                self.weigh(STRUCT_WEIGHT)?;
                if kind == ELEMENT {
                    let name = self.reader.text()?;
                    self.weigh(name.len())?;
                }
                Ok(1)
            }
            ANY => {
                let count = self.reader.count(1)?;
                for _ in 0..count {
                    self.value(0)?;
                }
                u32::try_from(count).map_err(|_| Refused::TooLarge)
            }
            DOCUMENT => {
                let guid = self.reader.text()?;
                self.weigh(DOCUMENT_WEIGHT + guid.len())?;
                self.value(0)?;
                Ok(1)
            }
            _ => Err(Refused::Malformed),
        }
    }

    /// Passes over JSON.
    fn json(&mut self) -> Result<u32, Refused> {
        let text = self.reader.text()?;
        self.weigh(text.len().saturating_mul(JSON_WEIGHT))?;
        if json_depth(text) > MAX_DEPTH { Err(Refused::Malformed) } else { Ok(1) }
    }

    /// Passes over a value that many deep.
    fn value(&mut self, depth: usize) -> Result<(), Refused> {
        if depth > MAX_DEPTH {
            return Err(Refused::Malformed);
        }
        self.weigh(VALUE_WEIGHT)?;
        match self.reader.byte()? {
            // Undefined, null, false and true.
            127 | 126 | 121 | 120 => {}
            125 => self.reader.skip_signed()?,
            124 => {
                self.reader.take(4)?;
            }
            123 | 122 => {
                self.reader.take(8)?;
            }
            119 => {
                let text = self.reader.text()?;
                self.weigh(text.len())?;
            }
            118 => {
                self.weigh(MAP_WEIGHT)?;
                for _ in 0..self.reader.count(2)? {
                    let key = self.reader.text()?;
                    self.weigh(VALUE_WEIGHT + key.len())?;
                    self.value(depth + 1)?;
                }
            }
            117 => {
                for _ in 0..self.reader.count(1)? {
                    self.value(depth + 1)?;
                }
            }
            116 => {
                let bytes = self.reader.prefixed()?;
                self.weigh(bytes.len())?;
            }
            _ => return Err(Refused::Malformed),
        }
        Ok(())
    }
}

/// How deep arrays and objects of JSON go, if it is JSON.
pub(in crate::documents) fn json_depth(text: &str) -> usize {
    let (mut depth, mut deepest, mut in_string) = (0_usize, 0, false);
    let mut bytes = text.bytes();
    while let Some(byte) = bytes.next() {
        match byte {
            b'\\' if in_string => {
                bytes.next();
            }
            b'"' => in_string = !in_string,
            b'[' | b'{' if !in_string => {
                depth += 1;
                deepest = deepest.max(depth);
            }
            b']' | b'}' if !in_string => depth = depth.saturating_sub(1),
            _ => {}
        }
    }
    deepest
}
