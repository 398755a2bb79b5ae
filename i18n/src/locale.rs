//! The id of one language of a catalog. It carries its tag inline, so that a session can keep it by value;
//! whether a catalog has that language is for the catalog to say.

use std::fmt;

use fluent_langneg::LanguageIdentifier;

/// Room for any tag in use: language, script, region and a variant or two.
const MAX_BYTES: usize = 31;

/// One language of a [`Catalog`](crate::Catalog), as [`negotiate`](crate::Catalog::negotiate) chose it.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct Locale {
    bytes: [u8; MAX_BYTES],
    len: u8,
}

impl Locale {
    /// The tag in its canonical form, such as `nl` or `pt-BR`.
    pub fn as_str(&self) -> &str {
        std::str::from_utf8(&self.bytes[..usize::from(self.len)]).unwrap_or_default()
    }

    /// `None` when the tag is longer than any tag in use.
    pub(crate) fn new(tag: &LanguageIdentifier) -> Option<Self> {
        let tag = tag.to_string();
        let mut bytes = [0; MAX_BYTES];
        bytes.get_mut(..tag.len())?.copy_from_slice(tag.as_bytes());
        Some(Self { bytes, len: u8::try_from(tag.len()).ok()? })
    }
}

impl fmt::Display for Locale {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl fmt::Debug for Locale {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Locale({self})")
    }
}
