//! Rust paths to wire names and back: the only place that knows how.
//!
//! `handlers::test::nested_test::room_server_v1`, function `room_server_v1`, is the server stage of
//! `test/nestedTest/room`, version `v1`. Snake case and camel case convert one to one, because a part after an
//! underscore has to begin with a letter.

use std::fmt;

use crate::NameError;

/// Which of an event's two stages a function is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum StageKind {
    /// Runs once per request.
    Server,
    /// Runs once per recipient.
    Client,
}

impl StageKind {
    /// What stands between the event and the version's number in a function's and a file's name.
    #[must_use]
    pub const fn infix(self) -> &'static str {
        match self {
            Self::Server => "_server_v",
            Self::Client => "_client_v",
        }
    }
}

/// The words that no module can be called, raw identifiers apart.
const KEYWORDS: [&str; 51] = [
    "abstract", "as", "async", "await", "become", "box", "break", "const", "continue", "crate", "do", "dyn",
    "else", "enum", "extern", "false", "final", "fn", "for", "gen", "if", "impl", "in", "let", "loop",
    "macro", "match", "mod", "move", "mut", "override", "priv", "pub", "ref", "return", "self", "static",
    "struct", "super", "trait", "true", "try", "type", "typeof", "unsafe", "unsized", "use", "virtual",
    "where", "while", "yield",
];

/// An event's name and version, as on the wire.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct EventName {
    page: String,
    event: String,
    version: u32,
}

impl EventName {
    /// The event of which `function`, in the module `module_path`, is a stage.
    ///
    /// # Errors
    /// [`NameError`], which says what the path breaks.
    pub fn from_rust(module_path: &str, function: &str) -> Result<(Self, StageKind), NameError> {
        let (event, kind, version) =
            split_stage(function).ok_or_else(|| NameError::NotAStage(function.to_owned()))?;
        if !stands_in_own_file(module_path, function) {
            return Err(NameError::NotItsFile {
                function: function.to_owned(),
                module: module_path.to_owned(),
            });
        }
        let mut segments =
            module_path.split("::").map(|segment| segment.strip_prefix("r#").unwrap_or(segment));
        segments.next();
        let mut folders: Vec<&str> = segments.collect();
        folders.pop();
        if folders.is_empty() {
            return Err(NameError::NoPage(function.to_owned()));
        }
        for folder in &folders {
            if is_version(folder) {
                return Err(NameError::PageLikeVersion((*folder).to_owned()));
            }
        }
        let page = folders.iter().map(|folder| to_camel(folder)).collect::<Result<Vec<_>, _>>()?.join("/");
        Ok((Self { page, event: to_camel(event)?, version }, kind))
    }

    /// The event that a person means by `page/event`, each part of it in camel or snake case.
    ///
    /// # Errors
    /// [`NameError`], which says what is wrong with it.
    pub fn from_person(name: &str, version: u32) -> Result<Self, NameError> {
        let snake = |part: &str| {
            let snake = to_snake(part);
            to_camel(&snake).map(|_| snake).map_err(|_| NameError::NotAName(part.to_owned()))
        };
        let (page, event) =
            name.rsplit_once('/').ok_or_else(|| NameError::NotPageAndEvent(name.to_owned()))?;
        let folders = page.split('/').map(snake).collect::<Result<Vec<_>, _>>()?;
        if let Some(keyword) = folders.iter().find(|folder| KEYWORDS.contains(&folder.as_str())) {
            return Err(NameError::Keyword(keyword.clone()));
        }
        let function = format!("{}{}{version}", snake(event)?, StageKind::Server.infix());
        let module = format!("handlers::{}::{function}", folders.join("::"));
        Self::from_rust(&module, &function).map(|(event, _)| event)
    }

    /// The page, for example `test/nestedTest`.
    #[must_use]
    pub fn page(&self) -> &str {
        &self.page
    }

    /// The event within its page, for example `room`.
    #[must_use]
    pub fn event(&self) -> &str {
        &self.event
    }

    /// The version's number.
    #[must_use]
    pub fn version_number(&self) -> u32 {
        self.version
    }

    /// The version as on the wire, for example `v1`.
    #[must_use]
    pub fn version(&self) -> String {
        format!("v{}", self.version)
    }

    /// Page and event as on the wire, for example `test/nestedTest/room`.
    #[must_use]
    pub fn name(&self) -> String {
        format!("{}/{}", self.page, self.event)
    }

    /// The event in snake case, as the names of its functions begin.
    #[must_use]
    pub fn snake(&self) -> String {
        to_snake(&self.event)
    }

    /// The event in Pascal case, as the names of its types begin.
    #[must_use]
    pub fn pascal(&self) -> String {
        to_pascal(&self.event)
    }

    /// The function of one of its stages, for example `room_server_v1`.
    #[must_use]
    pub fn function(&self, kind: StageKind) -> String {
        format!("{}{}{}", self.snake(), kind.infix(), self.version)
    }

    /// Page, event and version as one identifier, each part in Pascal case: `TestNestedTestRoomV1` with an empty
    /// separator. With `_` between the parts no two events share one.
    #[must_use]
    pub fn identifier(&self, separator: &str) -> String {
        let parts = self.page.split('/').chain([self.event.as_str()]).map(to_pascal);
        format!("{}V{}", parts.collect::<Vec<_>>().join(separator), self.version)
    }

    /// The file of one of its stages below the handlers' `src`, for example `test/nested_test/room_server_v1.rs`.
    #[must_use]
    pub fn file(&self, kind: StageKind) -> String {
        format!("{}/{}.rs", to_snake(&self.page), self.function(kind))
    }
}

impl fmt::Display for EventName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}/v{}", self.page, self.event, self.version)
    }
}

/// The number of a version as on the wire: `v1` is 1. No leading zero, so that every version has one spelling.
pub(crate) fn parse_version(text: &str) -> Option<u32> {
    let digits = text.strip_prefix('v')?;
    let sound = !digits.starts_with('0') && digits.bytes().all(|byte| byte.is_ascii_digit());
    if sound { digits.parse().ok() } else { None }
}

fn is_version(segment: &str) -> bool {
    segment
        .strip_prefix('v')
        .is_some_and(|digits| !digits.is_empty() && digits.bytes().all(|byte| byte.is_ascii_digit()))
}

fn split_stage(function: &str) -> Option<(&str, StageKind, u32)> {
    [StageKind::Server, StageKind::Client].into_iter().find_map(|kind| {
        let at = function.rfind(kind.infix())?;
        let version = parse_version(&function[at + kind.infix().len() - 1..])?;
        (at > 0).then(|| (&function[..at], kind, version))
    })
}

fn to_camel(segment: &str) -> Result<String, NameError> {
    let mut camel = String::with_capacity(segment.len());
    for (index, part) in segment.split('_').enumerate() {
        let mut letters = part.chars();
        match letters.next() {
            Some(first) if first.is_ascii_lowercase() => {
                camel.push(if index == 0 { first } else { first.to_ascii_uppercase() });
            }
            _ => return Err(NameError::NotSnakeCase(segment.to_owned())),
        }
        for letter in letters {
            if !(letter.is_ascii_lowercase() || letter.is_ascii_digit()) {
                return Err(NameError::NotSnakeCase(segment.to_owned()));
            }
            camel.push(letter);
        }
    }
    Ok(camel)
}

fn to_pascal(camel: &str) -> String {
    let mut letters = camel.chars();
    letters
        .next()
        .map_or_else(String::new, |first| format!("{}{}", first.to_ascii_uppercase(), letters.as_str()))
}

fn to_snake(camel: &str) -> String {
    let mut snake = String::with_capacity(camel.len() + 4);
    for letter in camel.chars() {
        if letter.is_ascii_uppercase() {
            snake.push('_');
        }
        snake.push(letter.to_ascii_lowercase());
    }
    snake
}

/// Whether a function is called `<event><infix><N>`. Evaluated while the handler compiles.
#[must_use]
pub const fn is_stage_function(function: &str, infix: &str) -> bool {
    let (name, infix) = (function.as_bytes(), infix.as_bytes());
    let mut digits_from = name.len();
    while digits_from > 0 && name[digits_from - 1].is_ascii_digit() {
        digits_from -= 1;
    }
    let has_version = digits_from < name.len() && name[digits_from] != b'0';
    has_version && digits_from > infix.len() && ends_with(name, digits_from, infix)
}

/// Whether the last segment of the module's path is the function's own name. Evaluated while the handler compiles.
#[must_use]
pub const fn stands_in_own_file(module_path: &str, function: &str) -> bool {
    let (module, function) = (module_path.as_bytes(), function.as_bytes());
    module.len() >= function.len() + 2
        && ends_with(module, module.len(), function)
        && module[module.len() - function.len() - 1] == b':'
}

/// Whether the first `end` bytes of `text` end with `tail`.
const fn ends_with(text: &[u8], end: usize, tail: &[u8]) -> bool {
    let mut index = 0;
    while index < tail.len() {
        if text[end - tail.len() + index] != tail[index] {
            return false;
        }
        index += 1;
    }
    true
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::{EventName, StageKind, is_stage_function, parse_version, stands_in_own_file};
    use crate::NameError;

    fn wire(module: &str, function: &str) -> Result<String, NameError> {
        EventName::from_rust(module, function).map(|(name, kind)| format!("{name} {kind:?}"))
    }

    #[test]
    fn paths_to_names() {
        assert_eq!(
            wire("handlers::test::nested_test::room_server_v1", "room_server_v1").unwrap(),
            "test/nestedTest/room/v1 Server"
        );
        assert_eq!(
            wire("app::r#type::set_it_client_v12", "set_it_client_v12").unwrap(),
            "type/setIt/v12 Client"
        );
    }

    #[test]
    fn broken_paths_are_named() {
        assert!(matches!(wire("app::a::b", "b"), Err(NameError::NotAStage(_))));
        assert!(matches!(wire("app::a::b_server_v0", "b_server_v0"), Err(NameError::NotAStage(_))));
        assert!(matches!(wire("app::a::b_server_v01", "b_server_v01"), Err(NameError::NotAStage(_))));
        assert!(matches!(wire("app::a::other", "b_server_v1"), Err(NameError::NotItsFile { .. })));
        assert!(matches!(wire("app::b_server_v1", "b_server_v1"), Err(NameError::NoPage(_))));
        assert!(matches!(wire("app::v2::b_server_v1", "b_server_v1"), Err(NameError::PageLikeVersion(_))));
        assert!(matches!(wire("app::a_1::b_server_v1", "b_server_v1"), Err(NameError::NotSnakeCase(_))));
        assert!(matches!(wire("app::a::_server_v1", "_server_v1"), Err(NameError::NotAStage(_))));
    }

    #[test]
    fn identifiers_are_told_apart_by_a_separator() {
        let identifiers = |module: &str| {
            let (name, _) = EventName::from_rust(module, "c_server_v2").unwrap();
            (name.identifier(""), name.identifier("_"))
        };
        assert_eq!(identifiers("app::a::b::c_server_v2"), ("ABCV2".to_owned(), "A_B_CV2".to_owned()));
        assert_eq!(identifiers("app::a_b::c_server_v2"), ("ABCV2".to_owned(), "AB_CV2".to_owned()));
    }

    #[test]
    fn a_person_may_write_either_case() {
        let event = |name: &str| EventName::from_person(name, 3).map(|event| event.file(StageKind::Client));
        for name in ["test/nestedTest/setIt", "test/nested_test/set_it"] {
            assert_eq!(event(name).unwrap(), "test/nested_test/set_it_client_v3.rs");
        }
        assert!(matches!(event("resign"), Err(NameError::NotPageAndEvent(_))));
        assert!(matches!(event("v1/resign"), Err(NameError::PageLikeVersion(_))));
        assert!(matches!(event("type/resign"), Err(NameError::Keyword(_))));
        for bad in [
            "Chess/resign",
            "chess/re-sign",
            "chess/",
            "/resign",
            "chess//resign",
            "chess/re sign",
            "a/b_",
            "a/ü",
            "a/1b",
            "../resign",
        ] {
            assert!(matches!(event(bad), Err(NameError::NotAName(_))), "{bad}: {:?}", event(bad));
        }
        assert!(matches!(EventName::from_person("chess/resign", 0), Err(NameError::NotAStage(_))));
    }

    #[test]
    fn versions_have_one_spelling() {
        assert_eq!(parse_version("v1"), Some(1));
        assert_eq!(parse_version("v4294967295"), Some(u32::MAX));
        for bad in ["", "v", "v0", "v01", "v+1", "1", "V1", "v1 ", "v4294967296", "v１"] {
            assert_eq!(parse_version(bad), None, "{bad}");
        }
    }

    #[test]
    fn checks_while_compiling_agree() {
        assert!(is_stage_function("a_server_v1", "_server_v"));
        for bad in ["server_v1", "_server_v1", "a_server_v", "a_server_v01", "a_client_v1", "a"] {
            assert!(!is_stage_function(bad, "_server_v"), "{bad}");
        }
        assert!(stands_in_own_file("app::a::b_server_v1", "b_server_v1"));
        assert!(!stands_in_own_file("app::a::xb_server_v1", "b_server_v1"));
        assert!(!stands_in_own_file("b_server_v1", "b_server_v1"));
    }

    fn snake() -> impl Strategy<Value = String> {
        "[a-z][a-z0-9]{0,6}(_[a-z][a-z0-9]{0,4}){0,3}"
    }

    proptest! {
        #[test]
        fn a_file_and_its_name_convert_both_ways(
            folders in prop::collection::vec(snake(), 1..4), event in snake(), version in 1u32..,
            server in any::<bool>(),
        ) {
            prop_assume!(!folders.iter().any(|folder| super::is_version(folder)));
            let kind = if server { StageKind::Server } else { StageKind::Client };
            let function = format!("{event}{}{version}", kind.infix());
            let module = format!("app::{}::{function}", folders.join("::"));
            let (name, found) = EventName::from_rust(&module, &function).unwrap();
            prop_assert_eq!(found, kind);
            prop_assert_eq!(name.file(kind), format!("{}/{function}.rs", folders.join("/")));
            prop_assert!(is_stage_function(&function, kind.infix()));
            prop_assert!(stands_in_own_file(&module, &function));
        }

        #[test]
        fn any_text_is_refused_or_read(module in ".*", function in ".*") {
            let _ = EventName::from_rust(&module, &function);
            let _ = EventName::from_person(&function, 1);
            let _ = parse_version(&function);
            let _ = is_stage_function(&function, "_server_v");
            let _ = stands_in_own_file(&module, &function);
        }
    }
}
