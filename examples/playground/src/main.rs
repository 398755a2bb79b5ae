//! The playground: the server and the handlers this repository ships, in one binary.
//!
//! An app's own binary looks just like it, with the app's handlers.

use std::{process::ExitCode, sync::Arc};

use axum::{Router, response::Html, routing::get};
use handlers::{App, LOCALES};
use syncline_server::{Server, cli};

/// What a browser shows at `/`.
const INDEX: &str = include_str!("index.html");

fn main() -> ExitCode {
    cli::run("playground", |config| {
        Server::builder(config)
            .functions(Arc::new(App::default()))
            .texts(LOCALES)
            .routes(Router::new().route("/", get(async || Html(INDEX))))
            .build()
    })
}
