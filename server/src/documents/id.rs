//! The name of a document, and what its object is called in a bucket and in a folder.
//!
//! A name comes from clients and may be anything, a path too. So it never becomes one: it is a single part of a key,
//! encoded. Who may use a document is not said here.

use std::{fmt, sync::Arc};

use aws_lc_rs::digest::{SHA256, digest};
use object_store::path::{self, Path};
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, percent_decode_str, utf8_percent_encode};

/// The longest, in bytes.
const MAX_BYTES: usize = 256;

/// The longest encoded name that becomes a file's: file systems have 255 bytes, and a file that is being written has a
/// few more than the finished one.
const MAX_FILE_BYTES: usize = 200;

/// What JavaScript's `encodeURIComponent` encodes.
const COMPONENT: &AsciiSet = &NON_ALPHANUMERIC
    .remove(b'-')
    .remove(b'_')
    .remove(b'.')
    .remove(b'!')
    .remove(b'~')
    .remove(b'*')
    .remove(b'\'')
    .remove(b'(')
    .remove(b')');

/// Capitals too: there are file systems that do not tell them from small letters.
const FILE: &AsciiSet = &with_capitals();

const fn with_capitals() -> AsciiSet {
    let mut set = COMPONENT.add(b'A');
    let mut capital = b'B';
    while capital <= b'Z' {
        set = set.add(capital);
        capital += 1;
    }
    set
}

/// A document's id: 1 to 256 bytes without control characters.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(crate) struct DocumentId(Arc<str>);

impl DocumentId {
    /// The id that is written like this, if it can be one.
    pub(crate) fn new(name: &str) -> Option<Self> {
        let fits = (1..=MAX_BYTES).contains(&name.len()) && !name.chars().any(char::is_control);
        fits.then(|| Self(name.into()))
    }

    /// The id that a request's path has, as it came: it is decoded here, and once. Stock clients do not encode names, so
    /// a `%` that begins no escape is itself, and a slash is one of the name's.
    pub(crate) fn from_path(raw: &str) -> Option<Self> {
        Self::new(&percent_decode_str(raw).decode_utf8().ok()?)
    }

    pub(crate) fn as_str(&self) -> &str {
        &self.0
    }

    /// Its object in a bucket: `[prefix/]encodeURIComponent(id).bin`.
    ///
    /// # Errors
    /// When the prefix is none.
    pub(crate) fn object_key(&self, prefix: Option<&str>) -> Result<Path, path::Error> {
        let name = utf8_percent_encode(&self.0, COMPONENT);
        // `Path::from` would encode what is encoded.
        match prefix {
            Some(prefix) => Path::parse(format!("{prefix}/{name}.bin")),
            None => Path::parse(format!("{name}.bin")),
        }
    }

    /// Its file in a folder: as in a bucket, but with capitals encoded, and a hash instead of a name that is too long.
    ///
    /// # Errors
    /// None; only the type says so.
    pub(crate) fn file_key(&self) -> Result<Path, path::Error> {
        let name = utf8_percent_encode(&self.0, FILE).to_string();
        if name.len() <= MAX_FILE_BYTES {
            return Path::parse(format!("{name}.bin"));
        }
        let hash = digest(&SHA256, self.0.as_bytes());
        let hash: String = hash.as_ref().iter().map(|byte| format!("{byte:02x}")).collect();
        // No encoded name has a `=`.
        Path::parse(format!("sha256={hash}.bin"))
    }
}

impl fmt::Display for DocumentId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use object_store::local::LocalFileSystem;
    use proptest::prelude::*;

    use super::DocumentId;
    use crate::folder::Folder;

    /// Ids that try to be paths, escapes and each other.
    fn ids() -> impl Strategy<Value = DocumentId> {
        let part = prop_oneof![
            3 => prop::sample::select(vec![
                ".", "..", "/", "\\", "%", "%2F", "%2e", "%252F", "#1", "~", "*", "=", "sha256=", ".bin", "a", "A",
                "é", "C:", "\u{2028}", " ", "?", "&", "+",
            ])
            .prop_map(str::to_owned),
            1 => "\\PC{1,4}",
        ];
        prop::collection::vec(part, 1..12).prop_filter_map("an id", |parts| DocumentId::new(&parts.concat()))
    }

    fn key(id: &DocumentId, prefix: Option<&str>) -> String {
        id.object_key(prefix).expect("a key").to_string()
    }

    fn file(id: &DocumentId) -> String {
        id.file_key().expect("a name").to_string()
    }

    fn id(name: &str) -> DocumentId {
        DocumentId::new(name).expect(name)
    }

    /// The left one is what Node's `encodeURIComponent` makes of it.
    #[test]
    fn keys() {
        for (name, expected) in [
            ("notes", "notes.bin"),
            ("a/b", "a%2Fb.bin"),
            ("a%2Fb", "a%252Fb.bin"),
            (".", "..bin"),
            ("..", "...bin"),
            ("../../etc/passwd", "..%2F..%2Fetc%2Fpasswd.bin"),
            ("-_.!~*'()", "-_.!~*'().bin"),
            ("ä ;,?:@&=+$#", "%C3%A4%20%3B%2C%3F%3A%40%26%3D%2B%24%23.bin"),
        ] {
            assert_eq!(key(&id(name), None), expected);
            assert_eq!(key(&id(name), Some("some/docs")), format!("some/docs/{expected}"));
        }
        assert_eq!(file(&id("Notes/1")), "%4Eotes%2F1.bin");
        assert_eq!(file(&id(&"x".repeat(200))), format!("{}.bin", "x".repeat(200)));
        // What `sha256sum` says.
        assert_eq!(
            file(&id(&"x".repeat(201))),
            "sha256=84a0678c90937f5dcf9994d5866668da6b995109c8ad845410559b48a4ecafed.bin"
        );
    }

    #[test]
    fn paths_are_decoded_once() {
        for (raw, expected) in [
            ("a%2Fb", "a/b"),
            ("a/b", "a/b"),
            ("a%252Fb", "a%2Fb"),
            ("100%", "100%"),
            ("%C3%A4", "ä"),
            ("..", ".."),
        ] {
            assert_eq!(DocumentId::from_path(raw).expect(raw).as_str(), expected);
        }
        let longest = "%41".repeat(256);
        assert_eq!(DocumentId::from_path(&longest).expect("256 bytes").as_str(), "A".repeat(256));
        for bad in ["", "a%00", "%0A", "%FF", "%C2%85", &"a".repeat(257), &"%41".repeat(257)] {
            assert!(DocumentId::from_path(bad).is_none(), "{bad}");
        }
    }

    proptest! {
        #[test]
        fn different_ids_share_no_key(one in ids(), other in ids()) {
            let is_same = one == other;
            prop_assert_eq!(key(&one, None) == key(&other, None), is_same);
            // As a file system that does not tell capitals sees it.
            let same_file = file(&one).to_lowercase() == file(&other).to_lowercase();
            prop_assert_eq!(same_file, is_same);
        }

        #[test]
        fn one_letter_makes_another_key(id in ids(), letter in "\\PC", at in 0usize..300) {
            let at = (0..=id.as_str().len()).rev().find(|end| *end <= at && id.as_str().is_char_boundary(*end));
            let mut name = id.as_str().to_owned();
            name.insert_str(at.unwrap_or_default(), &letter);
            if let Some(other) = DocumentId::new(&name) {
                prop_assert_ne!(key(&id, None), key(&other, None));
                prop_assert_ne!(file(&id).to_lowercase(), file(&other).to_lowercase());
            }
        }

        #[test]
        fn no_key_leaves_the_prefix(id in ids()) {
            let key = key(&id, Some("some/docs"));
            let name = key.strip_prefix("some/docs/").expect("the prefix");
            prop_assert!(!name.contains('/') && !matches!(name, "." | ".."), "{}", name);
            prop_assert!(key.len() <= "some/docs/".len() + 772);
        }

        #[test]
        fn no_file_leaves_the_folder(id in ids()) {
            let folder = Folder::new();
            let files = LocalFileSystem::new_with_prefix(folder.path()).expect("a folder");
            let path = files.path_to_filesystem(&id.file_key().expect("a name")).expect("a file's name");
            let root = std::fs::canonicalize(folder.path()).expect("the folder");
            prop_assert_eq!(path.parent(), Some(root.as_path()));
            let name = path.file_name().expect("a name").to_str().expect("in UTF-8");
            prop_assert_eq!(name, file(&id));
            prop_assert!(name.len() <= 204, "{}", name);
        }
    }
}
