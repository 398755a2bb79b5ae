//! From a registry of handlers to what is generated of it.
//!
//! [`routes()`] describes every route as plain data, from which [`typescript`] and [`openapi`] write; [`files::compare`]
//! holds the handlers' folder against the registry, so that no handler is left out of both. The crate reads
//! handlers and runs none, and it links no server.

#[cfg(feature = "cli")]
pub mod cli;
pub mod files;
#[cfg(feature = "cli")]
mod new_handler;
pub mod openapi;
#[cfg(feature = "cli")]
mod output;
mod routes;
pub mod typescript;

pub use routes::{AuthDoc, DeclarationDoc, ErrorDoc, PayloadDoc, RouteDoc, routes};
