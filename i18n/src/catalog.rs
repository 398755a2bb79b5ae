//! All texts of a server: chooses a reader's locale and turns a code with its parameters into that reader's
//! message. It decides nothing about which codes there are, and what it hands out is text, never markup.

use std::collections::hash_map::DefaultHasher;
use std::collections::{BTreeSet, HashSet};
use std::fmt;
use std::hash::{Hash, Hasher};
use std::sync::{Mutex, PoisonError};

use fluent_langneg::{LanguageIdentifier, NegotiationStrategy, negotiate_languages};
use serde_json::{Map, Value};

use crate::builder::CatalogBuilder;
use crate::error::CatalogError;
use crate::locale::Locale;
use crate::negotiate::requested;
use crate::texts::Texts;

/// The locale that has every text of the framework, hence the last to fall back to.
const COMPLETE_LOCALE: &str = "en";
/// Codes come from what handlers declare, which is bounded; a bug that makes codes up must not fill the
/// memory or the log either.
const MAX_WARNINGS: usize = 1024;

/// The texts of the framework and of an app, in every language they were given.
pub struct Catalog {
    tags: Vec<LanguageIdentifier>,
    entries: Vec<Entry>,
    default: usize,
    /// Hashes of (locale, code) that were warned about.
    warned: Mutex<HashSet<u64>>,
}

struct Entry {
    locale: Locale,
    texts: Texts,
    /// Where a text is looked for, in this order: itself and its parents (`de-CH`, `de`), then the other
    /// fallbacks.
    chain: Vec<usize>,
    /// How many of the chain are the reader's own language.
    own: usize,
}

impl Catalog {
    /// A builder that already has the framework's texts.
    pub fn builder() -> CatalogBuilder {
        CatalogBuilder::new()
    }

    /// `texts` in order of tag.
    pub(crate) fn new(
        texts: Vec<(LanguageIdentifier, Locale, Texts)>,
        default: &LanguageIdentifier,
    ) -> Result<Self, CatalogError> {
        let tags: Vec<_> = texts.iter().map(|(tag, ..)| tag.clone()).collect();
        let names: Vec<_> = tags.iter().map(ToString::to_string).collect();
        let default_name = default.to_string();
        let Some(default) = names.iter().position(|name| *name == default_name) else {
            return Err(CatalogError::DefaultLocale { tag: default_name });
        };
        let entries = texts.into_iter().zip(&names).map(|((_, locale, texts), name)| {
            let mut chain = Vec::new();
            extend_chain(&mut chain, &names, name);
            let own = chain.len();
            extend_chain(&mut chain, &names, &default_name);
            extend_chain(&mut chain, &names, COMPLETE_LOCALE);
            Entry { locale, texts, chain, own }
        });
        Ok(Self { entries: entries.collect(), tags, default, warned: Mutex::default() })
    }

    /// The best locale for a reader. A preference is a language tag or a whole `Accept-Language` value;
    /// earlier ones come first. What cannot be read is skipped, and with nothing left it is the default
    /// locale.
    pub fn negotiate(&self, preferences: &[&str]) -> Locale {
        let requested = requested(preferences, &self.tags[self.default]);
        let found = negotiate_languages(&requested, &self.tags, None, NegotiationStrategy::Lookup);
        let position = found.first().and_then(|found| self.tags.iter().position(|tag| tag == *found));
        self.entries[position.unwrap_or(self.default)].locale
    }

    /// The message of a code. A text that `locale` lacks comes from its parent locale, then from the default
    /// locale, then from `en`, and at last the code itself is the message. A missing text and a missing
    /// parameter are logged, once per locale and code.
    ///
    /// Parameters are text, numbers or booleans, and stand in the message as they are, between isolation
    /// marks (U+2068, U+2069). Whoever shows the message as HTML has to escape it.
    pub fn message(&self, locale: Locale, code: &str, params: &Map<String, Value>) -> String {
        let reader = self.entries.iter().find(|entry| entry.locale == locale);
        let reader = reader.unwrap_or(&self.entries[self.default]);
        for (step, index) in reader.chain.iter().enumerate() {
            let source = &self.entries[*index];
            let Some(formatted) = source.texts.format(code, params) else { continue };
            let shown = source.locale;
            if let Some(variable) = formatted.missing {
                self.warn_once(shown, code, || {
                    tracing::warn!(locale = %shown, code, variable, "a parameter of a message is missing");
                });
            }
            if step >= reader.own {
                self.warn_once(reader.locale, code, || {
                    tracing::warn!(locale = %reader.locale, code, %shown, "a text is missing");
                });
            }
            return formatted.message;
        }
        self.warn_once(reader.locale, code, || {
            tracing::warn!(locale = %reader.locale, code, "a text is missing in every language");
        });
        code.to_owned()
    }

    /// The tags of all locales, sorted.
    pub fn locales(&self) -> impl Iterator<Item = &str> {
        self.entries.iter().map(|entry| entry.locale.as_str())
    }

    /// The codes that a locale has a text of its own for, sorted.
    pub fn codes<'a>(&'a self, locale: &str) -> impl Iterator<Item = &'a str> + use<'a> {
        self.texts(locale).into_iter().flat_map(Texts::codes)
    }

    /// Whether a locale has a text of its own for a code, no fallback counted.
    pub fn has(&self, locale: &str, code: &str) -> bool {
        self.texts(locale).is_some_and(|texts| texts.variables(code).is_some())
    }

    /// The variables in a locale's own text of a code, those in selectors, variants and references included.
    pub fn variables(&self, locale: &str, code: &str) -> Option<BTreeSet<String>> {
        self.texts(locale)?.variables(code).cloned()
    }

    fn texts(&self, locale: &str) -> Option<&Texts> {
        let tag: LanguageIdentifier = locale.parse().ok()?;
        let index = self.tags.iter().position(|known| *known == tag)?;
        Some(&self.entries[index].texts)
    }

    fn warn_once(&self, locale: Locale, code: &str, warn: impl FnOnce()) {
        let mut hasher = DefaultHasher::new();
        (locale, code).hash(&mut hasher);
        let first = {
            let mut warned = self.warned.lock().unwrap_or_else(PoisonError::into_inner);
            warned.len() < MAX_WARNINGS && warned.insert(hasher.finish())
        };
        // After the lock, for a log may be slow.
        if first {
            warn();
        }
    }
}

/// Appends a locale and its parents, as far as they exist and are not in yet: `de-CH`, then `de`.
fn extend_chain(chain: &mut Vec<usize>, names: &[String], name: &str) {
    let mut rest = Some(name);
    while let Some(name) = rest {
        if let Some(index) = names.iter().position(|known| known == name)
            && !chain.contains(&index)
        {
            chain.push(index);
        }
        rest = name.rsplit_once('-').map(|(parent, _)| parent);
    }
}

impl fmt::Debug for Catalog {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let locales: Vec<_> = self.locales().collect();
        f.debug_struct("Catalog").field("locales", &locales).finish_non_exhaustive()
    }
}
