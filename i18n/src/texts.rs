//! The texts of one locale: parsed once, found by code, formatted with parameters. Falling back to another
//! locale and logging are the catalog's.
//!
//! A Fluent bundle knows one definition of a message, the last, with its attributes and no others: an app
//! that adds `sync.mine` would hide every `sync` text of the framework. So codes are found through an index
//! over all sources, attribute by attribute, and the bundle serves what texts refer to.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use fluent_bundle::concurrent::FluentBundle;
use fluent_bundle::{FluentArgs, FluentResource, FluentValue};
use fluent_langneg::LanguageIdentifier;
use fluent_syntax::ast::{Entry, Pattern};
use serde_json::{Map, Number, Value};

use crate::error::CatalogError;
use crate::inspect::{Definitions, MAX_NUMBER_BYTES};
use crate::syntax::syntax_error;

/// Stands where a value is missing: better than Fluent's `{$name}`, which would show the reader our plumbing.
const MISSING_VALUE: &str = "…";

/// A parsed source and what to call it in errors.
pub(crate) struct Source {
    origin: String,
    resource: Arc<FluentResource>,
}

impl Source {
    pub(crate) fn parse(origin: &str, text: &str) -> Result<Self, CatalogError> {
        match FluentResource::try_new(text.to_owned()) {
            Ok(resource) => Ok(Self { origin: origin.to_owned(), resource: Arc::new(resource) }),
            Err((_, errors)) => Err(syntax_error(origin, text, &errors)),
        }
    }
}

/// Where a text is, and the variables in it.
struct Text {
    resource: usize,
    entry: usize,
    attribute: usize,
    variables: BTreeSet<String>,
}

/// A formatted text.
pub(crate) struct Formatted<'a> {
    pub(crate) message: String,
    /// A variable that the text needs and no parameter gave.
    pub(crate) missing: Option<&'a str>,
}

/// All texts of one locale.
pub(crate) struct Texts {
    resources: Vec<Arc<FluentResource>>,
    index: BTreeMap<String, Text>,
    bundle: FluentBundle<Arc<FluentResource>>,
}

impl Texts {
    /// Of what several sources define, the last counts.
    pub(crate) fn new(tag: &LanguageIdentifier, sources: &[Source]) -> Result<Self, CatalogError> {
        let definitions = Definitions::new(sources.iter().map(|source| &*source.resource));
        let mut index = BTreeMap::new();
        for (resource, source) in sources.iter().enumerate() {
            for (entry, message) in source.resource.entries().enumerate() {
                let Entry::Message(message) = message else { continue };
                for (attribute, text) in message.attributes.iter().enumerate() {
                    let code = format!("{}.{}", message.id.name, text.id.name);
                    let variables = definitions.variables(&text.value).map_err(|reason| {
                        CatalogError::Text { origin: source.origin.clone(), code: code.clone(), reason }
                    })?;
                    index.insert(code, Text { resource, entry, attribute, variables });
                }
            }
        }
        // Two crates, two types for one tag; a tag that only one of them reads formats with English plurals.
        let mut bundle = FluentBundle::new_concurrent(vec![tag.to_string().parse().unwrap_or_default()]);
        let resources: Vec<_> = sources.iter().map(|source| Arc::clone(&source.resource)).collect();
        for resource in &resources {
            bundle.add_resource_overriding(Arc::clone(resource));
        }
        Ok(Self { resources, index, bundle })
    }

    pub(crate) fn codes(&self) -> impl Iterator<Item = &str> {
        self.index.keys().map(String::as_str)
    }

    pub(crate) fn variables(&self, code: &str) -> Option<&BTreeSet<String>> {
        self.index.get(code).map(|text| &text.variables)
    }

    /// `None` when there is no such text.
    pub(crate) fn format(&self, code: &str, params: &Map<String, Value>) -> Option<Formatted<'_>> {
        let text = self.index.get(code)?;
        let mut missing = None;
        // Only what the text uses is looked at, however much the caller passes.
        let mut arguments = FluentArgs::with_capacity(text.variables.len());
        for name in &text.variables {
            let value = params.get(name).and_then(value).unwrap_or_else(|| {
                missing = Some(name.as_str());
                MISSING_VALUE.into()
            });
            arguments.set(name.as_str(), value);
        }
        let mut message = String::new();
        let mut errors = Vec::new();
        let written =
            self.bundle.write_pattern(&mut message, self.pattern(text)?, Some(&arguments), &mut errors);
        (written.is_ok() && errors.is_empty()).then_some(Formatted { message, missing })
    }

    fn pattern(&self, text: &Text) -> Option<&Pattern<&str>> {
        match self.resources.get(text.resource)?.get_entry(text.entry)? {
            Entry::Message(message) => {
                message.attributes.get(text.attribute).map(|attribute| &attribute.value)
            }
            _ => None,
        }
    }
}

/// A parameter is text, a number or a truth; anything else counts as missing.
fn value(value: &Value) -> Option<FluentValue<'_>> {
    match value {
        Value::String(text) => Some(text.as_str().into()),
        Value::Number(number) => Some(number_value(number)),
        Value::Bool(true) => Some("true".into()),
        Value::Bool(false) => Some("false".into()),
        Value::Null | Value::Array(_) | Value::Object(_) => None,
    }
}

/// Fluent keeps numbers as `f64` and writes them without an exponent. One that it would round, or spell out
/// in hundreds of digits, is passed as text: it is shown as it is, and selects the default variant.
fn number_value(number: &Number) -> FluentValue<'static> {
    match number.as_f64() {
        Some(float) if float.to_string().len() <= MAX_NUMBER_BYTES => float.into(),
        _ => number.to_string().into(),
    }
}
