//! The page in `web/`, as it was built last: part of the binary in release builds, read from the folder in debug ones.
//!
//! Building it is not done here. Without it `/` says how to.

use axum::{
    Router,
    http::{StatusCode, header},
    response::{Html, IntoResponse, Response},
    routing::get,
};
use rust_embed::{EmbeddedFile, RustEmbed};

#[derive(RustEmbed)]
#[folder = "web/dist"]
struct Built;

const INDEX: &str = "index.html";
const NOT_BUILT: &str = include_str!("not_built.html");

/// A route for each file of the page, and `/`.
pub(crate) fn routes() -> Router {
    Built::iter().fold(Router::new().route("/", get(async || index())), |router, path| {
        router.route(&format!("/{path}"), get(async move || file(&path)))
    })
}

fn index() -> Response {
    Built::get(INDEX).map_or_else(|| Html(NOT_BUILT).into_response(), |file| answer(INDEX, file))
}

fn file(path: &str) -> Response {
    // In debug builds the files may have been built anew under other names since.
    Built::get(path).map_or_else(|| StatusCode::NOT_FOUND.into_response(), |file| answer(path, file))
}

fn answer(path: &str, file: EmbeddedFile) -> Response {
    // The names in `assets/` change with what is in them.
    let cached = if path.starts_with("assets/") { "public, max-age=31536000, immutable" } else { "no-cache" };
    let headers = [(header::CONTENT_TYPE, file.metadata.mimetype()), (header::CACHE_CONTROL, cached)];
    (headers, file.data.into_owned()).into_response()
}
