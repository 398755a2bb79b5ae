//! The text of a stage's file: of a new one, and of a version that begins as its forerunner ended.

use syncline::{EventName, StageKind};

/// The example error of a new server stage.
pub(super) struct Refusal {
    /// The part of its code before the dot.
    pub(super) group: String,
    /// The part after it.
    pub(super) name: String,
}

impl Refusal {
    /// `chess.resignRefused` for `chess/resign`.
    pub(super) fn of(event: &EventName) -> Self {
        let page = event.page();
        Self {
            group: page.rsplit('/').next().unwrap_or(page).to_owned(),
            name: format!("{}Refused", event.event()),
        }
    }
}

/// A new server stage, with an error of its own where the handlers have texts to say it in.
pub(super) fn server(event: &EventName, refusal: Option<&Refusal>) -> String {
    let (name, version, function) = (event.name(), event.version(), event.function(StageKind::Server));
    let types = event.pascal();
    let constant = format!("{}_REFUSED", event.snake().to_uppercase());
    let (declared, checked, option) = match refusal {
        None => (String::new(), String::new(), String::new()),
        Some(Refusal { group, name }) => (
            format!(
                "/// There is no text.\npub const {constant}: ErrorCode = ErrorCode::new(\"{group}.{name}\", 422, &[]);\n\n"
            ),
            format!(
                "    if client_input.text.is_empty() {{\n        return Err({constant}.into());\n    }}\n"
            ),
            format!(", errors: [{constant}]"),
        ),
    };
    format!(
        "//! `{name}` {version}: answers with the text that it got, until you write what it does.

use syncline::prelude::*;

/// What a client sends.
#[derive(Debug, Serialize, Deserialize, TS, JsonSchema)]
#[serde(rename_all = \"camelCase\")]
pub struct {types}Input {{
    /// An example: put the event's own fields here.
    pub text: String,
}}

/// What the caller is answered, and everyone in the room gets.
#[derive(Debug, Serialize, Deserialize, TS, JsonSchema)]
#[serde(rename_all = \"camelCase\")]
pub struct {types}Output {{
    /// The text that was sent.
    pub text: String,
}}

{declared}async fn {function}(
    ServerParams {{ client_input, .. }}: ServerParams<{types}Input>,
) -> SyncResult<{types}Output> {{
{checked}    Ok({types}Output {{ text: client_input.text }})
}}
sync_server!({function}, auth: Auth::LOGIN{option});
"
    )
}

/// The types that a client stage shares with its server stage, as its file can name them.
pub(super) struct SharedTypes {
    pub(super) input: String,
    pub(super) output: String,
}

impl SharedTypes {
    /// Those of a server stage that [`server`] wrote.
    pub(super) fn new(event: &EventName) -> Self {
        let types = event.pascal();
        Self { input: format!("{types}Input"), output: format!("{types}Output") }.below(event)
    }

    fn below(self, event: &EventName) -> Self {
        let module = event.function(StageKind::Server);
        Self {
            input: format!("super::{module}::{}", self.input),
            output: format!("super::{module}::{}", self.output),
        }
    }

    /// Those of a server stage that is there, from the paths of its types as the compiler prints them. `stage` is the
    /// module that it stands in, `now` what that is called in the new version.
    pub(super) fn of(input: &str, output: &str, stage: &str, now: &EventName) -> Self {
        let krate = stage.split("::").next().unwrap_or(stage);
        let module = format!("super::{}", now.function(StageKind::Server));
        let named = |path: &str| {
            let path = path.replace("syncline::params::Empty", "Empty");
            let path = path.replace("alloc::", "std::").replace("core::", "std::");
            let path = path.replace(&format!("{stage}::"), &format!("{module}::"));
            path.replace(&format!("{krate}::"), "crate::")
        };
        Self { input: named(input), output: named(output) }
    }

    /// The `use` line for those that stand in the server stage's file, and the types as the code below it writes them.
    fn imported(&self, event: &EventName) -> (String, String, String) {
        let module = format!("super::{}::", event.function(StageKind::Server));
        let mut names: Vec<&str> = [&self.input, &self.output]
            .into_iter()
            .filter_map(|path| path.strip_prefix(&module))
            .filter(|name| name.chars().all(char::is_alphanumeric))
            .collect();
        names.sort_unstable();
        names.dedup();
        let shorten = |path: &String| match path.strip_prefix(&module) {
            Some(name) if names.contains(&name) => name.to_owned(),
            _ => path.clone(),
        };
        let line = match names.as_slice() {
            [] => String::new(),
            [name] => format!("\nuse {module}{name};\n"),
            names => format!("\nuse {module}{{{}}};\n", names.join(", ")),
        };
        (line, shorten(&self.input), shorten(&self.output))
    }
}

/// A new client stage.
pub(super) fn client(event: &EventName, types: &SharedTypes) -> String {
    let (name, version, function) = (event.name(), event.version(), event.function(StageKind::Client));
    let (import, input, output) = types.imported(event);
    format!(
        "//! `{name}` {version}: everyone in the room who is signed in gets it, until you write who gets what.

use syncline::prelude::*;
{import}
async fn {function}(
    ClientParams {{ user, .. }}: ClientParams<{input}, {output}>,
) -> SyncResult<Deliver<Empty>> {{
    Ok(if user.is_anonymous() {{ Deliver::Skip }} else {{ Deliver::To(Empty {{}}) }})
}}
sync_client!({function});
"
    )
}

/// A stage's file as the beginning of its next version: what is called by the old version is called by the new one.
pub(super) fn next_version(text: &str, old: &EventName, new: &EventName) -> String {
    let renamed = [StageKind::Server, StageKind::Client]
        .into_iter()
        .fold(text.to_owned(), |text, kind| replace_words(&text, &old.function(kind), &new.function(kind)));
    let said = |event: &EventName| format!("`{}` {}", event.name(), event.version());
    replace_words(&renamed, &said(old), &said(new))
}

/// Every `old` that is not part of a longer word.
fn replace_words(text: &str, old: &str, new: &str) -> String {
    let is_of_a_word = |letter: char| letter.is_alphanumeric() || letter == '_';
    let mut replaced = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(at) = rest.find(old) {
        let (before, found) = rest.split_at(at);
        let after = &found[old.len()..];
        let whole = !replaced.chars().chain(before.chars()).next_back().is_some_and(is_of_a_word)
            && !after.starts_with(is_of_a_word);
        replaced.push_str(before);
        replaced.push_str(if whole { new } else { old });
        rest = after;
    }
    replaced + rest
}

#[cfg(test)]
mod tests {
    use syncline::EventName;

    use super::{SharedTypes, client, next_version};

    fn event(version: u32) -> EventName {
        EventName::from_person("test/nestedTest/setIt", version).unwrap()
    }

    #[test]
    fn a_version_is_renamed_as_a_whole_word() {
        assert_eq!(
            next_version(
                "//! `test/nestedTest/setIt` v1: set_it_server_v1 set_it_client_v1; set_it_server_v10 unset_it_server_v1",
                &event(1),
                &event(2)
            ),
            "//! `test/nestedTest/setIt` v2: set_it_server_v2 set_it_client_v2; set_it_server_v10 unset_it_server_v1"
        );
    }

    #[test]
    fn a_client_stage_takes_the_types_of_its_server_stage() {
        let stage = "my_handlers::test::nested_test::set_it_server_v1";
        let text =
            |input: &str, output: &str| client(&event(2), &SharedTypes::of(input, output, stage, &event(2)));
        let own = text(&format!("{stage}::In"), &format!("{stage}::In"));
        assert!(own.contains("\nuse super::set_it_server_v2::In;\n"), "{own}");
        assert!(own.contains("ClientParams<In, In>"), "{own}");
        let other = text(
            "syncline::params::Empty",
            &format!("alloc::vec::Vec<my_handlers::shop::list::Slice<{stage}::In>>"),
        );
        assert!(!other.contains("use super"), "{other}");
        assert!(
            other.contains(
                "ClientParams<Empty, std::vec::Vec<crate::shop::list::Slice<super::set_it_server_v2::In>>>"
            ),
            "{other}"
        );
    }
}
