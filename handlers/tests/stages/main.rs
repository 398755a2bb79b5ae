//! The shipped handlers through the registry, as a server runs them: JSON in, JSON out.

mod cards;
mod chat;
#[cfg(feature = "chess")]
mod chess;
mod counter;
mod presence;
mod registry;
mod test_pages;

use std::sync::Arc;

use handlers::App;
use syncline_testkit::Stage;

/// The stages of an app that nothing has happened to yet.
fn fresh() -> Stage<App> {
    Stage::new(Arc::new(App::default()))
}
