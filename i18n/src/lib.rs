//! Error codes to messages in the reader's language.
//!
//! A [`Catalog`] holds the framework's own texts (en, nl, de, fr, es, ja) and whatever an app adds, as
//! [Fluent](https://projectfluent.org) sources. Fluent ids hold no dots, so a code's group is the message and
//! the rest its attribute: `counter.amountTooLarge` is `.amountTooLarge` under `counter`.
//!
//! This crate does not know which codes exist (the contract crate and the handlers do), has no idea of
//! sessions or requests, and never treats a value as markup.

mod builder;
mod catalog;
mod error;
mod inspect;
mod locale;
mod negotiate;
mod syntax;
mod texts;

pub use builder::CatalogBuilder;
pub use catalog::Catalog;
pub use error::CatalogError;
pub use locale::Locale;
