//! The running process: a library with a stock binary.
//!
//! [`Server`] puts the systems together; `main.rs` is the stock binary, which links no handlers. An app of its own
//! writes the same ten lines with its handlers:
//!
//! ```no_run
//! use std::{process::ExitCode, sync::Arc};
//!
//! use syncline_server::{Server, cli};
//! // use handlers as _;   // links every handler of the crate
//!
//! fn main() -> ExitCode {
//!     cli::run("my-app", |config| Server::builder(config).functions(Arc::new(())).build())
//! }
//! ```

mod app;
mod auth;
mod build_error;
pub mod cli;
mod clock;
mod cluster;
mod codes;
mod config;
mod dev;
mod documents;
mod error;
mod events;
#[cfg(test)]
#[path = "../tests/support/folder.rs"]
mod folder;
mod in_use;
mod journal;
#[cfg(test)]
#[path = "../tests/support/nats_server.rs"]
mod nats_server;
mod net;
mod observe;
mod openapi;
#[cfg(test)]
#[path = "../tests/support/own_server.rs"]
#[expect(dead_code, reason = "the tests of nodes use the rest")]
mod own_server;
mod records;
mod redis_link;
#[cfg(test)]
#[path = "../tests/support/redis_server.rs"]
mod redis_server;
mod rooms;
mod running;
#[cfg(test)]
#[path = "../tests/support/s3_server.rs"]
mod s3_server;
mod snapshots;
mod storage;
mod work_runtime;
mod workspaces;
mod ws;

pub use app::{Server, ServerBuilder};
pub use auth::{ClaimsPolicy, PolicyError, RoomPolicy, SessionClaims};
pub use build_error::BuildError;
pub use config::{
    Config, ConfigError, Environment, LogFormat, RoomAuth, SETTINGS, Setting, Transports, help_text,
};
#[cfg(feature = "measured")]
#[doc(hidden)]
pub use events::Measured;
pub use observe::{init_logging, log_filter};
pub use running::Running;
