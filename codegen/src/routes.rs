//! The walk over a registry: each route as plain, sorted data. Writing a language from it is not done here.

use std::{
    collections::{BTreeMap, BTreeSet},
    fmt,
};

use schemars::{Schema, generate::SchemaSettings};
use serde_json::Value;
use syncline::{ErrorCode, Registry, Route, TypeInfo};
use ts_rs::Config;

/// One version of one event.
#[derive(Clone, Debug, PartialEq)]
pub struct RouteDoc {
    /// Page and event, for example `test/nestedTest/room`.
    pub name: String,
    /// The version, for example `v1`.
    pub version: String,
    /// The page alone, for example `test/nestedTest`.
    pub page: String,
    /// The event within its page, for example `room`.
    pub event: String,
    /// A name of its own among all routes that is an identifier too, for example `TestNestedTestRoomV1`.
    pub namespace: String,
    /// Who may call it.
    pub auth: AuthDoc,
    /// The error codes that its stages declare, sorted. Those of the framework may come too and are not listed.
    pub errors: Vec<ErrorDoc>,
    /// What a client sends, as the server reads it.
    pub client_input: PayloadDoc,
    /// What the server stage answers.
    pub server_output: PayloadDoc,
    /// What the client stage adds for a recipient.
    pub client_output: PayloadDoc,
    /// Every named TypeScript type that the three payloads are made of, sorted by name. Names are unique within a
    /// route and not beyond it: another version may have an `Input` too.
    pub declarations: Vec<DeclarationDoc>,
}

/// What a route requires of its caller.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AuthDoc {
    /// Whether the caller has to be logged in.
    pub login: bool,
    /// What else has to hold of the session, in words, in the order of the rules.
    pub rules: Vec<String>,
}

/// Who may call it, as a sentence.
impl fmt::Display for AuthDoc {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(if self.login { "Callers have to be signed in" } else { "Anyone may call it" })?;
        if !self.rules.is_empty() {
            write!(f, "; of their session has to hold: {}", self.rules.join(", "))?;
        }
        f.write_str(".")
    }
}

/// An error code that a route declares.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ErrorDoc {
    /// The code, for example `counter.amountTooLarge`.
    pub code: String,
    /// The status of its answers over HTTP, 400 to 599.
    pub http_status: u16,
    /// The names of its parameters, as declared.
    pub params: Vec<String>,
}

/// A type that crosses the wire.
#[derive(Clone, Debug, PartialEq)]
pub struct PayloadDoc {
    /// How TypeScript refers to it, for example `Array<Move>`.
    pub reference: String,
    /// Its JSON schema (2020-12), complete in itself: types that it refers to are in its `$defs`.
    pub schema: Value,
}

/// The declaration of a named TypeScript type.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DeclarationDoc {
    /// Its name, without parameters.
    pub name: String,
    /// `type Name = ...;`
    pub declaration: String,
    /// Its doc comment as TSDoc, if it has one.
    pub docs: Option<String>,
}

/// Describes every route, sorted by page, event and version. The same handlers give the same description, in any
/// order of linking.
#[must_use]
pub fn routes(registry: &Registry) -> Vec<RouteDoc> {
    let config = config();
    let mut seen = BTreeSet::new();
    let identifiers = registry.routes().iter().map(|route| route.event().identifier(""));
    let shared: BTreeSet<String> =
        identifiers.filter(|identifier| !seen.insert(identifier.clone())).collect();
    let namespace = |route: &Route| {
        let identifier = route.event().identifier("");
        if shared.contains(&identifier) { route.event().identifier("_") } else { identifier }
    };
    registry.routes().iter().map(|route| describe(route, namespace(route), &config)).collect()
}

/// How types become TypeScript. JSON has one kind of number, which JavaScript reads as `number`, never as `bigint`.
pub(crate) fn config() -> Config {
    Config::new().with_large_int("number")
}

fn describe(route: &Route, namespace: String, config: &Config) -> RouteDoc {
    let (input, server, client) = (route.client_input(), route.server_output(), route.client_output());
    // What is read and what is written differ where a type has defaults: a field may be missing in the former.
    let (read, written) =
        (SchemaSettings::draft2020_12().for_deserialize(), SchemaSettings::draft2020_12().for_serialize());
    RouteDoc {
        name: route.name().to_string(),
        version: route.version().to_string(),
        page: route.event().page().to_owned(),
        event: route.event().event().to_owned(),
        namespace,
        auth: AuthDoc {
            login: route.auth().login,
            rules: route.auth().additional.iter().map(|rule| rule.to_string()).collect(),
        },
        errors: route.errors().iter().map(error_doc).collect(),
        client_input: payload(input, config, read),
        server_output: payload(server, config, written.clone()),
        client_output: payload(client, config, written),
        declarations: declarations(&[input, server, client], config),
    }
}

pub(crate) fn error_doc(error: &ErrorCode) -> ErrorDoc {
    ErrorDoc {
        code: error.code().to_owned(),
        http_status: error.http_status(),
        params: error.params().iter().map(|&name| name.to_owned()).collect(),
    }
}

fn payload(info: TypeInfo, config: &Config, settings: SchemaSettings) -> PayloadDoc {
    let mut generator = settings.into_generator();
    let mut schema: Schema = info.schema(&mut generator);
    let definitions = generator.take_definitions(true);
    if !definitions.is_empty() {
        schema.insert("$defs".to_owned(), Value::Object(definitions));
    }
    let mut schema = schema.to_value();
    // Whether JSON objects keep the order of insertion depends on what else is built into the binary.
    schema.sort_all_objects();
    PayloadDoc { reference: info.reference(config), schema }
}

fn declarations(payloads: &[TypeInfo], config: &Config) -> Vec<DeclarationDoc> {
    let by_name: BTreeMap<String, DeclarationDoc> = payloads
        .iter()
        .flat_map(|info| info.named_types(config))
        .map(|named| {
            // ts-rs writes an empty object as one that may have any property.
            let declaration = named.declaration.replace("Record<symbol, never>", "Record<string, never>");
            (named.name.clone(), DeclarationDoc { name: named.name, declaration, docs: named.docs })
        })
        .collect();
    by_name.into_values().collect()
}
