//! The events of the guide in `docs/`. An app's crate of handlers looks like it: a folder is a page.

pub mod auth;
pub mod cards;
pub mod counter;
pub mod lobby;

/// The app's own state. The guide's events need none.
#[derive(Debug, Default)]
pub struct App;

/// The texts of the app's errors: language and Fluent source.
pub const LOCALES: &[(&str, &str)] = &[("en", include_str!("../locales/en/my-app.ftl"))];
