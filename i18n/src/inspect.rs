//! Looks through a text once, when a catalog is built: which variables it uses, and whether it can be
//! formatted at all.
//!
//! Every fault that Fluent would report, or worse, while formatting is refused here instead, so that
//! formatting can neither fail nor panic. It formats nothing itself.

use std::collections::{BTreeSet, HashMap};

use fluent_bundle::FluentResource;
use fluent_syntax::ast::{Entry, Expression, Identifier, InlineExpression, Pattern, PatternElement};

/// The bound at which Fluent stops formatting a text. Counted here over all variants, hence never reached
/// there.
const MAX_PLACEABLES: usize = 100;
/// The longest number, sign and point included, that Fluent keeps exactly; its plural rules overflow on a
/// literal of more than twenty digits.
pub(crate) const MAX_NUMBER_BYTES: usize = 15;

/// What a text can refer to, by name. A term and a message of one name share it, as they do in a Fluent
/// bundle.
pub(crate) struct Definitions<'a>(HashMap<&'a str, &'a Entry<&'a str>>);

impl<'a> Definitions<'a> {
    /// Of what is defined twice, the last counts.
    pub(crate) fn new(resources: impl Iterator<Item = &'a FluentResource>) -> Self {
        let named = resources.flat_map(FluentResource::entries).filter_map(|entry| match entry {
            Entry::Message(message) => Some((message.id.name, entry)),
            Entry::Term(term) => Some((term.id.name, entry)),
            _ => None,
        });
        Self(named.collect())
    }

    /// The variables of a text, through references and all variants, or what is wrong with it.
    pub(crate) fn variables(&self, text: &'a Pattern<&'a str>) -> Result<BTreeSet<String>, String> {
        let mut walk =
            Walk { definitions: self, variables: BTreeSet::new(), within: Vec::new(), placeables: 0 };
        walk.pattern(text, None)?;
        Ok(walk.variables)
    }

    fn message(&self, id: &str, attribute: Option<&str>) -> Option<&'a Pattern<&'a str>> {
        match (self.0.get(id)?, attribute) {
            (Entry::Message(message), None) => message.value.as_ref(),
            (Entry::Message(message), Some(name)) => {
                message.attributes.iter().find(|a| a.id.name == name).map(|a| &a.value)
            }
            _ => None,
        }
    }

    fn term(&self, id: &str, attribute: Option<&str>) -> Option<&'a Pattern<&'a str>> {
        match (self.0.get(id)?, attribute) {
            (Entry::Term(term), None) => Some(&term.value),
            (Entry::Term(term), Some(name)) => {
                term.attributes.iter().find(|a| a.id.name == name).map(|a| &a.value)
            }
            _ => None,
        }
    }
}

struct Walk<'d, 'a> {
    definitions: &'d Definitions<'a>,
    variables: BTreeSet<String>,
    within: Vec<&'a Pattern<&'a str>>,
    placeables: usize,
}

/// Within a term, the names that were passed to it: a term sees no other variables.
type Passed<'p, 'a> = Option<&'p [&'a str]>;

impl<'a> Walk<'_, 'a> {
    fn pattern(&mut self, pattern: &'a Pattern<&'a str>, passed: Passed<'_, 'a>) -> Result<(), String> {
        if self.within.contains(&pattern) {
            return Err("refers to itself".to_owned());
        }
        self.within.push(pattern);
        for element in &pattern.elements {
            if let PatternElement::Placeable { expression } = element {
                self.placeables += 1;
                if self.placeables > MAX_PLACEABLES {
                    return Err(format!("has more than {MAX_PLACEABLES} placeables"));
                }
                self.expression(expression, passed)?;
            }
        }
        self.within.pop();
        Ok(())
    }

    fn expression(
        &mut self,
        expression: &'a Expression<&'a str>,
        passed: Passed<'_, 'a>,
    ) -> Result<(), String> {
        match expression {
            Expression::Inline(inline) => self.inline(inline, passed),
            Expression::Select { selector, variants } => {
                // A term may select on what it was not given; the default variant is then meant.
                let optional =
                    passed.is_some() && matches!(selector, InlineExpression::VariableReference { .. });
                if !optional {
                    self.inline(selector, passed)?;
                }
                variants.iter().try_for_each(|variant| self.pattern(&variant.value, passed))
            }
        }
    }

    fn inline(
        &mut self,
        inline: &'a InlineExpression<&'a str>,
        passed: Passed<'_, 'a>,
    ) -> Result<(), String> {
        match inline {
            InlineExpression::StringLiteral { .. } => Ok(()),
            InlineExpression::NumberLiteral { value } if value.len() > MAX_NUMBER_BYTES => {
                Err(format!("has a number with too many digits, `{value}`"))
            }
            InlineExpression::NumberLiteral { .. } => Ok(()),
            InlineExpression::VariableReference { id } => match passed {
                None => {
                    self.variables.insert(id.name.to_owned());
                    Ok(())
                }
                Some(names) if names.contains(&id.name) => Ok(()),
                Some(_) => Err(format!("uses a term that needs `${}`, which is not passed to it", id.name)),
            },
            InlineExpression::MessageReference { id, attribute } => {
                let attribute = attribute.as_ref().map(|a| a.name);
                match self.definitions.message(id.name, attribute) {
                    Some(pattern) => self.pattern(pattern, passed),
                    None => Err(unknown("", id, attribute)),
                }
            }
            InlineExpression::TermReference { id, attribute, arguments } => {
                let mut names = Vec::new();
                if let Some(arguments) = arguments {
                    for value in &arguments.positional {
                        self.inline(value, passed)?;
                    }
                    for argument in &arguments.named {
                        self.inline(&argument.value, passed)?;
                        names.push(argument.name.name);
                    }
                }
                let attribute = attribute.as_ref().map(|a| a.name);
                match self.definitions.term(id.name, attribute) {
                    Some(pattern) => self.pattern(pattern, Some(&names)),
                    None => Err(unknown("-", id, attribute)),
                }
            }
            InlineExpression::FunctionReference { id, .. } => {
                Err(format!("calls `{}()`; there are no functions here", id.name))
            }
            InlineExpression::Placeable { expression } => self.expression(expression, passed),
        }
    }
}

fn unknown(sigil: &str, id: &Identifier<&str>, attribute: Option<&str>) -> String {
    let attribute = attribute.map(|name| format!(".{name}")).unwrap_or_default();
    format!(
        "refers to `{sigil}{}{attribute}`, which the last definition of `{sigil}{}` lacks",
        id.name, id.name
    )
}
