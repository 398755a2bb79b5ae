//! The registry as an OpenAPI 3.1 document: the HTTP side of every event, `POST /sync/<page>/<event>/<version>`.
//!
//! A server's own document has more: it adds the systems that are switched on there. An app's own routes are in neither,
//! nor is what goes over sockets.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Map, Value, json};
use syncline::{Registry, codes, run::MAX_ROOM_NAME};

use crate::{
    RouteDoc,
    routes::{ErrorDoc, PayloadDoc, error_doc, routes},
};

/// Where a document keeps what is referred to.
const SCHEMAS: &str = "#/components/schemas/";

/// The name of the security scheme of tokens.
pub const BEARER: &str = "bearer";

/// The framework's codes that a request over HTTP can be answered with. The others are about sockets, or come of
/// calling an event in a way that no document describes.
const OVER_HTTP: [syncline::ErrorCode; 16] = [
    codes::INVALID_REQUEST,
    codes::MISSING_RECEIVER,
    codes::ROOM_INVALID,
    codes::AUTH_REQUIRED,
    codes::AUTH_INVALID,
    codes::AUTH_EXPIRED,
    codes::AUTH_FORBIDDEN,
    codes::ORIGIN_DENIED,
    codes::RECEIVER_NOT_ALLOWED,
    codes::NOT_FOUND,
    codes::TOO_LARGE,
    codes::INVALID_INPUT,
    codes::RATE_LIMITED,
    codes::INTERNAL,
    codes::TIMEOUT,
    codes::SHUTTING_DOWN,
];

/// The document of these handlers. The same handlers give the same document.
#[must_use]
pub fn document(registry: &Registry) -> Value {
    let routes = routes(registry);
    let paths: Map<String, Value> = routes
        .iter()
        .map(|route| (format!("/sync/{}/{}", route.name, route.version), json!({ "post": operation(route) })))
        .collect();
    let tags: BTreeSet<&str> = routes.iter().map(|route| route.page.as_str()).collect();
    let mut document = json!({
        "openapi": "3.1.0",
        "info": {
            "title": "Sync events",
            "version": env!("CARGO_PKG_VERSION"),
            "description": "Sends an event to everyone in a room, as the same event over a socket does. \
                Those in the room get it over Socket.IO; the answer is the server stage's output.",
        },
        "tags": tags.iter().map(|tag| json!({ "name": tag })).collect::<Vec<_>>(),
        "paths": paths,
        "components": {
            "schemas": schemas(&routes),
            "parameters": { "AcceptLanguage": accept_language() },
            "securitySchemes": {
                BEARER: {
                    "type": "http",
                    "scheme": "bearer",
                    "bearerFormat": "JWT",
                    "description": "The caller's token. A backend's, with the scope `sync:publish`, may name any room.",
                },
            },
        },
    });
    // Whether JSON objects keep the order of insertion depends on what else is built into the binary.
    document.sort_all_objects();
    document
}

/// The document as text, for a file or an answer.
#[must_use]
pub fn text(registry: &Registry) -> String {
    format!("{:#}\n", document(registry))
}

fn operation(route: &RouteDoc) -> Value {
    let anyone = (!route.auth.login).then(|| json!({}));
    let security: Vec<Value> = anyone.into_iter().chain([json!({ BEARER: [] })]).collect();
    json!({
        "operationId": route.namespace,
        "summary": format!("{} {}", route.name, route.version),
        "description": route.auth.to_string(),
        "tags": [route.page],
        "security": security,
        "parameters": [{ "$ref": "#/components/parameters/AcceptLanguage" }],
        "requestBody": { "required": true, "content": { "application/json": { "schema": request(route) } } },
        "responses": responses(route),
    })
}

fn accept_language() -> Value {
    json!({
        "name": "Accept-Language",
        "in": "header",
        "description": "The languages that error messages may come in; a locale in the token goes before it.",
        "schema": { "type": "string" },
        "example": "nl, en;q=0.5",
    })
}

fn request(route: &RouteDoc) -> Value {
    json!({
        "type": "object",
        "properties": {
            "data": reference(&component(route, "ClientInput")),
            "receiver": {
                "description": "The room that the event goes to.",
                "type": "string",
                "minLength": 1,
                "maxLength": MAX_ROOM_NAME,
                "pattern": "^[^\\u0000-\\u001f\\u007f-\\u009f]+$",
                "examples": ["game-room-123"],
            },
            "ignoreSelf": {
                "description": "Whether the caller's own sockets are left out.",
                "type": "boolean",
                "default": false,
            },
        },
        "required": ["data", "receiver"],
    })
}

fn responses(route: &RouteDoc) -> Value {
    let mut by_status: BTreeMap<u16, BTreeSet<String>> = BTreeMap::new();
    for error in errors(route) {
        by_status.entry(error.http_status).or_default().insert(error.code);
    }
    let mut responses = Map::new();
    responses.insert("200".to_owned(), answer("The server stage's output.", success(route), Map::new()));
    for (status, codes) in by_status {
        let names: Vec<String> = codes.iter().map(|code| format!("`{code}`")).collect();
        responses.insert(status.to_string(), answer(&names.join(", "), one_of(&codes), headers(status)));
    }
    Value::Object(responses)
}

fn errors(route: &RouteDoc) -> Vec<ErrorDoc> {
    route.errors.iter().cloned().chain(OVER_HTTP.iter().map(error_doc)).collect()
}

fn answer(description: &str, schema: Value, headers: Map<String, Value>) -> Value {
    let mut answer =
        json!({ "description": description, "content": { "application/json": { "schema": schema } } });
    if !headers.is_empty() {
        answer["headers"] = Value::Object(headers);
    }
    answer
}

fn success(route: &RouteDoc) -> Value {
    json!({
        "type": "object",
        "properties": {
            "status": { "const": "success" },
            "serverOutput": reference(&component(route, "ServerOutput")),
        },
        "required": ["status", "serverOutput"],
    })
}

fn one_of(codes: &BTreeSet<String>) -> Value {
    let names: Vec<String> = codes.iter().map(|code| error_component(code)).collect();
    if let [name] = names.as_slice() {
        return reference(name);
    }
    let mapping: Map<String, Value> = codes
        .iter()
        .zip(&names)
        .map(|(code, name)| (code.clone(), format!("{SCHEMAS}{name}").into()))
        .collect();
    json!({
        "oneOf": names.iter().map(|name| reference(name)).collect::<Vec<_>>(),
        "discriminator": { "propertyName": "errorCode", "mapping": mapping },
    })
}

fn headers(status: u16) -> Map<String, Value> {
    let (name, header) = match status {
        401 => ("WWW-Authenticate", json!({ "schema": { "const": "Bearer" }, "required": true })),
        429 => (
            "Retry-After",
            json!({ "description": "After how many seconds to try again.", "schema": { "type": "integer" } }),
        ),
        _ => return Map::new(),
    };
    Map::from_iter([(name.to_owned(), header)])
}

fn reference(component: &str) -> Value {
    json!({ "$ref": format!("{SCHEMAS}{component}") })
}

/// The name of one of a route's payloads among the schemas. No other route has the namespace, and no error.
fn component(route: &RouteDoc, payload: &str) -> String {
    format!("{}.{payload}", route.namespace)
}

fn error_component(code: &str) -> String {
    format!("error.{code}")
}

fn schemas(routes: &[RouteDoc]) -> Map<String, Value> {
    let mut schemas = Map::new();
    for route in routes {
        for (name, payload) in [("ClientInput", &route.client_input), ("ServerOutput", &route.server_output)]
        {
            hoist(&component(route, name), payload, &mut schemas);
        }
        for error in errors(route) {
            schemas.insert(error_component(&error.code), envelope(&error));
        }
    }
    schemas
}

/// Makes a payload's schema a component, and what stands in its `$defs` components beside it.
fn hoist(component: &str, payload: &PayloadDoc, schemas: &mut Map<String, Value>) {
    let mut schema = payload.schema.clone();
    let definitions = match schema.as_object_mut().and_then(|schema| schema.remove("$defs")) {
        Some(Value::Object(definitions)) => definitions,
        _ => Map::new(),
    };
    let mut names: BTreeMap<String, String> = BTreeMap::new();
    for definition in definitions.keys() {
        let mut name =
            format!("{component}.{}", definition.replace(|letter| !is_of_a_component(letter), "_"));
        while names.values().any(|taken| *taken == name) {
            name.push('_');
        }
        names.insert(definition.clone(), name);
    }
    repoint(&mut schema, &names);
    schemas.insert(component.to_owned(), schema);
    for (definition, mut schema) in definitions {
        repoint(&mut schema, &names);
        schemas.insert(names[&definition].clone(), schema);
    }
}

/// What OpenAPI lets a component be called by.
fn is_of_a_component(letter: char) -> bool {
    letter.is_ascii_alphanumeric() || matches!(letter, '.' | '-' | '_')
}

fn repoint(schema: &mut Value, names: &BTreeMap<String, String>) {
    match schema {
        Value::Object(object) => {
            if let Some(Value::String(pointer)) = object.get_mut("$ref")
                && let Some(name) =
                    pointer.strip_prefix("#/$defs/").and_then(|key| names.get(&unescaped(key)))
            {
                *pointer = format!("{SCHEMAS}{name}");
            }
            object.values_mut().for_each(|value| repoint(value, names));
        }
        Value::Array(items) => items.iter_mut().for_each(|item| repoint(item, names)),
        _ => {}
    }
}

/// A segment of a JSON pointer as the name that it stands for.
fn unescaped(segment: &str) -> String {
    segment.replace("~1", "/").replace("~0", "~")
}

/// An error as callers get it.
fn envelope(error: &ErrorDoc) -> Value {
    let mut properties = json!({
        "status": { "const": "error" },
        "errorCode": { "type": "string", "enum": [error.code] },
        "message": { "type": "string", "description": "The error in the caller's language." },
        "httpStatus": { "const": error.http_status },
    });
    let mut required = vec!["status", "errorCode", "message", "httpStatus"];
    if !error.params.is_empty() {
        let params: Map<String, Value> = error
            .params
            .iter()
            .map(|name| (name.clone(), json!({ "type": ["string", "number", "boolean"] })))
            .collect();
        properties["errorParams"] =
            json!({ "type": "object", "properties": params, "required": error.params });
        required.push("errorParams");
    }
    json!({ "type": "object", "properties": properties, "required": required })
}
