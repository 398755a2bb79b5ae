//! `/openapi.json`: the server's HTTP side as one OpenAPI 3.1 document, the app's events and every system that is
//! switched on.
//!
//! Here is what descriptions are made of, and where they become one. What stands in them is each system's own.

use std::collections::BTreeMap;

use axum::{Router, body::Bytes, routing::get};
use http::header;
use serde_json::{Map, Value, json};
use syncline::{ErrorCode, Registry, SyncError, run::ErrorEnvelope};
use syncline_codegen::openapi;

use crate::error::{Errors, Locale};

/// Where the document is. It says no more than a client's types do, so production serves it too.
const PATH: &str = "/openapi.json";

const ABOUT: &str = "The HTTP side of this server: its events, each as a POST that everyone in a room hears of over \
                     Socket.IO, and of the other systems those that are switched on.";

/// What a system says of its HTTP side.
pub(crate) struct Description {
    /// What its operations are listed under, and what that is.
    pub(crate) tag: (&'static str, &'static str),
    /// Its paths.
    pub(crate) paths: Value,
    /// What they refer to, by the section of `components`.
    pub(crate) components: Value,
}

/// What descriptions are made with.
pub(crate) struct Pieces<'a> {
    errors: &'a Errors,
    /// The language of the examples.
    locale: Locale,
}

impl<'a> Pieces<'a> {
    pub(crate) fn new(errors: &'a Errors) -> Self {
        Self { errors, locale: errors.negotiate(&["en"]) }
    }

    /// An operation's answers: those that are given, and a refusal for each status of these codes, as the state systems
    /// refuse.
    pub(crate) fn answers(&self, good: Value, codes: &[ErrorCode]) -> Value {
        refusals(good, codes, |code| {
            let (error, message) = self.errors.plain(&example_of(code), self.locale);
            let mut properties =
                json!({ "error": { "const": error }, "message": text("For people, in their language.") });
            let mut example = json!({ "error": error, "message": message });
            if code.params().contains(&"current") {
                properties["current"] = json!({ "type": "integer", "description": "What there is instead." });
                example["current"] = number_of("current").into();
            }
            (error, properties, example)
        })
    }

    /// What a request for a WebSocket is answered with: 101, with what is said from then on, or one of these codes.
    pub(crate) fn upgrade_answers(&self, said: &str, codes: &[ErrorCode]) -> Value {
        let good = json!({ "101": {
            "description": said, "headers": { "Upgrade": header("What it is from here on.", "websocket") },
        } });
        let mut answers = self.answers(good, codes);
        answers["426"]["headers"] = json!({
            "Upgrade": header("What has to be asked for.", "websocket"),
            "Sec-WebSocket-Version": header("In this version.", "13"),
        });
        answers
    }

    /// [`Self::answers`] where errors have the shape of events' ones.
    pub(crate) fn answers_in_envelopes(&self, good: Value, codes: &[ErrorCode]) -> Value {
        refusals(good, codes, |code| {
            let ErrorEnvelope { error_code, message, http_status, .. } =
                self.errors.envelope(&example_of(code), self.locale);
            let properties = json!({
                "status": { "const": "error" },
                "errorCode": { "const": error_code },
                "message": text("For people, in their language."),
                "httpStatus": { "const": http_status },
            });
            let example = json!({
                "status": "error", "errorCode": error_code, "message": message, "httpStatus": http_status,
            });
            (error_code.to_owned(), properties, example)
        })
    }
}

/// An error of that code, with something in each parameter.
fn example_of(code: ErrorCode) -> SyncError {
    let params = code.params().iter();
    params.fold(code.into(), |error: SyncError, name| error.with(name, number_of(name)))
}

fn number_of(param: &str) -> u32 {
    match param {
        "max" => 32_768,
        "current" => 7,
        _ => 5,
    }
}

/// `describe` gives a code's name on the wire, the properties of its body, all of them required, and an example.
fn refusals(
    good: Value,
    codes: &[ErrorCode],
    describe: impl Fn(ErrorCode) -> (String, Value, Value),
) -> Value {
    let mut by_status: BTreeMap<u16, BTreeMap<&str, ErrorCode>> = BTreeMap::new();
    for code in codes {
        by_status.entry(code.http_status()).or_default().insert(code.code(), *code);
    }
    let mut answers = good;
    for (status, codes) in by_status {
        let described: Vec<_> = codes.into_values().map(|code| (code, describe(code))).collect();
        let names: Vec<String> = described.iter().map(|(_, (name, ..))| format!("`{name}`")).collect();
        let schemas = described.iter().map(|(_, (_, properties, _))| {
            let required: Vec<&String> = properties.as_object().into_iter().flat_map(Map::keys).collect();
            json!({ "type": "object", "properties": properties, "required": required })
        });
        let mut schemas: Vec<Value> = schemas.collect();
        let schema = if schemas.len() == 1 { schemas.remove(0) } else { json!({ "oneOf": schemas }) };
        let examples: Map<String, Value> = described
            .iter()
            .map(|(_, (name, _, example))| (name.clone(), json!({ "value": example })))
            .collect();
        let mut headers = Map::new();
        if status == 401 {
            let challenge = json!({ "required": true, "schema": { "const": "Bearer" } });
            headers.insert("WWW-Authenticate".to_owned(), challenge);
        }
        if described.iter().any(|(code, _)| code.params().contains(&"seconds")) {
            let wait = json!({ "description": "After how many seconds to try again.", "schema": { "type": "integer" } });
            headers.insert("Retry-After".to_owned(), wait);
        }
        answers[status.to_string()] = json!({
            "description": names.join(", "),
            "headers": headers,
            "content": { "application/json": { "schema": schema, "examples": examples } },
        });
    }
    answers
}

/// A good answer of JSON.
pub(crate) fn json_answer(description: &str, schema: Value, example: &Value, headers: Value) -> Value {
    let content = json!({ "application/json": { "schema": schema, "example": example } });
    json!({ "description": description, "headers": headers, "content": content })
}

/// A header that an answer always has.
pub(crate) fn header(description: &str, example: &str) -> Value {
    json!({ "description": description, "required": true, "schema": { "type": "string" }, "example": example })
}

/// A part of a path that is a name of up to that many of `A-Z a-z 0-9 _ -`.
pub(crate) fn name_in_path(name: &str, description: &str, longest: usize, example: &str) -> Value {
    let pattern = format!("^[A-Za-z0-9_-]{{1,{longest}}}$");
    json!({
        "name": name,
        "in": "path",
        "required": true,
        "description": description,
        "schema": { "type": "string", "pattern": pattern },
        "example": example,
    })
}

/// A header that a request may have.
pub(crate) fn request_header(name: &str, description: &str, example: &str) -> Value {
    json!({
        "name": name, "in": "header", "description": description, "schema": { "type": "string" }, "example": example,
    })
}

/// The parameter that all requests may have: the languages of refusals.
pub(crate) fn accept_language() -> Value {
    json!({ "$ref": "#/components/parameters/AcceptLanguage" })
}

/// What an operation wants that a token has to be brought to.
pub(crate) fn by_token() -> Value {
    json!([{ openapi::BEARER: [] }])
}

/// The name of the scheme by which a token stands in the query.
pub(crate) const QUERY_TOKEN: &str = "tokenInQuery";

/// That scheme.
pub(crate) fn query_token() -> Value {
    json!({
        "type": "apiKey",
        "in": "query",
        "name": "token",
        "description": "The token, for browsers, which send no header with a WebSocket. It is kept out of every log.",
    })
}

/// The schema of a message of that `type`, with these properties, each of which it has.
pub(crate) fn message(name: &str, properties: &[(&str, Value)]) -> Value {
    let kind = [("type", json!({ "const": name }))];
    let all = kind.iter().chain(properties);
    let required: Vec<&str> = all.clone().map(|(name, _)| *name).collect();
    let properties: serde_json::Map<String, Value> =
        all.map(|(name, schema)| ((*name).to_owned(), schema.clone())).collect();
    json!({ "type": "object", "properties": properties, "required": required })
}

/// A reference to one of `components/schemas`.
pub(crate) fn schema(name: &str) -> Value {
    json!({ "$ref": format!("#/components/schemas/{name}") })
}

/// The schema of a text.
pub(crate) fn text(description: &str) -> Value {
    json!({ "type": "string", "description": description })
}

/// The document of these events and of all that describes itself.
pub(crate) fn document(events: &Registry, described: Vec<Description>) -> Value {
    let mut document = openapi::document(events);
    document["info"]["title"] = "Syncline".into();
    document["info"]["description"] = ABOUT.into();
    for Description { tag: (name, about), paths, components } in described {
        if let Value::Array(tags) = &mut document["tags"] {
            // A page of events may have that name too.
            tags.retain(|tag| tag["name"] != name);
            tags.push(json!({ "name": name, "description": about }));
        }
        merge(&mut document["paths"], paths);
        merge(&mut document["components"], components);
    }
    document.sort_all_objects();
    document
}

/// Adds what `more` has to `all`, through all levels of objects.
fn merge(all: &mut Value, more: Value) {
    match (all, more) {
        (Value::Object(all), Value::Object(more)) => {
            for (name, value) in more {
                merge(all.entry(name).or_insert(Value::Null), value);
            }
        }
        (all, more) => *all = more,
    }
}

pub(crate) fn router(document: &Value) -> Router {
    let text = Bytes::from(format!("{document:#}\n"));
    Router::new().route(PATH, get(async move || ([(header::CONTENT_TYPE, "application/json")], text.clone())))
}
